//! Commands of the built binary, run in a folder of their own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

/// A folder with a configuration `auth.toml` and users `users.jsonl`.
pub(crate) struct Workspace(pub(crate) tempfile::TempDir);

impl Workspace {
    pub(crate) fn new() -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        workspace.configure("");
        workspace.write("users.jsonl", USERS);
        workspace
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes the configuration, with more lines after its section `[passwords]`.
    pub(crate) fn configure(&self, more: &str) {
        let (db, keys) = (self.path("auth.db"), self.path("keys.toml"));
        let store =
            format!("[store]\nurl = \"sqlite:{}\"\n[keys]\nfile = \"{}\"\n", db.display(), keys.display());
        self.write("auth.toml", &format!("{store}[passwords]\nmemory_kib = 64\n{more}\n"));
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_auth-server"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that needs no input may end before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed, and returns its standard output.
    pub(crate) fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// Runs a command that must fail with one line on standard error, and returns the line without the program's name
    /// and with `@` in place of the folder.
    pub(crate) fn fail(&self, arguments: &[&str], input: &str) -> String {
        self.fail_with(1, arguments, input)
    }

    /// Does the same for a command that must fail with this exit code.
    pub(crate) fn fail_with(&self, code: i32, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {err}");
        assert_eq!(text(&output.stdout), "");
        assert_eq!(err.lines().count(), 1, "{err}");
        let here = self.0.path().display().to_string();
        err.trim_end().strip_prefix("auth-server: ").unwrap().replace(&here, "@")
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The arguments of a command, separated by spaces, with `--config auth.toml` after them.
pub(crate) fn arguments(line: &str) -> Vec<&str> {
    line.split(' ').chain(["--config", "auth.toml"]).collect()
}
