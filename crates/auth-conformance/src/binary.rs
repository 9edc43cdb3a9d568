//! Finds the program of the server under test.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

/// The path of the server's program: the value of `AUTH_SERVER_BIN`, or else the debug build, which is brought up to
/// date first.
///
/// # Errors
/// When the server cannot be built.
pub fn server_binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let found = BINARY.get_or_init(|| find().map_err(|error| format!("{error:#}")));
    found.clone().map_err(|error| anyhow!(error))
}

#[expect(clippy::disallowed_methods, reason = "the environment of a test names the program to run")]
fn find() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("AUTH_SERVER_BIN") {
        return Ok(named.into());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // With the variables that cargo sets for this package's tests, some dependencies would be rebuilt.
    for (name, _) in std::env::vars_os() {
        let about_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(about_package) {
            command.env_remove(name);
        }
    }
    let built = command
        .args(["build", "--quiet", "--package", "auth-server", "--message-format", "json-render-diagnostics"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo")?;
    ensure!(built.status.success(), "auth-server cannot be built");
    let messages = String::from_utf8(built.stdout)?;
    let mut messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = messages.find_map(|message| Some(message.get("executable")?.as_str()?.to_owned()));
    Ok(program.context("cargo names no program")?.into())
}
