//! The key ring of the built binary: made once, rotated under a running server, passed by systemd.
#![cfg(test)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

#[path = "running/place.rs"]
mod place;
#[path = "running/server.rs"]
mod server;

use place::{Place, text, words};
use server::{PATIENCE, Server};

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"totp","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345"],"password":"correct-horse-battery-9876"}
"#;

const PROTOCOLS: &str = "[zulip]\nrealm = \"main\"\n[zettelstore]\nlogin_delay = \"0s\"\n";

fn command(folder: &Path, line: &str, config: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    command.args(line.split(' ')).args(["--config", config]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> (bool, String) {
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// What a command says on a server's store.
fn run(server: &Server, line: &str, config: &str) -> (bool, String) {
    told(&command(server.folder.path(), line, config).output().unwrap())
}

fn good(server: &Server, line: &str) -> String {
    let (good, said) = run(server, line, "auth.toml");
    assert!(good, "{line}: {said}");
    said
}

fn ask(server: &Server, request: &str, authorization: &str, body: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (host, length) = (server.address, body.len());
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{authorization}");
    let form = "Content-Type: application/x-www-form-urlencoded";
    write!(stream, "{head}{form}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn zulip_key(server: &Server) -> String {
    let body = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    let (_, answer) = ask(server, "POST /api/v1/fetch_api_key", "", body);
    answer["api_key"].as_str().unwrap().to_owned()
}

fn zettelstore_token(server: &Server) -> String {
    let basic = data_encoding::BASE64.encode(b"iago:correct-horse-battery-9876");
    let (_, answer) = ask(server, "POST /a", &format!("Authorization: Basic {basic}\r\n"), "");
    answer["access_token"].as_str().unwrap().to_owned()
}

fn token_is_good(server: &Server, token: &str) -> bool {
    ask(server, "PUT /a", &format!("Authorization: Bearer {token}\r\n"), "").0 == "200"
}

/// The lines of `keys list`.
fn list(server: &Server) -> Vec<Value> {
    let said = good(server, "keys list");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The keys that the one running server says it knows, once it says so.
fn wait_for_server(server: &Server, keys: &Value) {
    for _ in 0..PATIENCE.as_millis() / 100 {
        if list(server).iter().any(|line| line["keys"] == *keys) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the server never says that it knows {keys}: {:?}", list(server));
}

#[test]
fn keys_are_rotated_under_a_running_server() {
    let server = Server::start(USERS, PROTOCOLS);
    let (key, token) = (zulip_key(&server), zettelstore_token(&server));
    wait_for_server(&server, &json!([1]));
    assert_eq!(list(&server)[0], json!({"id": 1, "active": true, "active_since": null, "sealed": 3}));

    let said = good(&server, "keys rotate");
    let expected = "key 2 added\nkey 2 is the active one\nsealed anew: 3 secrets\n";
    assert!(said.starts_with(expected), "{said}");
    let listed = list(&server);
    let facts: Vec<_> =
        listed.iter().map(|line| [&line["id"], &line["active"], &line["sealed"], &line["keys"]]).collect();
    assert_eq!(json!(facts), json!([[2, true, 3, null], [1, false, 0, null], [null, null, null, [2, 1]]]));
    assert_eq!(zulip_key(&server), key);
    assert!(token_is_good(&server, &token), "the older key still checks what it signed");

    let (done, said) = run(&server, "keys retire 1", "auth.toml");
    assert!(!done && said.contains("tokens that key 1 signed may be good until 20"), "{said}");
    let (done, said) = run(&server, "keys retire 2 --now", "auth.toml");
    let stays =
        "auth-server: key 2 is not retired: the active key stays, and so does one that is not in the ring\n";
    assert_eq!((done, said.as_str()), (false, stays));
    good(&server, "keys retire 1 --now");
    wait_for_server(&server, &json!([2]));
    assert_eq!(zulip_key(&server), key);
    assert!(!token_is_good(&server, &token), "its signature has no key any more");
    assert!(token_is_good(&server, &zettelstore_token(&server)));
    assert_eq!(list(&server).len(), 2);

    let code = "user=totp&password=correct-horse-battery-9876&code=aBcD2345";
    assert_eq!(ask(&server, "POST /api/v1/login", "", code).0, "200", "backup codes outlive their key");
    assert_eq!(ask(&server, "POST /api/v1/login", "", code).0, "401", "once");
    server.terminate();
    server.ended();
}

#[test]
fn rotation_waits_for_servers_that_do_not_know_the_key() {
    let server = Server::start(USERS, PROTOCOLS);
    let key = zulip_key(&server);
    let path = |name: &str| server.folder.path().join(name);
    // The operator's machine has a copy of the key file.
    let copy = |from: &str, to: &str| std::fs::copy(path(from), path(to)).unwrap();
    copy("keys.toml", "copy.toml");
    let config = std::fs::read_to_string(path("auth.toml")).unwrap();
    std::fs::write(path("other.toml"), config.replace("keys.toml", "copy.toml")).unwrap();
    wait_for_server(&server, &json!([1]));
    let rotate = || run(&server, "keys rotate --wait 1", "other.toml");

    for _ in 0..2 {
        let (done, said) = rotate();
        assert!(!done && said.contains("doesn't know key 2 yet, so it is not promoted: copy "), "{said}");
        assert!(!said.contains("key 3"), "{said}");
    }
    copy("copy.toml", "keys.toml");
    wait_for_server(&server, &json!([1, 2]));
    let (done, said) = rotate();
    assert!(!done && said.contains("still seals under an older key: copy "), "{said}");
    let (done, said) = run(&server, "keys retire 1 --now", "other.toml");
    assert!(!done && said.contains("key 1 is not retired: the server "), "{said}");
    copy("copy.toml", "keys.toml");
    wait_for_server(&server, &json!([2, 1]));
    assert_eq!(run(&server, "keys reseal", "other.toml"), (true, "sealed anew: 3 secrets\n".to_owned()));
    assert_eq!(zulip_key(&server), key);

    // A file that can't be used changes nothing.
    std::fs::remove_file(path("keys.toml")).unwrap();
    let gone = server.log.iter().find(|line| line.contains("the key file can't be used")).unwrap();
    assert!(gone.contains("is missing: bring it back from a copy"), "{gone}");
    assert_eq!(zulip_key(&server), key);
}

#[test]
fn rotation_under_two_servers_on_one_postgresql_waits_for_both() {
    let store = test_postgres::Cluster::shared().unwrap().database().unwrap();
    let here = Server::start_on(&store, tempfile::tempdir().unwrap(), USERS, PROTOCOLS, "");
    let keys = |server: &Server| server.folder.path().join("keys.toml");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(keys(&here), folder.path().join("keys.toml")).unwrap();
    let there = Server::start_on(&store, folder, "", PROTOCOLS, "");
    let both_know = |ids: &Value| {
        let servers = || list(&here).iter().filter(|line| line["keys"] == *ids).count();
        let known = (0..PATIENCE.as_millis() / 100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            servers() == 2
        });
        assert!(known, "the servers know {ids}: {:?}", list(&here));
    };
    both_know(&json!([1]));
    let (key, token) = (zulip_key(&here), zettelstore_token(&here));

    let copy = || std::fs::copy(keys(&here), keys(&there)).unwrap();
    for (why, ids) in
        [("doesn't know key 2 yet", json!([1, 2])), ("still seals under an older key", json!([2, 1]))]
    {
        let (done, said) = run(&here, "keys rotate --wait 1", "auth.toml");
        assert!(!done && said.contains(why), "{said}");
        copy();
        both_know(&ids);
    }
    assert_eq!(run(&here, "keys reseal", "auth.toml"), (true, "sealed anew: 3 secrets\n".to_owned()));
    for server in [&here, &there] {
        assert_eq!(zulip_key(server), key, "sealed anew, and opened by both");
        assert!(token_is_good(server, &token), "what was signed before the rotation is good at both");
        assert!(token_is_good(&here, &zettelstore_token(server)));
        assert!(token_is_good(&there, &zettelstore_token(server)));
    }
    good(&here, "keys retire 1 --now");
    copy();
    both_know(&json!([2]));
    for server in [&here, &there] {
        assert_eq!(zulip_key(server), key);
        assert!(!token_is_good(server, &token), "its signature has no key any more");
    }
}

fn start(place: &Place, config: &str) -> Child {
    command(&place.path(""), "user list", config).spawn().unwrap()
}

#[test]
fn processes_that_start_at_once_on_an_empty_store_end_with_one_ring() {
    for round in 0..4 {
        let place = Place::new();
        let processes: Vec<Child> = (0..6).map(|_| start(&place, "auth.toml")).collect();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            assert_eq!(told(&output), (true, String::new()), "round {round}");
        }
        place.good(&words("user list"), "");
    }
}

#[test]
fn of_processes_with_key_files_of_their_own_one_binds_the_store_and_the_others_are_refused() {
    for round in 0..4 {
        let place = Place::new();
        let config = std::fs::read_to_string(place.path("auth.toml")).unwrap();
        let processes: Vec<(String, Child)> = (0..4)
            .map(|number| {
                place.write(
                    &format!("{number}.toml"),
                    &config.replace("keys.toml", &format!("{number}.keys")),
                );
                (format!("{number}.keys"), start(&place, &format!("{number}.toml")))
            })
            .collect();
        let mut bound = 0;
        for (keys, process) in processes {
            let (done, said) = told(&process.wait_with_output().unwrap());
            bound += u32::from(done);
            assert_eq!(place.path(&keys).exists(), done, "round {round}: {said}");
            let refused = said.contains("another server has bound the store")
                || said.contains("is missing: without it");
            assert_ne!(done, refused, "round {round}: {said}");
        }
        assert_eq!(bound, 1, "round {round}");
    }
}

#[test]
fn secrets_come_from_systemd_credentials() {
    let place = Place::new();
    place.good(&words("import users.jsonl"), "");
    let config = std::fs::read_to_string(place.path("auth.toml")).unwrap();
    let here = place.path("keys.toml").display().to_string();
    let jwt = "[zulip.jwt.main]\nkey_file = \"credential:jwt\"\nalgorithms = [\"HS256\"]\n";
    place.write("auth.toml", &(config.replace(&here, "credential:keys") + jwt));
    let list = words("user list");
    let none = "systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY";
    assert_eq!(place.bad(&list, ""), format!("[zulip.jwt.main] key_file credential:jwt: {none}"));

    std::fs::create_dir(place.path("credentials")).unwrap();
    place.write("credentials/jwt", "a key that is long enough for anybody\n");
    let with = |line: &str| {
        let mut command = command(&place.path(""), line, "auth.toml");
        told(&command.env("CREDENTIALS_DIRECTORY", place.path("credentials")).output().unwrap())
    };
    let (done, said) = with("user list");
    assert!(
        !done && said.contains("credentials/keys is missing: without it nobody can read the Zulip API keys")
    );
    std::fs::copy(&here, place.path("credentials/keys")).unwrap();
    let (done, said) = with("user list");
    assert!(done && said.contains("iago@zulip.com"), "{said}");
    let (done, said) = with("keys rotate");
    assert!(
        !done && said.contains("[keys] file is a systemd credential, which can't be changed from here"),
        "{said}"
    );
    assert!(with("config check").0);
    place.write("auth.toml", &(config.replace(&here, "credential:../keys") + jwt));
    assert!(with("user list").1.contains("credential: wants the plain name of a credential"));
}
