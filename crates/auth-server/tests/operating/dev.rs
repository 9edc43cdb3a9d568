//! `auth-server dev`: its end with its parent, and what it leaves behind.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use auth_conformance::DevServer;
use auth_conformance::http::{Request, Response};
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

/// A browser at a demo server: it keeps the cookie that came with a page, and asks for German.
struct Browser {
    server: DevServer,
    cookie: Option<String>,
}

impl Browser {
    fn send(&mut self, request: Request) -> Response {
        let host = format!("localhost:{}", self.server.address().port());
        let mut request = request.header("Host", &host).header("Accept-Language", "de-AT, en;q=0.5");
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let response = self.server.send(&request).unwrap();
        if let Some(set) = response.header("set-cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        response
    }

    fn get(&mut self, path: &str) -> String {
        let response = self.send(Request::new("GET", path));
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.text().to_string()
    }

    /// Sends the form of a page, with more fields behind the sealed one.
    fn submit(&mut self, path: &str, page: &str, fields: &str) {
        let (_, form) = page.split_once("name=\"form\" value=\"").unwrap();
        let form = form.split('"').next().unwrap();
        let response = self.send(Request::new("POST", path).form(&format!("form={form}&{fields}")));
        assert_eq!(response.status, 200, "{path}: {}", response.text());
    }

    /// What stands between two texts on the page of mails, once it does.
    fn wait_for_mail(&mut self, before: &str, after: &str) -> String {
        for _ in 0..200 {
            let page = self.get("/dev/mail");
            let found = page.split_once(before).and_then(|(_, rest)| rest.split_once(after));
            if let Some((found, _)) = found {
                return found.to_owned();
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("no mail with {before:?}");
    }
}

#[test]
fn a_lost_password_is_set_anew_with_the_mail_that_dev_shows_in_the_language_of_the_browser() {
    let mut browser = Browser { server: DevServer::start(Path::new(BINARY)).unwrap(), cookie: None };
    assert!(browser.get("/").contains("href=\"/dev/mail\""));
    assert!(browser.get("/dev/mail").contains("No mail yet."));

    let page = browser.get("/reset-password");
    browser.submit("/reset-password", &page, "address=iago%40zulip.com");
    let site = format!("http://localhost:{}", browser.server.address().port());
    let token = browser.wait_for_mail(&format!("href=\"{site}/reset-password/"), "\"");
    assert!(browser.get("/dev/mail").contains("<h2>Passwort zurücksetzen</h2>"));

    let page = browser.get(&format!("/reset-password/{token}"));
    browser.submit("/reset-password/new", &page, &format!("token={token}&new=anew-horse-battery-1234"));
    let login = Request::new("POST", "/api/v1/login").form("user=iago&password=anew-horse-battery-1234");
    assert_eq!(browser.send(login).status, 200);
    // The owner is told.
    browser.wait_for_mail("<h2>Ihr Passwort wurde geändert", "</h2>");
    browser.server.stop().unwrap();
}
