//! The programs of PostgreSQL on this machine, and the user that they run as.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The folder that holds the clusters' folders.
const BASE: &str = "/tmp";

/// A script that runs a server until the script's standard input is closed. Then it ends the server by a signal, and
/// removes the server's folder unless a file `keep` is in it. Its arguments are the folder, the signal and the command.
const SUPERVISOR: &str = r#"
folder=$1 signal=$2
shift 2
"$@" >"$folder/log" 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -s "$signal" $pid 2>/dev/null
wait $pid
if [ ! -e "$folder/keep" ]; then rm -rf "$folder"; fi
"#;

/// The programs of PostgreSQL.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// The ids of the user and the group that the programs run as when this process runs as root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Finds the newest version that is installed.
    pub(crate) fn find() -> Result<Self> {
        let is_root = fs::metadata("/proc/self").context("/proc")?.uid() == 0;
        let user = if is_root { Some((id("-u")?, id("-g")?)) } else { None };
        Ok(Self { folder: newest()?, user })
    }

    /// Creates a folder for a cluster.
    pub(crate) fn create_folder(&self) -> Result<PathBuf> {
        let folder = tempfile::Builder::new().prefix("test-postgres-").tempdir_in(BASE)?.keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if let Some((user, group)) = self.user {
            chown(&folder, Some(user), Some(group))?;
        }
        Ok(folder)
    }

    /// Runs one of the programs to its end, and returns its standard output.
    pub(crate) fn run(&self, program: &str, fixed: &[&str], more: &[&OsStr]) -> Result<String> {
        let mut command = self.command(self.folder.join(program).as_os_str());
        let output = command
            .args(fixed)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .with_context(|| program.to_owned())?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the server of a cluster under a supervisor, and returns the supervisor and its standard input.
    pub(crate) fn supervise(&self, folder: &Path) -> Result<(Child, ChildStdin)> {
        let (program, data) = (self.folder.join("postgres"), folder.join("data"));
        self.supervise_command(folder, "INT", &[program.as_ref(), "-D".as_ref(), data.as_ref()])
    }

    /// Starts a server under a supervisor, which ends it by a signal and removes its folder. Returns the supervisor and its
    /// standard input.
    pub(crate) fn supervise_command(
        &self,
        folder: &Path,
        signal: &str,
        server: &[&OsStr],
    ) -> Result<(Child, ChildStdin)> {
        let mut command = self.command("sh".as_ref());
        let mut supervisor = command
            .args(["-c", SUPERVISOR, "supervisor"])
            .arg(folder)
            .arg(signal)
            .args(server)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting a server's supervisor")?;
        let input = supervisor.stdin.take().context("the supervisor's standard input")?;
        Ok((supervisor, input))
    }

    /// Writes a file that only PostgreSQL's user can read.
    pub(crate) fn write(&self, file: &Path, text: &str) -> Result<()> {
        fs::write(file, text)?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.user {
            chown(file, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// Sends a signal to a process of PostgreSQL's user.
    pub(crate) fn signal(&self, name: &str, pid: u32) -> Result<()> {
        let mut command = self.command("kill".as_ref());
        let status = command.args(["-s", name, &pid.to_string()]).status()?;
        ensure!(status.success(), "kill -s {name} {pid}");
        Ok(())
    }

    fn command(&self, program: &OsStr) -> Command {
        let Some((user, group)) = self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={user}"), format!("--regid={group}")])
            .arg("--clear-groups")
            .arg("--")
            .arg(program);
        // PostgreSQL's user may not be allowed to enter the folder that the tests run in.
        command.current_dir("/");
        command
    }
}

/// The folder with the programs of the newest version that is installed.
fn newest() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let version = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let folder = entry.path().join("bin");
        if let Some(version) = version.filter(|_| folder.join("postgres").exists()) {
            found.push((version, folder));
        }
    }
    match found.into_iter().max() {
        Some((_, folder)) => Ok(folder),
        None => bail!("no PostgreSQL server: install Debian's package postgresql"),
    }
}

/// The id of the user `postgres` (`-u`) or of its group (`-g`).
fn id(option: &str) -> Result<u32> {
    let output = Command::new("id").args([option, "postgres"]).output()?;
    ensure!(output.status.success(), "there is no user postgres: install Debian's package postgresql");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
