//! The distribution: the release build, the licences, the README, and the action of HAProxy.

use anyhow::{Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;

/// Builds the server and fills `target/dist`.
///
/// # Errors
/// When the build fails, or a file is missing.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    cmd!(sh, "cargo build --release --locked --package auth-server").run()?;
    let files: Vec<_> = sh
        .read_dir(".")?
        .into_iter()
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with("LICENSE") || name == "README.md"
        })
        .collect();
    ensure!(files.len() >= 2, "no licence or README in {}", sh.current_dir().display());
    sh.remove_path("target/dist")?;
    let dist = sh.create_dir("target/dist")?;
    sh.copy_file("target/release/auth-server", &dist)?;
    sh.copy_file("deploy/haproxy/auth-forward.lua", &dist)?;
    for file in files {
        sh.copy_file(file, &dist)?;
    }
    say(&format!("{}", dist.display()));
    Ok(())
}
