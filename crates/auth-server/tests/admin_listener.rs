//! The listener at which programs have operations done by keys: who is let in, and what a key can do.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;
#[path = "common/workspace.rs"]
mod workspace;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use auth_conformance::certificates::{write_certificates, write_self_signed};
use auth_conformance::http::{Request, Response, send};
use auth_conformance::process::free_address;
use auth_conformance::{Server, ServerConfig};
use serde_json::{Value, json};

use crate::workspace::{Workspace, arguments};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"realm","realm":"other","subdomain":"other"}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"other","username":"hamlet","email":"hamlet@zulip.com","password":"correct-horse-battery-9876"}
"#;

struct World {
    folder: tempfile::TempDir,
    address: SocketAddr,
    server: Server,
}

impl World {
    fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), |config| config)
    }

    fn with(folder: tempfile::TempDir, change: impl FnOnce(ServerConfig) -> ServerConfig) -> Self {
        let address = free_address().unwrap();
        let config = server::config()
            .set("admin.socket", folder.path().join("admin.sock").to_str().unwrap())
            .set("admin.listen", address.to_string());
        let server = server::start(&change(config), USERS);
        Self { folder, address, server }
    }

    /// Runs a command on the running server; returns what it prints.
    fn command(&self, line: &str) -> String {
        let socket = self.folder.path().join("admin.sock");
        let output = Command::new(server::binary())
            .args(line.split(' '))
            .args(["--socket", socket.to_str().unwrap()])
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success(), "{line}: {printed:?}");
        printed[0].clone()
    }

    fn key(&self, line: &str) -> String {
        self.command(&format!("key add {line}")).trim_end().to_owned()
    }

    fn ask(&self, key: &str, name: &str, arguments: &Value) -> Response {
        let request = Request::new("POST", &format!("/admin/v1/{name}")).json(arguments);
        send(self.address, &request.header("authorization", &format!("Bearer {key}"))).unwrap()
    }
}

fn code(response: &Response) -> String {
    let problem = response.json().unwrap_or_else(|| panic!("{}", response.text()));
    problem["code"].as_str().unwrap().to_owned()
}

fn iago() -> Value {
    json!({"user": {"realm": "main", "name": "iago"}})
}

#[test]
fn a_program_with_a_key_has_operations_done_which_the_audit_log_says_and_no_log_line_shows_the_key() {
    let world = World::new();
    let key = world.key("sync --scope admin --realm main --days 30");
    let done = world.ask(&key, "user.deactivate", &iago());
    assert_eq!((done.status, done.json().unwrap()), (200, json!({})));
    let rows = world.ask(&key, "audit.read", &json!({"act": "deactivated"})).json().unwrap();
    assert_eq!((&rows["rows"][0]["actor"], &rows["rows"][0]["by"]), (&json!("admin-key"), &json!("sync")));
    let listed: Value = serde_json::from_str(&world.command("key list")).unwrap();
    assert_eq!(
        (&listed["name"], &listed["scope"], &listed["realm"]),
        (&json!("sync"), &json!("admin"), &json!("main"))
    );
    assert!(listed["last_used"].is_string() && !listed.to_string().contains(&key), "{listed}");
    assert_eq!(
        world.ask(&key, "user.show", &json!({"user": {"name": "hamlet"}})).status,
        404,
        "another realm's"
    );
    assert_eq!(world.command("key revoke sync"), "revoked\n");
    let refused = world.ask(&key, "user.show", &iago());
    assert_eq!((refused.status, code(&refused)), (401, "no-key".to_owned()), "it is refused at once");
    let log = server::stop(world.server);
    assert!(log.contains("has a wrong key"), "{log}");
    assert!(!log.contains(&key) && !log.contains("asadm_"), "{log}");
}

