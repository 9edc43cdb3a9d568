//! Published clients in exact versions, for the tests that drive them.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools;

const SOURCE: &str = "crates/auth-conformance/clients";

/// Installs the clients into `target/clients`, unless the same versions are there.
///
/// # Errors
/// When pip or npm fails.
pub(crate) fn install(sh: &Shell) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    let target = sh.current_dir().join("target/clients");
    let pins = [
        format!("{SOURCE}/python/requirements.txt"),
        format!("{SOURCE}/node/package.json"),
        format!("{SOURCE}/node/package-lock.json"),
    ];
    let wanted = pins.iter().map(|file| sh.read_file(file)).collect::<Result<String, _>>()?;
    let stamp = target.join("installed");
    if sh.read_file(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say("installing the published clients");
    sh.remove_path(&target)?;
    let python = target.join("python");
    cmd!(sh, "python3 -m venv {python}").run()?;
    let (pip, [requirements, ..]) = (python.join("bin/pip"), &pins);
    // zulip-term declares an older Python than it needs.
    cmd!(sh, "{pip} install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --requirement {requirements}")
        .run()?;
    let node = sh.create_dir(target.join("node"))?;
    for file in pins.iter().filter(|file| file.ends_with(".json")) {
        sh.copy_file(file, &node)?;
    }
    // A type package of Rocket.Chat's names a peer that is not published.
    cmd!(
        sh,
        "npm ci --prefix {node} --legacy-peer-deps --ignore-scripts --no-audit --no-fund --loglevel=error"
    )
    .run()?;
    sh.write_file(&stamp, wanted)?;
    Ok(())
}
