//! PostgreSQL's programs on this machine, and the user they run as.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Runs the cluster until its standard input is closed, then ends it at once and takes its folder away unless that
/// is to be used again.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -INT $pid 2>/dev/null
wait $pid
if [ ! -e "$2/keep" ]; then rm -rf "$2"; fi
"#;

/// Where the programs are, and as whom they run.
#[derive(Debug)]
pub(crate) struct System {
    programs: PathBuf,
    /// Root can't run them and takes this user's place: its id and its group's.
    user: Option<(u32, u32)>,
}

impl System {
    pub(crate) fn find() -> Result<Self> {
        let root = fs::metadata("/proc/self").context("/proc")?.uid() == 0;
        let user = if root { Some((id("-u")?, id("-g")?)) } else { None };
        Ok(Self { programs: programs()?, user })
    }

    /// A new folder for a cluster.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix("test-postgres-").tempdir_in(crate::base())?.keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.user {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(folder)
    }

    /// Runs one of the programs to its end; gives what it says.
    pub(crate) fn run(&self, program: &str, fixed: &[&str], more: &[&OsStr]) -> Result<String> {
        let mut command = self.command(self.programs.join(program).as_os_str());
        let done = command
            .args(fixed)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .with_context(|| program.to_owned())?;
        ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
        Ok(String::from_utf8(done.stdout)?)
    }

    /// Starts the server under a keeper.
    pub(crate) fn keep(&self, folder: &Path) -> Result<(Child, ChildStdin)> {
        let mut command = self.command("sh".as_ref());
        let mut keeper = command
            .args(["-c", KEEPER, "keeper"])
            .args([&self.programs, folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("the cluster's keeper")?;
        let input = keeper.stdin.take().context("the keeper's input")?;
        Ok((keeper, input))
    }

    /// Writes a file for the eyes of PostgreSQL alone.
    pub(crate) fn write(&self, file: &Path, text: &str) -> Result<()> {
        fs::write(file, text)?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.user {
            chown(file, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str, pid: u32) -> Result<()> {
        let mut command = self.command("kill".as_ref());
        let done = command.args(["-s", name, &pid.to_string()]).status()?;
        ensure!(done.success(), "kill -s {name} {pid}");
        Ok(())
    }

    /// Takes a cluster's folder away, if its keeper hasn't.
    pub(crate) fn forget(&self, folder: &Path) {
        let _gone = fs::remove_dir_all(folder);
    }

    fn command(&self, program: &OsStr) -> Command {
        let Some((user, group)) = self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={user}"), format!("--regid={group}")])
            .arg("--clear-groups")
            .arg("--")
            .arg(program);
        // Not everybody may enter the folder that the tests run in.
        command.current_dir("/");
        command
    }
}

/// The newest version that is installed.
fn programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let programs = entry.path().join("bin");
        if let Some(version) = version.filter(|_| programs.join("postgres").exists()) {
            found.push((version, programs));
        }
    }
    match found.into_iter().max() {
        Some((_, programs)) => Ok(programs),
        None => bail!("no PostgreSQL server: install Debian's package postgresql"),
    }
}

/// The id of the user `postgres`, or of its group.
fn id(which: &str) -> Result<u32> {
    let told = Command::new("id").args([which, "postgres"]).output()?;
    ensure!(told.status.success(), "there is no user postgres: install Debian's package postgresql");
    Ok(String::from_utf8(told.stdout)?.trim().parse()?)
}