#[test]
fn a_stolen_key_can_do_what_its_scope_says_and_nothing_more() {
    let world = World::new();
    let all = world.key("all --scope admin --all-realms");
    let request = Request::new("GET", "/admin/v1/").header("authorization", &format!("Bearer {all}"));
    let index = send(world.address, &request).unwrap().json().unwrap();
    let operations = index["operations"].as_array().unwrap();
    assert!(operations.len() > 30, "{}", operations.len());
    for scope in ["read", "helpdesk", "admin"] {
        let key = world.key(&format!("{scope} --scope {scope} --realm main"));
        for operation in operations {
            let name = operation["name"].as_str().unwrap();
            let is_permitted =
                scope == "admin" || operation["scopes"].as_array().unwrap().contains(&json!(scope));
            // Arguments that no operation has: what is permitted is not done either.
            let answer = world.ask(&key, name, &json!({"no": "argument"}));
            let expected = if is_permitted { (400, "bad-arguments") } else { (403, "not-permitted") };
            assert_eq!((answer.status, code(&answer).as_str()), expected, "{scope} {name}");
        }
    }
}

#[test]
fn requests_without_a_good_key_are_told_how_to_present_one() {
    let world = World::new();
    let ask = |headers: &[(&str, &str)]| {
        let request = Request::new("POST", "/admin/v1/realm.list").json(&json!({}));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        send(world.address, &request).unwrap()
    };
    for headers in [
        &[][..],
        &[("authorization", "Basic aWFnbzpwdw==")],
        &[("authorization", "Bearer")],
        &[("cookie", "Bearer=asadm_x")],
    ] {
        let refused = ask(headers);
        assert_eq!((refused.status, code(&refused).as_str()), (401, "no-key"));
        assert_eq!(refused.header("www-authenticate"), Some("Bearer realm=\"auth-server\""));
    }
    let wrong = ask(&[("authorization", "Bearer asadm_wrong")]);
    assert_eq!(wrong.status, 401);
    assert_eq!(
        wrong.header("www-authenticate"),
        Some("Bearer realm=\"auth-server\", error=\"invalid_token\"")
    );
    assert_eq!(wrong.header("access-control-allow-origin"), None, "no page of another site reads an answer");
}

#[test]
fn a_client_that_presents_wrong_keys_again_and_again_is_told_to_wait() {
    let world = World::new();
    let key = world.key("good --scope read --realm main");
    let ask = |key: &str, number: u32| {
        let request = Request::new("POST", "/admin/v1/realm.list").json(&json!({}));
        let request = request.header("authorization", &format!("Bearer {key}"));
        // Nobody is believed who names another client.
        send(world.address, &request.header("x-forwarded-for", &format!("192.0.2.{number}"))).unwrap()
    };
    for number in 0..20 {
        assert_eq!(ask(&key, number).status, 200, "good keys are not counted");
        assert_eq!(ask("asadm_wrong", number).status, 401, "{number}");
    }
    let refused = ask("asadm_wrong", 20);
    assert_eq!((refused.status, code(&refused).as_str()), (429, "too-many-wrong-keys"));
    let wait: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(ask(&key, 21).status, 200, "a program that was here before is not locked out");
    let new = world.key("new --scope read --realm main");
    assert_eq!(ask(&new, 22).status, 429, "of a key that is new here it isn't told whether it is good");
    world.command("key revoke good");
    assert_eq!(ask(&key, 23).status, 401);
    assert_eq!(ask(&key, 24).status, 429, "it is known no more");
}

#[test]
fn clients_that_say_nothing_or_too_much_keep_no_program_out() {
    let world = World::new();
    let key = world.key("good --scope read --realm main");
    let silent: Vec<TcpStream> = (0..80).map(|_| TcpStream::connect(world.address).unwrap()).collect();
    let answer = world.ask(&key, "realm.list", &json!({}));
    assert_eq!(answer.status, 200);
    assert!(answer.took < Duration::from_secs(8), "before the silent ones are timed out");
    let long = json!({"user": {"name": "x".repeat(70_000)}});
    assert_eq!(world.ask(&key, "user.show", &long).status, 413);
    assert_eq!(world.ask("asadm_wrong", "user.show", &long).status, 401, "the key is looked at first");
    let head = Request::new("GET", "/admin/v1/").header("x", &"x".repeat(20_000));
    assert_eq!(send(world.address, &head).unwrap().status, 431);
    // A connection that stays silent ends.
    let mut last = TcpStream::connect(world.address).unwrap();
    last.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(last.read(&mut [0; 16]).unwrap_or_default(), 0);
    drop(silent);
}

