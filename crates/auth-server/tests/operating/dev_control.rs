//! The control endpoints of `auth-server dev`: what they do, who may use them, and that no other command has them.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use auth_conformance::http::{self, Request, Response};
use auth_conformance::process::Process;
use auth_conformance::{DevServer, Server, ServerConfig};
use serde_json::{Value, json};

use crate::workspace::Workspace;

const BINARY: &str = env!("CARGO_BIN_EXE_auth-server");

const ADA: &str = r#"{"kind":"user","realm":"dev","username":"ada","email":"ada@example.org","email_verified":true,"password":"ada-horse-battery-1234","totp_secret":"JBSWY3DPEHPK3PXP"}"#;

const ENDPOINTS: [(&str, &str); 6] = [
    ("POST", "/reset"),
    ("GET", "/clock"),
    ("POST", "/clock"),
    ("GET", "/mails"),
    ("GET", "/codes?user=iago"),
    ("POST", "/users"),
];

fn start(options: &[&str]) -> DevServer {
    DevServer::start_thrown_away(Path::new(BINARY), options, "").unwrap()
}

/// What a control endpoint answers.
fn control(server: &DevServer, method: &str, path: &str, body: &str) -> Value {
    let mut request = Request::new(method, path);
    request.body = body.as_bytes().to_vec();
    let response = server.control(request).unwrap();
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    response.json().unwrap()
}

/// A login at Rocket.Chat, with a code where there is one.
fn log_in(server: &DevServer, user: &str, password: &str, code: Option<&str>) -> Response {
    let mut login = json!({"user": user, "password": password});
    if let Some(code) = code {
        login["code"] = code.into();
    }
    server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap()
}

/// Whether a login token of Rocket.Chat is good.
fn is_good(server: &DevServer, login: &Value) -> bool {
    let text = |pointer| login.pointer(pointer).and_then(Value::as_str).unwrap();
    let me = Request::new("GET", "/api/v1/me").header("X-User-Id", text("/data/userId"));
    server.send(&me.header("X-Auth-Token", text("/data/authToken"))).unwrap().status == 200
}

#[test]
fn control_endpoints_are_for_holders_of_the_token_alone_and_never_for_browsers() {
    let server = start(&[]);
    let clock = || Request::new("GET", "/clock");
    for (request, status, code) in [
        (clock().header("Origin", "null"), 403, "browser"),
        (clock().header("Origin", &server.url()), 403, "browser"),
        (clock().header("Sec-Fetch-Site", "none"), 403, "browser"),
        (clock().header("Host", "rebound.example"), 421, "foreign-host"),
        (Request::new("GET", "/nothing"), 404, "no-endpoint"),
        (Request::new("GET", "/reset"), 405, "other-method"),
        (Request::new("GET", "/mails?form=x"), 400, "bad-query"),
        (Request::new("POST", "/clock").json(&json!({"seconds": -1})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"to": "2001-01-01T00:00:00Z"})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"seconds": 1, "minutes": 1})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"seconds": -1e300})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"seconds": 1e18})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"seconds": 1e300})), 400, "bad-body"),
        (
            Request { body: b"{\"seconds\": 1e999}".to_vec(), ..Request::new("POST", "/clock") },
            400,
            "bad-body",
        ),
        (Request { body: b"{\"seconds\": NaN}".to_vec(), ..Request::new("POST", "/clock") }, 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"to": "-9999-01-01T00:00:00Z"})), 400, "bad-body"),
        (Request::new("POST", "/clock").json(&json!({"to": "9000-01-01T00:00:00Z"})), 400, "bad-body"),
        (Request::new("GET", "/codes?user=nobody"), 404, "no-user"),
        (Request::new("POST", "/users").json(&json!({"kind": "user"})), 400, "bad-lines"),
        (Request { body: vec![b' '; (1 << 20) + 1], ..Request::new("POST", "/users") }, 413, "too-large"),
    ] {
        let shown = format!("{} {} {:?}", request.method, request.path, request.headers);
        let response = server.control(request).unwrap();
        let told = response.json().unwrap();
        assert_eq!((response.status, told["code"].as_str()), (status, Some(code)), "{shown}: {told}");
    }
    for token in [None, Some("Bearer wrong"), Some("Bearer "), Some("Basic YTpi")] {
        let mut reset = Request::new("POST", "/reset");
        reset.headers.extend(token.map(|token| ("Authorization".to_owned(), token.to_owned())));
        let response = http::send(server.control_address(), &reset).unwrap();
        assert_eq!(response.status, 401, "{token:?}");
        assert!(response.header("www-authenticate").is_some());
    }
    let token = server.ready().pointer("/control/token").and_then(Value::as_str).unwrap();
    for name in ["token", "access_token", "authorization"] {
        let asked = Request::new("GET", &format!("/clock?{name}={token}"));
        assert_eq!(http::send(server.control_address(), &asked).unwrap().status, 401, "{name} in the query");
    }
    // It is not read to its end: the refusal may be lost with the connection.
    let large = Request { body: vec![b' '; 10 << 20], ..Request::new("POST", "/users") };
    let large = server.control(large).unwrap();
    assert!([0, 413].contains(&large.status), "{large:?}");
    assert_eq!(server.control(clock()).unwrap().status, 200);
    server.stop().unwrap();
}

