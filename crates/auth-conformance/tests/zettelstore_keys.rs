//! A change of the key that signs tokens does not invalidate the tokens in use.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use auth_conformance::http::Request;
use auth_conformance::{IssuedToken, Server, ServerConfig, server_binary};

fn config() -> ServerConfig {
    ServerConfig::for_tests().set("zettelstore.login_delay", "0s")
}

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ada","password":"correct horse battery"}
"#;

fn log_in(server: &Server) -> String {
    let form = Request::new("POST", "/a").form("username=ada&password=correct+horse+battery");
    IssuedToken::read(&server.send(&form).unwrap()).token.unwrap()
}

fn is_valid(server: &Server, token: &str) -> bool {
    let check = Request::new("POST", "/x?cmd=authenticated");
    let status = server.send(&check.header("Authorization", &format!("Bearer {token}"))).unwrap().status;
    assert!(matches!(status, 204 | 401), "{status}");
    status == 204
}

#[test]
fn second_key_signs_and_the_first_still_verifies() {
    for form in ["json", "list"] {
        let config = config().set("zettelstore.answer", form);
        let mut server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
        let file = server.dir().join("keys.toml");
        let first = fs::read_to_string(&file).unwrap();
        let old = log_in(&server);
        server.restart().unwrap();
        assert!(is_valid(&server, &old), "tokens survive a restart");

        let promoted = format!("[[key]]\nid = 2\nsecret = \"{}\"\n\n{first}", "5a".repeat(32));
        fs::write(&file, promoted).unwrap();
        server.restart().unwrap();
        let new = log_in(&server);
        assert_eq!((is_valid(&server, &old), is_valid(&server, &new)), (true, true), "{form}");

        fs::write(&file, first).unwrap();
        server.restart().unwrap();
        assert_eq!(
            (is_valid(&server, &old), is_valid(&server, &new)),
            (true, false),
            "the second key had signed"
        );
    }
}
