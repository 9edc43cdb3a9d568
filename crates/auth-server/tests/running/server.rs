//! The built binary, serving from a folder of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// Nobody waits longer than this for what is to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. It is ended when this is dropped.
pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    /// The lines of its log, in JSON.
    pub(crate) log: mpsc::Receiver<String>,
    process: Child,
}

impl Server {
    /// With these users and sections of the configuration beside those that every server needs.
    pub(crate) fn start(users: &str, config: &str) -> Self {
        Self::start_with_passwords(users, config, "")
    }

    /// The same with more in the section on passwords.
    pub(crate) fn start_with_passwords(users: &str, config: &str, passwords: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", folder.path().join("auth.db").display());
        Self::start_on(&store, folder, users, config, passwords)
    }

    /// The same on a store of this URL, from a folder that may hold a key file.
    pub(crate) fn start_on(
        store: &str,
        folder: tempfile::TempDir,
        users: &str,
        config: &str,
        passwords: &str,
    ) -> Self {
        let path = |name: &str| folder.path().join(name);
        let keys = path("keys.toml");
        let listen = if config.contains("listen") { "" } else { "listen = [\"127.0.0.1:0\"]" };
        let config = format!(
            "[store]\nurl = \"{store}\"\n[keys]\nfile = \"{}\"\n[passwords]\nmemory_kib = 64\n{passwords}\n\
             [log]\nformat = \"json\"\nlevel = \"trace\"\n[limits]\nshared = \"off\"\n\
             [server]\n{listen}\n{config}\n",
            keys.display()
        );
        std::fs::write(path("auth.toml"), config).unwrap();
        std::fs::write(path("users.jsonl"), users).unwrap();
        run(&folder, &["import", "users.jsonl"]);
        let mut process = command(&folder, &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (said, log) = mpsc::channel();
        let (found, address) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let fields: Value = serde_json::from_str(&line).unwrap();
                if fields["message"] == "listening" {
                    let _ = found.send(fields["address"].as_str().unwrap().parse().unwrap());
                }
                let _ = said.send(line);
            }
        });
        let address = address.recv_timeout(PATIENCE).unwrap();
        Self { folder, address, log, process }
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().unwrap().success());
    }

    /// Waits for its end, which must be a good one; gives what else it had to say.
    pub(crate) fn ended(mut self) -> String {
        assert!(self.process.wait().unwrap().success());
        self.log.iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    command.args(arguments).args(["--config", "auth.toml"]).current_dir(folder.path()).stdin(Stdio::null());
    command
}

/// Runs a command on the folder's store.
pub(crate) fn run(folder: &tempfile::TempDir, arguments: &[&str]) {
    let done = command(folder, arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