#[test]
fn a_hundred_resets_at_once_are_done_or_refused_and_no_login_is_lost_meanwhile() {
    let server = start(&[]);
    let (done, logins) = (AtomicBool::new(false), AtomicU32::new(0));
    let answers: Vec<Response> = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let login = log_in(&server, "myusername", "mypassword", None);
                    assert_eq!(login.status, 200, "{login:?}");
                    logins.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let resets: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| server.control(Request::new("POST", "/reset")).unwrap()))
            .collect();
        let answers = resets.into_iter().map(|reset| reset.join().unwrap()).collect();
        done.store(true, Ordering::SeqCst);
        answers
    });
    // Of so many connections some are told that they are too many, and the last are closed.
    let is_refused =
        |answer: &Response| answer.status == 0 || answer.status == 503 && answer.text().contains("\"busy\"");
    for answer in &answers {
        assert!(answer.status == 200 || is_refused(answer), "{answer:?}: {}", answer.text());
    }
    assert!(answers.iter().any(|answer| answer.status == 200) && logins.load(Ordering::SeqCst) > 0);
    control(&server, "POST", "/reset", "");
    assert_eq!(log_in(&server, "myusername", "mypassword", None).status, 200);
    server.stop().unwrap();
}

#[test]
fn a_reset_brings_the_seed_back_and_leaves_nothing_of_what_was_before() {
    let server = start(&["--limits"]);
    let token = log_in(&server, "myusername", "mypassword", None).json().unwrap();
    assert!(is_good(&server, &token));
    control(&server, "POST", "/users", ADA);
    control(&server, "POST", "/clock", r#"{"to":"2100-01-01T00:00:00Z"}"#);
    control(&server, "POST", "/clock", r#"{"seconds":60.5}"#);
    let moved = control(&server, "GET", "/clock", "");
    assert!(moved["now"].as_str().unwrap().starts_with("2100-01-01T00:01:0"), "{moved}");
    let forgotten =
        Request::new("POST", "/api/v1/users.forgotPassword").json(&json!({"email": "my@email.com"}));
    assert_eq!(server.send(&forgotten).unwrap().status, 200);
    let mails = control(&server, "GET", "/mails?to=my%40email.com&wait=20", "");
    assert_eq!(mails["mails"][0]["number"], 1, "{mails}");
    let is_limited = (0..100).any(|_| log_in(&server, "iago", "wrong", None).status == 429)
        || log_in(&server, "iago", "abcd1234", None).status != 200;
    assert!(is_limited);

    assert_eq!(control(&server, "POST", "/reset", ""), json!({}));
    assert!(!is_good(&server, &token), "the token is gone");
    assert_eq!(log_in(&server, "iago", "abcd1234", None).status, 200, "the limit is gone");
    assert_eq!(server.control(Request::new("GET", "/codes?user=ada")).unwrap().status, 404);
    assert_eq!(control(&server, "GET", "/mails", ""), json!({"mails": []}));
    let now = control(&server, "GET", "/clock", "");
    assert!(!now["now"].as_str().unwrap().starts_with("2100"), "{now}");

    // Those that come at once are done one after the other.
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| control(&server, "POST", "/reset", ""));
        }
    });
    assert_eq!(log_in(&server, "myusername", "mypassword", None).status, 200);
    server.stop().unwrap();
}

