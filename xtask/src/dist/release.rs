//! What packages are named after, and the time of their files.

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

/// What the names of packages say of where they run.
const PLATFORM: &str = "x86_64-linux-gnu";

/// What packages are named after.
pub(super) struct Release {
    pub(super) version: String,
    /// The time of the commit, in seconds: the time of every file in a package.
    pub(super) epoch: String,
}

impl Release {
    pub(super) fn of(sh: &Shell) -> Result<Self> {
        let metadata = cmd!(sh, "cargo metadata --locked --no-deps --format-version 1").quiet().read()?;
        let metadata: Value = serde_json::from_str(&metadata)?;
        let text = |package: &Value, key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
        let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
        let server =
            packages.iter().find(|package| text(package, "name").is_some_and(|name| name == "auth-server"));
        let version = server.and_then(|package| text(package, "version")).context("no version")?;
        let epoch = cmd!(sh, "git log -1 --format=%ct").quiet().read()?;
        Ok(Self { version, epoch })
    }

    /// What is at the head of the names of files.
    pub(super) fn name(&self) -> String {
        format!("auth-server-{}-{}", self.version, PLATFORM)
    }
}
