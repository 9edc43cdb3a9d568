//! The socket by which commands have the running server do what operators ask for.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use auth_conformance::http::Request;
use auth_conformance::{Server, ServerConfig};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@zulip.com","password":"correct-horse-battery-9876"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

struct World {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    config: ServerConfig,
    server: Option<Server>,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    /// With other values of keys; an empty one leaves the key at its default.
    fn with(keys: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/admin.sock");
        let mut config = ServerConfig::for_tests().set("log.format", "json");
        if keys.is_empty() {
            config = server::config();
        }
        config = config.set("admin.socket", socket.to_str().unwrap());
        for (key, value) in keys.iter().filter(|(_, value)| !value.is_empty()) {
            config = config.set(key, *value);
        }
        let server = Some(server::start(&config, USERS));
        Self { _folder: folder, socket, config, server }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Runs a command that knows the socket alone: neither a configuration nor a key file.
    fn command(&self, line: &str, input: &str) -> Output {
        run(line.split(' ').chain(["--socket", self.socket.to_str().unwrap()]), input)
    }

    fn succeed(&self, line: &str, input: &str) -> String {
        let output = self.command(line, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}: {out}{err}");
        out
    }

    fn fail(&self, line: &str) -> String {
        let output = self.command(line, "");
        assert!(!output.status.success(), "{line}");
        text(&output.stderr)
    }

    fn log_in(&self, name: &str, password: &str) -> u16 {
        let form = format!("username={name}%40zulip.com&password={password}");
        self.server().send(&Request::new("POST", "/api/v1/fetch_api_key").form(&form)).unwrap().status
    }
}

fn run<'a>(arguments: impl Iterator<Item = &'a str>, input: &str) -> Output {
    let mut child = Command::new(server::binary())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_first_realm_and_user_of_a_running_server_are_made_at_once_and_log_in() {
    let mut world = World::new();
    let mut server = Server::prepare(server::binary(), &world.config).unwrap();
    world.server.take().unwrap().stop().unwrap();
    server.serve().unwrap();
    world.server = Some(server);
    // The server knows that there is no realm.
    assert_ne!(world.log_in("iago", PASSWORD), 200);
    world.succeed("user add --name iago --email iago@zulip.com", &format!("{PASSWORD}\n"));
    assert_eq!(world.log_in("iago", PASSWORD), 200);
}

#[test]
fn commands_without_a_configuration_act_at_once_at_the_running_server() {
    let world = World::new();
    assert_eq!(world.log_in("iago", PASSWORD), 200);
    assert_eq!(world.succeed("user deactivate iago", ""), "deactivated\n");
    assert_eq!(world.log_in("iago", PASSWORD), 401, "it is refused by the next request");
    assert_eq!(world.succeed("user activate iago", ""), "activated\n");
    assert_eq!(world.log_in("iago", PASSWORD), 200);
    assert_eq!(world.succeed("user set-password iago", "an-other-horse-battery-1\n"), "password set\n");
    assert_eq!(world.log_in("iago", PASSWORD), 401);
    assert_eq!(world.log_in("iago", "an-other-horse-battery-1"), 200);
    assert_eq!(world.succeed("user rename iago jago", ""), "renamed\n");
    assert_eq!(world.succeed("user set jago --email jago@zulip.com --role moderator", ""), "changed\n");
    assert_eq!(world.log_in("jago", "an-other-horse-battery-1"), 200, "the address is the login name here");
    let shown: serde_json::Value = serde_json::from_str(&world.succeed("user show jago", "")).unwrap();
    assert_eq!((&shown["role"], &shown["email"]), (&"moderator".into(), &"jago@zulip.com".into()));
    assert_eq!(world.succeed("realm set main --name Verona", ""), "changed\n");
    let realm: serde_json::Value = serde_json::from_str(&world.succeed("realm show main", "")).unwrap();
    assert_eq!(realm["name"], "Verona");
    let audit = world.succeed("audit --user jago --all", "");
    let acts: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let acts: Vec<&str> = acts.iter().filter_map(|row| row["act"].as_str()).collect();
    assert_eq!(
        acts,
        ["deactivated", "activated", "password-set", "profile-updated", "profile-updated"],
        "the newest rows, oldest first"
    );
    let granted = world.succeed("attempts --user jago --outcome granted --last 1", "");
    assert_eq!(granted.lines().count(), 1, "{granted}");
}

#[test]
fn limits_of_the_running_server_are_seen_and_lifted() {
    let world = World::with(&[("limits.shared", "")]);
    for _ in 0..5 {
        assert_eq!(world.log_in("hamlet", "wrong"), 401);
    }
    assert_eq!(world.log_in("hamlet", PASSWORD), 429);
    let listed = world.succeed("limits list", "");
    assert!(listed.contains("hamlet@zulip.com"), "{listed}");
    assert_eq!(world.succeed("user unlock hamlet", ""), "unlocked\n");
    assert_eq!(world.log_in("hamlet", PASSWORD), 200);
    assert_eq!(world.succeed("user unlock hamlet", ""), "nothing was counted\n");
    for _ in 0..5 {
        assert_eq!(world.log_in("hamlet", "wrong"), 401);
    }
    assert_eq!(world.log_in("hamlet", PASSWORD), 429);
    world.succeed("user set-password hamlet", "an-other-horse-battery-1\n");
    assert_eq!(world.log_in("hamlet", "an-other-horse-battery-1"), 200, "a new password lifts");
}

#[test]
fn names_from_standard_input_get_a_line_each_and_one_that_fails_hinders_no_other() {
    let world = World::new();
    let output = world.command("user deactivate --names-from -", "iago\n\nnobody\n hamlet \n");
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout), "iago: deactivated\nhamlet: deactivated\n");
    assert_eq!(
        text(&output.stderr),
        "nobody: there is no such user\nauth-server: 1 of 3 failed: each has a line above\n"
    );
    let output = world.command("user activate --names-from -", "iago\nhamlet\n");
    assert_eq!(text(&output.stdout), "iago: activated\nhamlet: activated\n");
    assert!(output.status.success());
}

