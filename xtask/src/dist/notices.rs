//! The licences of what is in the program, and its bill of materials.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::tools::{self, CargoTool};

/// Collects the texts of licences.
const ABOUT: CargoTool = CargoTool {
    package: "cargo-about",
    program: "cargo-about",
    version: "0.9.3",
    options: &["--features=cli", "--config=profile.dev.opt-level=2"],
};

/// Writes bills of materials.
const CYCLONEDX: CargoTool =
    CargoTool { package: "cargo-cyclonedx", program: "cargo-cyclonedx", version: "0.5.9", options: &[] };

/// Writes `THIRD-PARTY` and `sbom.cdx.json` into a folder.
pub(super) fn write(sh: &Shell, folder: &Path) -> Result<()> {
    let about = tools::cargo_tool(sh, ABOUT)?;
    let notices = folder.join("THIRD-PARTY");
    cmd!(sh, "{about} generate --offline --locked --fail --config xtask/notices/about.toml --manifest-path crates/auth-server/Cargo.toml --output-file {notices} xtask/notices/third-party.hbs").run()?;
    bill(sh, &folder.join("sbom.cdx.json"))
}

fn bill(sh: &Shell, to: &Path) -> Result<()> {
    let cyclonedx = tools::cargo_tool(sh, CYCLONEDX)?;
    // It writes a file beside the manifest of each member of the workspace.
    let name = "auth-server-bill";
    cmd!(sh, "{cyclonedx} cyclonedx --quiet --format json --target x86_64-unknown-linux-gnu --override-filename {name} --manifest-path crates/auth-server/Cargo.toml").run()?;
    let written = sh.read_file(format!("crates/auth-server/{name}.json"));
    for file in cmd!(sh, "git ls-files --others -- **/{name}.json").quiet().read()?.lines() {
        sh.remove_path(file)?;
    }
    let mut bill: Value = serde_json::from_str(&written?)?;
    let root = format!("{}", sh.current_dir().display());
    // What is different at each run and in each folder.
    let fields = bill.as_object_mut().context("no object")?;
    fields.remove("serialNumber");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("timestamp");
    }
    let text = serde_json::to_string_pretty(&bill)?.replace(&root, "");
    sh.write_file(to, text + "\n")?;
    Ok(())
}
