//! Checks of the configurations of containers by the programs that read them.

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::step;
use crate::tools;

/// Podman's generator of units, where it is installed: Debian 12 has an earlier Podman.
const QUADLET: &str = "/usr/libexec/podman/quadlet";

/// The keys of Podman's units that this project's use: see podman-systemd.unit(5), of Podman 4.6 and later. Those of the other
/// sections are systemd's.
const KEYS: &[(&str, &[&str])] = &[
    (
        "Container",
        &[
            "ContainerName",
            "DropCapability",
            "Image",
            "NoNewPrivileges",
            "PublishPort",
            "ReadOnly",
            "Tmpfs",
            "Volume",
        ],
    ),
    ("Volume", &["Group", "User"]),
    ("Unit", &["After", "Description", "Wants"]),
    ("Service", &["Restart", "RestartPreventExitStatus", "TimeoutStopSec"]),
    ("Install", &["WantedBy"]),
];

/// Has docker-compose and Podman's generator read what is theirs; without the generator, the keys are compared with its manual.
///
/// # Errors
/// When one of them finds a mistake.
pub(super) fn check(sh: &Shell) -> Result<()> {
    step("the configurations of containers");
    tools::ensure(sh, tools::FOR_TRIALS)?;
    cmd!(sh, "docker-compose --file deploy/compose/compose.yaml config --quiet").run()?;
    if sh.path_exists(QUADLET) {
        let units = sh.current_dir().join("deploy/quadlet");
        cmd!(sh, "{QUADLET} -dryrun").env("QUADLET_UNIT_DIRS", units).ignore_stdout().run()?;
    }
    for file in sh.read_dir("deploy/quadlet")? {
        let text = sh.read_file(&file)?;
        check_unit(&text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn check_unit(text: &str) -> Result<()> {
    let mut known: Option<&[&str]> = None;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let keys = KEYS.iter().find(|(name, _)| *name == section);
            known = Some(keys.with_context(|| format!("the section {section} is unknown"))?.1);
            continue;
        }
        let (key, _) = line.split_once('=').with_context(|| format!("no key in {line:?}"))?;
        let keys = known.with_context(|| format!("{key} is in no section"))?;
        ensure!(keys.contains(&key), "the key {key} is unknown");
    }
    Ok(())
}
