//! Published clients, unchanged, in exact versions: `cargo xtask clients` installs them, small scripts in
//! `clients/` drive them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

/// A client with an empty home folder, so that nobody's own settings have a say.
#[derive(Debug)]
pub struct Client {
    command: Command,
    home: TempDir,
}

impl Client {
    /// A program of `clients/python`.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn python(script: &str) -> Result<Self> {
        Self::new(&installed()?.join("python/bin/python"), &scripts().join("python").join(script))
    }

    /// A program of `clients/node`.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn node(script: &str) -> Result<Self> {
        Self::new(Path::new("node"), &scripts().join("node").join(script))
    }

    /// A program that was installed with the Python clients.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn installed(program: &str) -> Result<Self> {
        let folder = installed()?.join("python/bin");
        Self::new(&folder.join("python"), &folder.join(program))
    }

    fn new(program: &Path, script: &Path) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command
            .arg(script)
            .current_dir(home.path())
            .env_remove("ZULIP_CONFIG")
            .env_remove("ZULIP_API_KEY")
            .env("HOME", home.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("NODE_PATH", installed()?.join("node/node_modules"));
        Ok(Self { command, home })
    }

    /// Its home folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn run(mut self, arguments: &[impl AsRef<OsStr>]) -> Result<Output> {
        self.command.args(arguments).output().context("running the client")
    }

    /// Runs it to its end: whether it was let in, and the JSON it prints.
    ///
    /// # Errors
    /// When it can't be run or prints something else; with what it says of it.
    pub fn log_in(self, arguments: &[impl AsRef<OsStr>]) -> Result<(bool, Value)> {
        let done = self.run(arguments)?;
        let json = serde_json::from_slice(&done.stdout).with_context(|| {
            let (said, why) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            format!("the client printed {said:?}\n{why}")
        })?;
        Ok((done.status.success(), json))
    }
}

/// Where `cargo xtask clients` puts them.
fn installed() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients");
    ensure!(folder.join("installed").exists(), "the clients are not installed: run cargo xtask clients");
    Ok(folder)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}