#[test]
fn the_clock_that_was_moved_ends_tokens_and_asks_for_later_codes() {
    let server = start(&[]);
    assert_eq!(control(&server, "POST", "/users", ADA), json!({"realms": 0, "users": 1}));
    let code = || control(&server, "GET", "/codes?user=ada%40example.org&realm=dev", "");
    let log_in_ada = |code: Option<&str>| log_in(&server, "ada", "ada-horse-battery-1234", code);
    let first = code();
    let first = first["totp"].as_str().unwrap();
    assert_eq!(log_in_ada(None).status, 401);
    let token = log_in_ada(Some(first)).json().unwrap();
    assert!(is_good(&server, &token));
    let ident = Request::new("POST", "/a").basic("IDENT", "PASSWORD");
    let signed = server.send(&ident).unwrap().json().unwrap()["token"].as_str().unwrap().to_owned();
    let renew = Request::new("PUT", "/a").header("Authorization", &format!("Bearer {signed}"));
    assert_eq!(server.send(&renew).unwrap().status, 200);

    control(&server, "POST", "/clock", r#"{"seconds":3600}"#);
    assert_eq!(server.send(&renew).unwrap().status, 400, "a Zettelstore token lasts ten minutes");
    assert!(is_good(&server, &token), "Rocket.Chat's last ninety days");
    assert_eq!(log_in_ada(Some(first)).status, 401, "the code of an hour ago");
    let later = code();
    assert!((1..=30).contains(&later["totp_seconds"].as_i64().unwrap()), "{later}");
    assert_eq!(log_in_ada(later["totp"].as_str()).status, 200);

    control(&server, "POST", "/clock", r#"{"seconds":7862400}"#);
    assert!(!is_good(&server, &token));
    server.stop().unwrap();
}

#[test]
fn mails_are_waited_for_with_their_links_and_codes() {
    let server = start(&[]);
    let none = control(&server, "GET", "/mails?wait=0.05", "");
    assert_eq!(none, json!({"mails": []}));
    let line = ADA.replace("\"totp_secret\":\"JBSWY3DPEHPK3PXP\"", "\"email_2fa\":true");
    control(&server, "POST", "/users", &line);
    let waits = thread::scope(|scope| {
        let waits = scope.spawn(|| control(&server, "GET", "/mails?to=ADA%40example.org&wait=20", ""));
        assert_eq!(log_in(&server, "ada", "ada-horse-battery-1234", None).status, 401);
        waits.join().unwrap()
    });
    let mail = &waits["mails"][0];
    let code = mail["codes"][0].as_str().unwrap();
    let written = format!("{}-{}", &code[..3], &code[3..]);
    for part in ["text", "html"] {
        assert!(mail[part].as_str().unwrap().contains(&written), "{mail}");
    }
    assert_eq!((&mail["subject"], &mail["language"]), (&json!("Authentication code"), &json!("en")));
    assert_eq!(control(&server, "GET", "/codes?user=ada", "")["mailed"], code);
    assert_eq!(log_in(&server, "ada", "ada-horse-battery-1234", Some(code)).status, 200);

    let forgotten =
        Request::new("POST", "/api/v1/users.forgotPassword").json(&json!({"email": "my@email.com"}));
    assert_eq!(server.send(&forgotten).unwrap().status, 200);
    let mails = control(&server, "GET", "/mails?subject=Password&after=1&wait=20", "");
    let link = mails["mails"][0]["links"][0].as_str().unwrap();
    assert!(link.contains("/reset-password/"), "{link}");
    server.stop().unwrap();
}

#[test]
fn data_that_is_kept_is_not_reset() {
    let server = DevServer::start(Path::new(BINARY)).unwrap();
    let refused = server.control(Request::new("POST", "/reset")).unwrap();
    assert_eq!((refused.status, &refused.json().unwrap()["code"]), (409, &json!("kept-data")));
    assert_eq!(log_in(&server, "myusername", "mypassword", None).status, 200);
    server.stop().unwrap();
}

#[test]
fn a_seed_can_come_by_standard_input() {
    let lines = format!("{}\n{ADA}\n", r#"{"kind":"realm","realm":"dev","subdomain":""}"#);
    let server = DevServer::start_thrown_away(Path::new(BINARY), &["--seed", "-"], &lines).unwrap();
    let users = server.ready()["users"].as_array().unwrap();
    assert_eq!((users.len(), &users[0]["username"]), (1, &json!("ada")));
    assert_eq!(log_in(&server, "iago", "abcd1234", None).json().unwrap()["message"], "Unauthorized");
    control(&server, "POST", "/reset", "");
    assert!(
        control(&server, "GET", "/codes?user=ada", "")["totp"].is_string(),
        "the seed is kept for resets"
    );
    server.stop().unwrap();
    let workspace = Workspace::new();
    let refused = workspace.fail(&["dev", "--seed", "-"], "{}");
    assert_eq!(refused, "the seed names no realm");
}

#[test]
fn the_manual_has_every_endpoint_and_every_key_of_the_ready_line() {
    let manual = include_str!("../../../../docs/testing-clients.md");
    let server = start(&[]);
    for key in server.ready().as_object().unwrap().keys() {
        assert!(manual.contains(&format!("`{key}`")), "{key}");
    }
    for (method, path) in ENDPOINTS {
        let path = path.split('?').next().unwrap();
        assert!(manual.contains(&format!("| `{method} {path}` |")), "{method} {path}");
    }
    assert_eq!(server.ready()["version"], env!("CARGO_PKG_VERSION"));
    server.stop().unwrap();
}

#[test]
fn first_line_for_people_says_that_the_server_is_ready_and_no_line_has_a_token() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["dev", "--listen", "127.0.0.1:0"]).env("TMPDIR", temporary.path());
    let mut process = Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null())).unwrap();
    let mut out = BufReader::new(process.take_stdout().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(first.starts_with(&format!("auth-server {version} is ready.")), "{first}");
    process.stop().unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(
        rest.contains("iago@zulip.com") && !rest.contains("token") && !rest.contains("control"),
        "{rest}"
    );
}

