//! Trials of the packages where they are meant to run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::progress::{say, step};
use crate::tools;

/// What the trial does in the Debian root.
const SCRIPT: &str = include_str!("trial.sh");

/// Runs the script once the system is up, and turns it off.
const UNIT: &str = "[Unit]
After=network.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/bash /trial/trial.sh > /trial/log 2>&1; echo $? > /trial/code'
ExecStopPost=/bin/systemctl --no-block poweroff
";

/// The Debian that the package is tried in, besides its essential packages.
const ROOT: &str = "systemd,systemd-sysv,dbus,adduser,curl,bash-completion,less,ca-certificates";

/// The release of that Debian.
const SUITE: &str = "bookworm";

/// Tries the Debian package in a Debian root that runs systemd.
///
/// # Errors
/// When the package doesn't do what it should, with what the trial wrote.
pub(super) fn debian(sh: &Shell) -> Result<()> {
    step("the Debian package, in a Debian that runs systemd");
    tools::ensure(sh, tools::FOR_TRIALS)?;
    let temporary = sh.create_temp_dir()?;
    let root = temporary.path().join("root");
    sh.create_dir(&root)?;
    let archive = debian_root(sh)?;
    cmd!(sh, "tar --extract --file {archive} --directory {root}").run()?;
    let trial = sh.create_dir(root.join("trial"))?;
    sh.write_file(trial.join("trial.sh"), SCRIPT)?;
    sh.write_file(root.join("etc/systemd/system/trial.service"), UNIT)?;
    let wants = sh.create_dir(root.join("etc/systemd/system/multi-user.target.wants"))?;
    cmd!(sh, "ln -s ../trial.service {wants}/trial.service").run()?;
    let deb = the_one(sh, "deb")?;
    sh.copy_file(deb, &trial)?;
    sh.write_file(trial.join("readme.sh"), chapter(&sh.read_file("README.md")?)?)?;
    // The root has no network but its own loopback.
    let booted = cmd!(
        sh,
        "timeout 300 systemd-nspawn --quiet --directory {root} --boot --private-network --register=no --keep-unit --console=pipe"
    )
    .ignore_status()
    .ignore_stdout()
    .ignore_stderr()
    .run();
    let log = sh.read_file(trial.join("log")).unwrap_or_default();
    say(log.trim_end());
    let code = sh.read_file(trial.join("code")).unwrap_or_default();
    booted?;
    ensure!(code.trim() == "0", "the trial of the Debian package failed");
    Ok(())
}

/// The lines that README's chapter on installing has for Debian.
fn chapter(readme: &str) -> Result<&str> {
    let (_, chapter) = readme.split_once("\n## Install\n").context("README has no chapter on installing")?;
    let block = chapter.split_once("```sh\n").and_then(|(_, rest)| rest.split_once("```"));
    Ok(block.context("README's chapter on installing has no lines")?.0)
}

/// The archive of a Debian root, made once.
fn debian_root(sh: &Shell) -> Result<PathBuf> {
    let archive = sh.current_dir().join(format!("target/tools/debian-{SUITE}.tar"));
    if !sh.path_exists(&archive) {
        say("making a Debian root (a minute, once)");
        let new = archive.with_extension("new.tar");
        cmd!(sh, "mmdebstrap --quiet --variant=apt --include={ROOT} {SUITE} {new}").run()?;
        cmd!(sh, "mv {new} {archive}").run()?;
    }
    Ok(archive)
}

/// Runs the image in a root of its own, as its user, and asks it.
///
/// # Errors
/// When it doesn't answer.
pub(super) fn image(sh: &Shell) -> Result<()> {
    step("the image, in a root of its own");
    let temporary = sh.create_temp_dir()?;
    let (layout, root) = (temporary.path().join("layout"), temporary.path().join("root"));
    for folder in [&layout, &root] {
        sh.create_dir(folder)?;
    }
    let archive = the_one(sh, "-image.tar")?;
    cmd!(sh, "tar --extract --file {archive} --directory {layout}").run()?;
    let read = |file: PathBuf| -> Result<Value> { Ok(serde_json::from_str(&sh.read_file(file)?)?) };
    let blob = |digest: Option<&Value>| -> Result<PathBuf> {
        let digest = digest
            .and_then(Value::as_str)
            .and_then(|digest| digest.strip_prefix("sha256:"))
            .context("no digest")?;
        let file = layout.join("blobs/sha256").join(digest);
        let sum = cmd!(sh, "sha256sum {file}").quiet().read()?;
        ensure!(sum.starts_with(digest), "{digest} is not what it is named after");
        Ok(file)
    };
    let index = read(layout.join("index.json"))?;
    let manifest = read(blob(index.pointer("/manifests/0/digest"))?)?;
    let config = read(blob(manifest.pointer("/config/digest"))?)?;
    let layer = blob(manifest.pointer("/layers/0/digest"))?;
    cmd!(sh, "tar --extract --file {layer} --directory {root} --same-owner").run()?;
    let user = config.pointer("/config/User").and_then(Value::as_str).context("no user")?;
    ensure!(user != "0" && !user.starts_with("0:"), "the image runs as root");
    let words = |key: &str| -> Vec<String> {
        let words = config.pointer(key).and_then(Value::as_array).into_iter().flatten();
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let command = [words("/config/Entrypoint"), words("/config/Cmd")].concat();
    run_in(sh, &root, user, &command)
}

/// Runs a command in a root with its own loopback and processes, until it has answered.
fn run_in(sh: &Shell, root: &Path, user: &str, command: &[String]) -> Result<()> {
    let script = r#"
set -eu
ip link set lo up
root=$1; user=$2; shift 2
trap 'kill "$server" 2> /dev/null || true' EXIT
chroot --userspec="$user" "$root" "$@" &
server=$!
for _ in $(seq 100); do
    if curl --silent --fail http://127.0.0.1:8080/api/v1/server_settings > /dev/null; then break; fi
    kill -0 "$server"
    sleep 0.1
done
echo "correct horse battery staple" | chroot --userspec="$user" "$root" /usr/bin/auth-server user add --name alice --email alice@example.org
curl --silent --show-error --fail --data-urlencode username=alice@example.org --data-urlencode "password=correct horse battery staple" http://127.0.0.1:8080/api/v1/fetch_api_key
curl --silent --show-error --fail --output /dev/null http://127.0.0.1:9100/metrics
kill "$server"
wait "$server"
trap - EXIT
"#;
    let answer =
        cmd!(sh, "unshare --net --pid --fork --kill-child sh -c {script} trial {root} {user} {command...}")
            .read()?;
    ensure!(answer.contains("api_key"), "no login in the image: {answer}");
    say("the image answers, adds a user and ends when it is told to");
    Ok(())
}

/// The only file of `target/dist` whose name ends like this.
fn the_one(sh: &Shell, end: &str) -> Result<PathBuf> {
    let files = sh.read_dir("target/dist")?;
    let mut files = files.into_iter().filter(|file| file.to_string_lossy().ends_with(end));
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        _ => anyhow::bail!("target/dist has not one file that ends with {end}"),
    }
}
