//! The key ring of the built binary: created once, rotated under a running server, passed by systemd.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;
#[path = "common/workspace.rs"]
mod workspace;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, ServerConfig};
use auth_core::{AuditFilter, AuditStore, LogPage};
use auth_store::Sqlite;
use serde_json::{Value, json};

use crate::workspace::{Workspace, arguments, text};

/// How long a test waits for another process, in polls of [`POLL`].
const POLLS: u32 = 200;
const POLL: Duration = Duration::from_millis(100);

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"totp","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345"],"password":"correct-horse-battery-9876"}
"#;

fn config() -> ServerConfig {
    server::config().set("zulip.realm", "main").set("zettelstore.login_delay", "0s")
}

fn command(folder: &Path, line: &str, config: &str) -> Command {
    let mut command = Command::new(server::binary());
    command.args(line.split(' ')).args(["--config", config]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether a command succeeded, and everything that it printed.
fn result(output: &Output) -> (bool, String) {
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// Runs a command in the folder of a server.
fn run(server: &Server, line: &str, config: &str) -> (bool, String) {
    result(&command(server.dir(), line, config).output().unwrap())
}

/// Runs a command in the folder of a server, which must succeed, and returns everything that it printed.
fn succeed(server: &Server, line: &str) -> String {
    let (success, printed) = run(server, line, "auth.toml");
    assert!(success, "{line}: {printed}");
    printed
}

fn zulip_key(server: &Server) -> String {
    let form = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    let response = server.send(&Request::new("POST", "/api/v1/fetch_api_key").form(form)).unwrap();
    response.json().unwrap()["api_key"].as_str().unwrap().to_owned()
}

fn zettelstore_token(server: &Server) -> String {
    let request = Request::new("POST", "/a").basic("iago", "correct-horse-battery-9876");
    let response = server.send(&request).unwrap();
    response.json().unwrap()["access_token"].as_str().unwrap().to_owned()
}

fn token_is_valid(server: &Server, token: &str) -> bool {
    let request = Request::new("PUT", "/a").header("Authorization", &format!("Bearer {token}"));
    server.send(&request).unwrap().status == 200
}

fn log_in_with_backup_code(server: &Server) -> Response {
    let form = "user=totp&password=correct-horse-battery-9876&code=aBcD2345";
    server.send(&Request::new("POST", "/api/v1/login").form(form)).unwrap()
}

/// The lines of `keys list`.
fn list(server: &Server) -> Vec<Value> {
    let printed = succeed(server, "keys list");
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until as many servers as `count` report that they know these keys.
fn wait_for_servers(server: &Server, count: usize, keys: &Value) {
    for _ in 0..POLLS {
        if list(server).iter().filter(|line| line["keys"] == *keys).count() == count {
            return;
        }
        thread::sleep(POLL);
    }
    panic!("not {count} servers know the keys {keys}: {:?}", list(server));
}

#[test]
fn keys_are_rotated_under_a_running_server() {
    let server = server::start(&config(), USERS);
    let (key, token) = (zulip_key(&server), zettelstore_token(&server));
    wait_for_servers(&server, 1, &json!([1]));
    assert_eq!(list(&server)[0], json!({"id": 1, "active": true, "active_since": null, "sealed": 3}));

    let printed = succeed(&server, "keys rotate");
    let expected = "key 2 added\nkey 2 is the active one\nresealed 3 secrets\n";
    assert!(printed.starts_with(expected), "{printed}");
    let listed = list(&server);
    let facts: Vec<_> =
        listed.iter().map(|line| [&line["id"], &line["active"], &line["sealed"], &line["keys"]]).collect();
    assert_eq!(json!(facts), json!([[2, true, 3, null], [1, false, 0, null], [null, null, null, [2, 1]]]));
    assert_eq!(zulip_key(&server), key);
    assert!(token_is_valid(&server, &token), "the older key still verifies its tokens");

    let (success, printed) = run(&server, "keys retire 1", "auth.toml");
    assert!(!success && printed.contains("tokens that key 1 signed may be valid until 20"), "{printed}");
    let (success, printed) = run(&server, "keys retire 2 --now", "auth.toml");
    let stays =
        "auth-server: key 2 is not retired: the active key stays, and so does one that is not in the ring\n";
    assert_eq!((success, printed.as_str()), (false, stays));
    succeed(&server, "keys retire 1 --now");
    wait_for_servers(&server, 1, &json!([2]));
    assert_eq!(zulip_key(&server), key);
    assert!(!token_is_valid(&server, &token), "the key of its signature is retired");
    assert!(token_is_valid(&server, &zettelstore_token(&server)));
    assert_eq!(list(&server).len(), 2);

    assert_eq!(log_in_with_backup_code(&server).status, 200, "backup codes outlive their key");
    assert_eq!(log_in_with_backup_code(&server).status, 401, "a backup code is valid once");
    let rows = audit_log(&server);
    let rows: Vec<(&str, &str)> = rows.iter().map(|(act, key)| (act.as_str(), key.as_str())).collect();
    let rotation = [("key-added", "key 2"), ("key-promoted", "key 2"), ("key-retired", "key 1")];
    assert_eq!(rows[2..], rotation, "after the realm and the import; what was refused left no row");
    server::stop(server);
}

/// The acts in a server's audit log and their details, oldest first.
fn audit_log(server: &Server) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = Sqlite::open(&server.dir().join("auth.db")).unwrap();
    let rows = runtime.block_on(store.audit_rows(&AuditFilter::default(), LogPage::newest(100))).unwrap();
    rows.into_iter().rev().map(|row| (row.record.act.as_str().to_owned(), row.record.detail)).collect()
}

#[test]
fn rotation_waits_for_servers_that_do_not_know_the_key() {
    let server = server::start(&config(), USERS);
    let key = zulip_key(&server);
    let path = |name: &str| server.dir().join(name);
    // The operator's machine has a copy of the key file.
    let copy = |from: &str, to: &str| std::fs::copy(path(from), path(to)).unwrap();
    copy("keys.toml", "copy.toml");
    let config = std::fs::read_to_string(path("auth.toml")).unwrap();
    std::fs::write(path("other.toml"), config.replace("keys.toml", "copy.toml")).unwrap();
    wait_for_servers(&server, 1, &json!([1]));
    let rotate = || run(&server, "keys rotate --wait 1", "other.toml");

    for _ in 0..2 {
        let (success, printed) = rotate();
        assert!(
            !success && printed.contains("doesn't know key 2 yet, so it is not promoted: copy "),
            "{printed}"
        );
        assert!(!printed.contains("key 3"), "{printed}");
    }
    copy("copy.toml", "keys.toml");
    wait_for_servers(&server, 1, &json!([1, 2]));
    let (success, printed) = rotate();
    assert!(!success && printed.contains("still seals under an older key: copy "), "{printed}");
    let (success, printed) = run(&server, "keys retire 1 --now", "other.toml");
    assert!(!success && printed.contains("key 1 is not retired: the server "), "{printed}");
    copy("copy.toml", "keys.toml");
    wait_for_servers(&server, 1, &json!([2, 1]));
    assert_eq!(run(&server, "keys reseal", "other.toml"), (true, "resealed 3 secrets\n".to_owned()));
    assert_eq!(zulip_key(&server), key);

    // An unusable key file changes nothing.
    std::fs::remove_file(path("keys.toml")).unwrap();
    let gone = server.wait_for_log("the key file can't be used").unwrap();
    assert!(gone.contains("is missing: bring it back from a copy"), "{gone}");
    assert_eq!(zulip_key(&server), key);
}

#[test]
fn rotation_under_two_servers_on_one_postgresql_waits_for_both() {
    let store = test_postgres::Cluster::shared().unwrap().database().unwrap();
    let config = config().set("store.url", store);
    let here = server::start(&config, USERS);
    let keys = |server: &Server| server.dir().join("keys.toml");
    let mut there = Server::prepare(server::binary(), &config).unwrap();
    std::fs::copy(keys(&here), keys(&there)).unwrap();
    there.serve().unwrap();
    wait_for_servers(&here, 2, &json!([1]));
    let (key, token) = (zulip_key(&here), zettelstore_token(&here));

    let copy = || std::fs::copy(keys(&here), keys(&there)).unwrap();
    for (reason, ids) in
        [("doesn't know key 2 yet", json!([1, 2])), ("still seals under an older key", json!([2, 1]))]
    {
        let (success, printed) = run(&here, "keys rotate --wait 1", "auth.toml");
        assert!(!success && printed.contains(reason), "{printed}");
        copy();
        wait_for_servers(&here, 2, &ids);
    }
    assert_eq!(run(&here, "keys reseal", "auth.toml"), (true, "resealed 3 secrets\n".to_owned()));
    for server in [&here, &there] {
        assert_eq!(zulip_key(server), key, "resealed, and readable by both servers");
        assert!(token_is_valid(server, &token), "tokens from before the rotation are valid at both servers");
        assert!(token_is_valid(&here, &zettelstore_token(server)));
        assert!(token_is_valid(&there, &zettelstore_token(server)));
    }
    succeed(&here, "keys retire 1 --now");
    copy();
    wait_for_servers(&here, 2, &json!([2]));
    for server in [&here, &there] {
        assert_eq!(zulip_key(server), key);
        assert!(!token_is_valid(server, &token), "the key of its signature is retired");
    }
}

fn start(workspace: &Workspace, config: &str) -> Child {
    workspace.write("nobody.jsonl", "");
    command(&workspace.path(""), "import nobody.jsonl", config).spawn().unwrap()
}

#[test]
fn processes_that_start_at_once_on_an_empty_store_end_with_one_ring() {
    for round in 0..4 {
        let workspace = Workspace::new();
        let processes: Vec<Child> = (0..6).map(|_| start(&workspace, "auth.toml")).collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            let (success, printed) = result(&output);
            assert!(success, "round {round}: {printed}");
        }
        workspace.succeed(&arguments("user list"), "");
    }
}

#[test]
fn of_processes_with_key_files_of_their_own_one_binds_the_store_and_the_others_are_refused() {
    for round in 0..4 {
        let workspace = Workspace::new();
        let config = std::fs::read_to_string(workspace.path("auth.toml")).unwrap();
        let processes: Vec<(String, Child)> = (0..4)
            .map(|number| {
                workspace.write(
                    &format!("{number}.toml"),
                    &config.replace("keys.toml", &format!("{number}.keys")),
                );
                (format!("{number}.keys"), start(&workspace, &format!("{number}.toml")))
            })
            .collect();
        let mut bound = 0;
        for (keys, process) in processes {
            let (success, printed) = result(&process.wait_with_output().unwrap());
            bound += u32::from(success);
            assert_eq!(workspace.path(&keys).exists(), success, "round {round}: {printed}");
            let refused = printed.contains("another server has bound the store")
                || printed.contains("is missing: without it");
            assert_ne!(success, refused, "round {round}: {printed}");
        }
        assert_eq!(bound, 1, "round {round}");
    }
}

#[test]
fn secrets_come_from_systemd_credentials() {
    let workspace = Workspace::new();
    let none = workspace.fail(&arguments("keys list"), "");
    assert_eq!(none, "there is no store @/auth.db yet: `serve` and `import` create one");
    workspace.succeed(&arguments("import users.jsonl"), "");
    let config = std::fs::read_to_string(workspace.path("auth.toml")).unwrap();
    let here = workspace.path("keys.toml").display().to_string();
    let jwt = "[zulip.jwt.main]\nkey_file = \"credential:jwt\"\nalgorithms = [\"HS256\"]\n";
    workspace.write("auth.toml", &(config.replace(&here, "credential:keys") + jwt));
    let list = arguments("user list");
    let none = "systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY";
    let told = workspace.fail_with(78, &list, "");
    assert_eq!(told, format!("[zulip.jwt.main] key_file credential:jwt: {none}"));

    std::fs::create_dir(workspace.path("credentials")).unwrap();
    workspace.write("credentials/jwt", "a key that is long enough for anybody\n");
    let with = |line: &str| {
        let mut command = command(&workspace.path(""), line, "auth.toml");
        result(&command.env("CREDENTIALS_DIRECTORY", workspace.path("credentials")).output().unwrap())
    };
    let (success, printed) = with("user list");
    assert!(
        !success
            && printed.contains("credentials/keys is missing: without it nobody can read the Zulip API keys")
    );
    std::fs::copy(&here, workspace.path("credentials/keys")).unwrap();
    let (success, printed) = with("user list");
    assert!(success && printed.contains("iago@zulip.com"), "{printed}");
    let (success, printed) = with("keys rotate");
    assert!(
        !success && printed.contains("[keys] file is a systemd credential, which can't be changed from here"),
        "{printed}"
    );
    assert!(with("config check").0);
    workspace.write("auth.toml", &(config.replace(&here, "credential:../keys") + jwt));
    assert!(with("user list").1.contains("credential: needs the plain name of a credential"));
}

#[test]
fn every_key_that_names_a_file_with_a_secret_takes_a_systemd_credential() {
    let workspace = Workspace::new();
    std::fs::create_dir(workspace.path("credentials")).unwrap();
    workspace.write("credentials/secret", "hunter2\n");
    for (section, key, more) in [
        ("store", "password_file", "url = \"postgres://a@127.0.0.1:1/d\""),
        ("mail", "password_file", "smtp = \"smtps://h\"\nfrom = \"a@example.org\"\nuser = \"a\""),
        ("ldap.corp", "bind_password_file", "servers = [\"ldaps://h\"]\nbase = \"dc=x\"\nbind_dn = \"cn=a\""),
        ("zulip.jwt.main", "key_file", "algorithms = [\"HS256\"]"),
        ("rocketchat", "create_token_secret_file", ""),
    ] {
        let configured = |name: &str| {
            workspace.write("auth.toml", &format!("[{section}]\n{key} = \"credential:{name}\"\n{more}\n"));
            let mut command = command(&workspace.path(""), "config check", "auth.toml");
            result(&command.env("CREDENTIALS_DIRECTORY", workspace.path("credentials")).output().unwrap())
        };
        let (success, printed) = configured("secret");
        assert!(success, "[{section}] {key}: {printed}");
        let (success, printed) = configured("gone");
        let told = format!("[{section}] {key} credential:gone: No such file or directory");
        assert!(!success && printed.contains(&told), "{printed}");
    }
}