#[test]
fn no_other_command_and_no_protocol_has_control_endpoints() {
    let config = ServerConfig::for_tests();
    let users = "{\"kind\":\"realm\",\"realm\":\"main\",\"subdomain\":\"\"}\n";
    let mut served = Server::start(Path::new(BINARY), &config, users).unwrap();
    let demo = start(&[]);
    for (method, path) in ENDPOINTS {
        let at = |path: &str| Request::new(method, path).header("Authorization", "Bearer x");
        let unknown = format!("/unknown{path}");
        for (control, other) in [
            (served.send(&at(path)).unwrap(), served.send(&at(&unknown)).unwrap()),
            (demo.send(&at(path)).unwrap(), demo.send(&at(&unknown)).unwrap()),
        ] {
            assert_eq!((control.status, control.text()), (other.status, other.text()), "{method} {path}");
            assert_ne!(control.status, 200, "{method} {path}");
        }
    }
    demo.stop().unwrap();
    served.stop().unwrap();
    let workspace = Workspace::new();
    for key in ["control", "clock", "kept_mails"] {
        workspace.write("other.toml", &format!("{key} = \"127.0.0.1:0\"\n"));
        let refused = workspace.fail_with(78, &["serve", "--config", "other.toml"], "");
        assert!(refused.contains(key), "{refused}");
    }
    let refused = workspace.run(&["serve", "--ready-json"], "");
    assert_eq!(refused.status.code(), Some(2), "an option of dev alone");
    // Time stands for everybody as the operating system says: nothing but `dev` names the clock that moves, or the endpoints.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in ["LeadingClock", "open_by(", "Control::new("] {
        let naming = files_that_name(&source, name);
        let is_own = |file: &String| file.starts_with("command/dev") || file == "assemble.rs";
        assert!(!naming.is_empty() && naming.iter().all(is_own), "{name}: {naming:?}");
    }
}

/// The files below a folder that hold a text, by their paths in it.
fn files_that_name(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).is_ok_and(|content| content.contains(text)) {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found
}

#[test]
fn eight_demo_servers_start_at_once_without_hindering_each_other() {
    let servers: Vec<DevServer> = thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| start(&[]))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    for server in &servers {
        assert_eq!(log_in(server, "myusername", "mypassword", None).status, 200);
    }
    control(&servers[0], "POST", "/users", ADA);
    control(&servers[0], "POST", "/clock", r#"{"seconds":3600}"#);
    assert_eq!(servers[1].control(Request::new("GET", "/codes?user=ada")).unwrap().status, 404);
    for server in servers {
        server.stop().unwrap();
    }
}