#[test]
fn a_command_with_the_servers_configuration_asks_the_server_and_one_of_another_store_does_not() {
    let world = World::new();
    let file = world.server().dir().join("auth.toml");
    let list = |config: &Path| {
        let output = run(["user", "list", "--config", config.to_str().unwrap()].into_iter(), "");
        (output.status.success(), text(&output.stdout).lines().count(), text(&output.stderr))
    };
    assert_eq!(list(&file), (true, 2, String::new()));
    // With the key file moved away, only the server can tell.
    let configured = std::fs::read_to_string(&file).unwrap();
    let elsewhere = file.with_file_name("without-keys.toml");
    std::fs::write(&elsewhere, configured.replace("keys.toml", "no-keys.toml")).unwrap();
    assert_eq!(list(&elsewhere), (true, 2, String::new()));
    // A configuration of another store that names the same socket by mistake.
    let other = file.with_file_name("other.toml");
    std::fs::write(&other, configured.replace("auth.db", "other.db")).unwrap();
    let (success, _, error) = list(&other);
    assert!(!success && error.contains("there is no store"), "{error}");
}

#[test]
fn the_socket_is_in_a_folder_for_few_and_goes_with_the_server() {
    let mut world = World::new();
    let folder = world.socket.parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o750);
    assert!(world.socket.metadata().unwrap().file_type().is_socket());
    drop(server::stop(world.server.take().unwrap()));
    assert!(!world.socket.exists());
    assert_eq!(
        world.fail("user list"),
        format!("auth-server: no server answers at {}\n", world.socket.display())
    );
    // What a killed server leaves hinders none.
    drop(std::os::unix::net::UnixListener::bind(&world.socket).unwrap());
    assert!(world.socket.exists());
    world.server = Some(server::start(&world.config, USERS));
    assert_eq!(world.succeed("user list", "").lines().count(), 2);
}

