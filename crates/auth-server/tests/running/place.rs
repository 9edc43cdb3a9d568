//! The built binary's commands, run in a folder of their own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

/// A folder with a configuration.
pub(crate) struct Place(pub(crate) tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.configure("");
        place.write("users.jsonl", USERS);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn configure(&self, more: &str) {
        let (db, keys) = (self.path("auth.db"), self.path("keys.toml"));
        let store =
            format!("[store]\nurl = \"sqlite:{}\"\n[keys]\nfile = \"{}\"\n", db.display(), keys.display());
        self.write("auth.toml", &format!("{store}[passwords]\nmemory_kib = 64\n{more}\n"));
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_auth-server"))
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that needs no input may be gone before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(crate) fn good(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// The one line that a failed command says.
    pub(crate) fn bad(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {err}");
        assert_eq!(text(&output.stdout), "");
        assert_eq!(err.lines().count(), 1, "{err}");
        let here = self.0.path().display().to_string();
        err.trim_end().strip_prefix("auth-server: ").unwrap().replace(&here, "@")
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A command's words with the configuration among them.
pub(crate) fn words<'a>(line: &'a str) -> Vec<&'a str> {
    let mut words: Vec<&'a str> = line.split(' ').collect();
    words.extend(["--config", "auth.toml"]);
    words
}
