//! `auth-server dev`: its end with its parent, and what it leaves behind.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use auth_conformance::process::Process;

const BINARY: &str = env!("CARGO_BIN_EXE_auth-server");

/// The folders of demo servers among temporary files.
fn folders(temporary: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(temporary).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("auth-server-dev-")).collect()
}

/// A demo server that is ready, started by a shell that then waits for it.
fn start_below_a_shell(temporary: &Path, options: &str) -> (Process, BufReader<std::process::ChildStdout>) {
    let script = format!("\"$0\" dev --listen 127.0.0.1:0 --ready-json {options}; true");
    let mut command = Command::new("sh");
    command.args(["-c", &script, BINARY]).env("TMPDIR", temporary).stdin(Stdio::null());
    let mut shell = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
    let mut out = BufReader::new(shell.take_stdout().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("\"ready\":true"), "{line}");
    (shell, out)
}

#[test]
fn dev_ends_with_its_parent_where_it_is_asked_to_and_takes_its_folder_along() {
    let temporary = tempfile::tempdir().unwrap();
    let (shell, mut out) = start_below_a_shell(temporary.path(), "--exit-with-parent");
    assert_eq!(folders(temporary.path()).len(), 1);
    shell.signal("KILL").unwrap();
    drop(shell);
    // Standard output is closed by the last process that has it: the server.
    let mut line = String::new();
    assert_eq!(out.read_line(&mut line).unwrap(), 0, "{line}");
    assert_eq!(folders(temporary.path()), Vec::<PathBuf>::new());
}

#[test]
fn folders_of_demo_servers_that_were_killed_are_removed_at_the_next_start_and_no_others() {
    let temporary = tempfile::tempdir().unwrap();
    let make_old = |path: &Path| {
        File::open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    };
    let folder = |name: &str| {
        let path = temporary.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("auth.db"), "").unwrap();
        path
    };
    let mark = |path: &Path| fs::write(path.join("thrown-away-by-auth-server-dev"), "").unwrap();
    let (left, young, foreign) =
        (folder("auth-server-dev-left"), folder("auth-server-dev-young"), folder("other-dev-left"));
    let kept = folder("auth-server-dev-kept");
    for path in [&left, &young, &foreign] {
        mark(path);
    }
    for path in [&left, &foreign, &kept] {
        make_old(path);
    }
    let (running, _out) = start_below_a_shell(temporary.path(), "--exit-with-parent");
    let of_running: Vec<PathBuf> =
        folders(temporary.path()).into_iter().filter(|path| *path != young && *path != kept).collect();
    assert!(!left.exists() && young.exists() && foreign.exists());
    assert!(kept.exists(), "whoever made it keeps it with --data");
    assert_eq!(of_running.len(), 1);

    // That of a running server stays, however old.
    make_old(&of_running[0]);
    let (second, _second_out) = start_below_a_shell(temporary.path(), "--exit-with-parent");
    assert!(of_running[0].join("auth.db").exists());
    drop((running, second));
}