#[test]
fn a_client_that_says_nothing_nonsense_or_too_much_hinders_no_command() {
    let world = World::new();
    let silent: Vec<UnixStream> = (0..40).map(|_| UnixStream::connect(&world.socket).unwrap()).collect();
    drop(silent);
    let mut nonsense = UnixStream::connect(&world.socket).unwrap();
    nonsense.write_all(b"\0\xff nonsense\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    nonsense.read_to_end(&mut answer).unwrap();
    assert!(text(&answer).starts_with("HTTP/1.1 400 "), "{answer:?}");
    let mut long = UnixStream::connect(&world.socket).unwrap();
    let head = "POST /admin/v1/user.show HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    long.write_all(format!("{head}Content-Length: 70000\r\n\r\n{}", " ".repeat(70_000)).as_bytes()).unwrap();
    let mut answer = Vec::new();
    long.read_to_end(&mut answer).unwrap();
    assert!(text(&answer).starts_with("HTTP/1.1 413 "), "{}", text(&answer));
    assert_eq!(world.succeed("user list", "").lines().count(), 2);
}

impl World {
    /// Has an operation done at the socket by a user of the machine whose main group is given; returns the answer.
    fn ask_as_nobody(&self, group: &str, operation: &str, arguments: &str) -> String {
        // The folder is closed to all but the server and its groups, whom the test has to let in by itself.
        for path in [self.socket.parent().unwrap(), self.socket.parent().unwrap().parent().unwrap()] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = Command::new("setpriv")
            .args(["--reuid=nobody", "--regid", group, "--clear-groups", "curl", "--silent", "--include"])
            .args(["--header", "content-type: application/json", "--data", arguments])
            .arg("--unix-socket")
            .arg(&self.socket)
            .arg(format!("http://localhost/admin/v1/{operation}"))
            .output()
            .unwrap();
        let answer = text(&output.stdout);
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}{}", text(&output.stderr));
        answer
    }
}

#[test]
fn somebody_who_is_no_operator_is_told_so_and_changes_nothing() {
    let world = World::new();
    let answer = world.ask_as_nobody("nogroup", "user.deactivate", r#"{"user":{"name":"iago"}}"#);
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("no-operator"), "{answer}");
    assert_eq!(world.log_in("iago", PASSWORD), 200);
}

#[test]
fn groups_of_the_machine_have_the_scope_that_the_configuration_gives_them() {
    let groups = serde_json::json!({"staff": "helpdesk", "games": "read"});
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("run/admin.sock");
    let config = server::config().set("admin.socket", socket.to_str().unwrap()).set("admin.groups", groups);
    let server = Some(server::start(&config, USERS));
    let world = World { _folder: folder, socket, config, server };
    let hamlet = r#"{"user":{"name":"hamlet"}}"#;
    assert_eq!(world.log_in("hamlet", PASSWORD), 200);
    for (group, operation, arguments, expected) in [
        ("staff", "user.list", "{}", "200"),
        ("staff", "user.end-sessions", hamlet, "200"),
        ("staff", "user.deactivate", hamlet, "403"),
        ("games", "user.list", "{}", "200"),
        ("games", "user.end-sessions", hamlet, "403"),
        ("users", "user.list", "{}", "403"),
    ] {
        let answer = world.ask_as_nobody(group, operation, arguments);
        assert_eq!(answer.split(' ').nth(1), Some(expected), "{group} {operation}: {answer}");
    }
    let printed = world.succeed("audit --user hamlet", "");
    assert!(printed.contains("nobody"), "the log names the user of the machine: {printed}");
}

#[test]
fn a_log_that_is_followed_prints_each_act_soon_after_it_is_done() {
    let world = World::new();
    let mut follow = Command::new(server::binary())
        .args(["audit", "--act", "deactivated", "--follow", "--json", "--socket"])
        .arg(&world.socket)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    for name in ["iago", "hamlet"] {
        world.succeed(&format!("user deactivate {name}"), "");
        let line = lines.next().unwrap().unwrap();
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(row["act"], "deactivated", "{name}: {line}");
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn lists_are_tables_at_a_terminal_and_lines_of_json_elsewhere() {
    let world = World::new();
    let at_terminal = |line: &str| {
        let line = format!("{} {line} --socket {}", server::binary().display(), world.socket.display());
        let output = Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stdout));
        text(&output.stdout).replace('\r', "")
    };
    for list in ["user list", "realm list", "audit --last 5", "limits list", "key list"] {
        let elsewhere = world.succeed(list, "");
        let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert!(elsewhere.lines().all(is_json), "{list}: {elsewhere}");
        let shown = at_terminal(list);
        assert!(shown.lines().all(|line| !is_json(line)), "{list}: {shown}");
    }
    let users = at_terminal("user list");
    assert!(users.starts_with("realm  user name  e-mail "), "{users}");
    assert!(users.contains("iago") && users.contains("hamlet@zulip.com"), "{users}");
    assert!(at_terminal("user list --json").lines().all(|line| line.starts_with('{')));
}