#[test]
fn with_a_certificate_the_listener_speaks_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key_file) = (path("admin.pem"), path("admin.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key_file, made.signing_key.serialize_pem()).unwrap();
    let authority = certificate.clone();
    let world = World::with(folder, |config| {
        config.set("admin.certificate_file", certificate).set("admin.key_file", key_file)
    });
    let key = world.key("good --scope read --realm main");
    let curl = |scheme: &str| {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert", &authority])
            .args(["--header", &format!("authorization: Bearer {key}")])
            .arg(format!("{scheme}://{}/admin/v1/", world.address))
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.success(), told.concat())
    };
    let (success, told) = curl("https");
    assert!(success && told.contains("\"user.show\""), "{told}");
    let (success, told) = curl("http");
    assert!(!success || !told.contains("user.show"), "{told}");
    assert!(server::stop(world.server).contains("https://"));
}

#[test]
fn a_listener_that_would_take_keys_in_clear_or_has_no_good_certificate_is_a_mistake() {
    let workspace = Workspace::new();
    write_certificates(workspace.0.path()).unwrap();
    let other = workspace.path("other");
    std::fs::create_dir(&other).unwrap();
    write_self_signed(&other).unwrap();
    workspace.write("empty.pem", "");
    let both = |certificate: &str, key: &str| {
        format!("listen = \"0.0.0.0:8081\"\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"")
    };
    for (lines, said) in [
        (
            "listen = \"0.0.0.0:8081\"".to_owned(),
            "[admin] listen: keys don't go to 0.0.0.0:8081 in clear: set certificate_file and key_file",
        ),
        (
            "listen = \"localhost:8081\"".to_owned(),
            "auth.toml, line 8: [admin] listen: \"localhost:8081\" is not",
        ),
        (
            "listen = \"127.0.0.1:8080\"".to_owned(),
            "[admin] listen: 127.0.0.1:8080 is in [server] listen too",
        ),
        ("certificate_file = \"server.pem\"".to_owned(), "[admin] set both certificate_file and key_file"),
        (both("none.pem", "server.key"), "[admin] certificate_file "),
        (both("empty.pem", "server.key"), "[admin] certificate_file "),
        (both("server.pem", "none.key"), "[admin] key_file "),
        (both("server.pem", "server.pem"), "[admin] key_file: it holds no private key in PEM"),
        (both("server.pem", "other/server.key"), "[admin] key_file: it is not the key of the certificate"),
    ] {
        workspace.configure(&format!("[admin]\n{lines}"));
        let told = workspace.fail_with(78, &arguments("config check"), "");
        assert!(told.starts_with(said), "{lines}: {told}");
    }
    workspace.configure(&format!("[admin]\n{}", both("server.pem", "server.key")));
    workspace.succeed(&arguments("config check"), "");
}

#[test]
fn keys_are_made_while_no_server_runs_and_what_can_not_be_made_is_said_in_a_line() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let key =
        workspace.succeed(&arguments("key add desk --scope helpdesk --realm main --until 2999-12-31"), "");
    assert!(key.starts_with("asadm_") && key.len() == 50, "{key}");
    let listed: Value = serde_json::from_str(&workspace.succeed(&arguments("key list"), "")).unwrap();
    assert_eq!((&listed["ends"], &listed["last_used"]), (&json!("3000-01-01T00:00:00Z"), &Value::Null));
    for (line, said) in [
        ("key add desk --scope read --realm main", "there is a key of that name already"),
        ("key add new --scope read --realm none", "there is no realm `none`: there is `main`"),
        ("key add new --scope read --all-realms --until 1999-12-31", "--until is in the past"),
        ("key revoke none", "there is no key `none`"),
    ] {
        assert_eq!(workspace.fail(&arguments(line), ""), said, "{line}");
    }
}
