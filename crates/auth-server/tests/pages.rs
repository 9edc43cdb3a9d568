//! The built binary with pages: where they are, and the links that operators make.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;
#[path = "common/workspace.rs"]
mod workspace;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use auth_conformance::http::{Request, Response};

use crate::workspace::{Workspace, arguments};

const SITE: &str = "https://auth.example.org";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Example"}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

fn get(server: &auth_conformance::Server, path: &str) -> Response {
    server.send(&Request::new("GET", path)).unwrap()
}

#[test]
fn pages_are_on_once_their_address_is_set() {
    let off = server::start(&server::config(), USERS);
    assert!(!get(&off, "/").text().contains("One account"));
    assert_eq!(get(&off, "/sign-in").status, 404);
    server::stop(off);

    let on = server::start(&server::config().set("web.url", SITE).set("web.name", "Example <1>"), USERS);
    let front = get(&on, "/");
    assert_eq!(front.status, 200);
    assert!(front.text().contains("Example &#60;1&#62;"), "{}", front.text());
    assert!(front.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(get(&on, "/sign-in").status, 200);
    assert_eq!(get(&on, "/api/v1/server_settings").status, 200, "protocols go on beside them");
    // A page for whoever isn't signed in leads to the sign-in, whatever the host of the request.
    let account = get(&on, "/account");
    assert_eq!((account.status, account.header("location")), (303, Some("/sign-in?next=%2Faccount")));
}

#[test]
fn an_operator_makes_links_for_new_passwords_and_new_users() {
    let workspace = Workspace::new();
    workspace.succeed(&arguments("import users.jsonl"), "");
    let failed = |line: &str| workspace.fail(&arguments(line), "");
    assert_eq!(failed("user reset-link iago"), "links lead to the pages, which are off: set [web] url");
    workspace.configure(&format!("[web]\nurl = \"{SITE}\"\n"));
    assert_eq!(
        failed("user reset-link iago"),
        "the link is a secret, and standard output is no terminal: name a file with --output"
    );
    assert_eq!(workspace.succeed(&arguments("user reset-link iago --output link"), ""), "");
    let path = workspace.path("link");
    let link = fs::read_to_string(&path).unwrap();
    let token = link.strip_prefix(&format!("{SITE}/reset-password/")).unwrap().trim_end();
    assert_eq!(token.len(), 43, "{link}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(failed("user reset-link iago --output link"), "link is there already");
    assert_eq!(failed("user reset-link nobody --output other"), "`nobody`: there is no such user");
    assert!(!workspace.path("other").exists());

    let invite = "user invite --name ada --email ada@example.org --day --output invitation";
    assert_eq!(workspace.succeed(&arguments(invite), ""), "added\n");
    assert!(fs::read_to_string(workspace.path("invitation")).unwrap().starts_with(SITE));
    let shown = workspace.succeed(&arguments("user show ada"), "");
    assert!(shown.contains("\"password\":false"), "{shown}");
    workspace.succeed(&arguments("user deactivate iago"), "");
    assert_eq!(
        failed("user reset-link iago --output late"),
        "the account is deactivated: `auth-server user activate` first"
    );
}
