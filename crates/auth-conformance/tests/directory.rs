//! A real directory (slapd) behind all three protocols: logins, outages and recovery, many users at once, and the
//! commands that inspect it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use auth_conformance::{Server, ServerConfig, server_binary};
use regex::Regex;
use serde_json::json;

/// A configuration of all three protocols, without a directory.
fn without_directory() -> ServerConfig {
    ServerConfig::for_tests()
        .without_limits()
        .realm("house")
        .set("rocketchat.email_2fa_auto_opt_in", false)
        .set("zettelstore.login_delay", "0s")
}

/// The same configuration with the directory `corp`.
fn config() -> ServerConfig {
    without_directory()
        .set("ldap.corp.servers", vec!["ldap://@LDAP@"])
        .set("ldap.corp.bind_dn", SERVICE.0)
        .set("ldap.corp.bind_password", SERVICE.1)
        .set("ldap.corp.base", BASE)
        .set("ldap.corp.disabled_attribute", "deactivated")
        .set("ldap.corp.connect_timeout", "1s")
        .set("ldap.corp.timeout", "1s")
}

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House","backends":["corp","local"]}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada","password":"correct horse battery"}
{"kind":"user","realm":"house","username":"left","email":"left@example.org","directory_name":"no-such-entry"}
"#;

fn start(config: &ServerConfig) -> Server {
    Server::start(&server_binary().unwrap(), config, USERS).unwrap()
}

/// The same login in the forms of all protocols; Rocket.Chat has a second one for directories.
fn logins(name: &str, password: &str) -> [Request; 4] {
    let ldap = json!({"ldap": true, "username": name, "ldapPass": password, "ldapOptions": {}});
    [
        Request::new("POST", "/api/v1/fetch_api_key").form(&format!("username={name}&password={password}")),
        Request::new("POST", "/api/v1/login").json(&json!({"user": name, "password": password})),
        Request::new("POST", "/api/v1/login").json(&ldap),
        Request::new("POST", "/a").form(&format!("username={name}&password={password}")),
    ]
}

fn responses(server: &Server, name: &str, password: &str) -> [Response; 4] {
    logins(name, password).map(|request| server.send(&request).unwrap())
}

fn statuses(server: &Server, name: &str, password: &str) -> [u16; 4] {
    responses(server, name, password).map(|response| response.status)
}

/// Everything that a command printed.
fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn directory_users_log_in_at_every_protocol_and_each_reports_an_outage_in_its_own_format() {
    let mut server = start(&config());
    assert_eq!(statuses(&server, "hamlet", "hamlet-ldap"), [200; 4]);
    assert_eq!(statuses(&server, "hamlet", "wrong"), [401; 4]);
    assert_eq!(statuses(&server, "hamlet", ""), [401; 4], "slapd itself accepts an empty password");
    assert_eq!(statuses(&server, "disabled", "disabled-ldap"), [401; 4]);
    assert_eq!(statuses(&server, "nobody", "hamlet-ldap"), [401; 4]);

    for outage in ["killed", "hanging"] {
        match outage {
            "killed" => server.directory().unwrap().kill(),
            _ => server.directory().unwrap().hang(true).unwrap(),
        }
        for password in ["hamlet-ldap", "wrong"] {
            let watch = Stopwatch::start();
            let [zulip, rocketchat, ldap, zettelstore] = responses(&server, "hamlet", password);
            assert!(watch.elapsed() < Duration::from_secs(15), "{outage}: {:?}", watch.elapsed());
            for response in [&zulip, &rocketchat, &ldap, &zettelstore] {
                assert_eq!(response.status, 503, "{outage}: {}", response.text());
                assert!(!response.text().contains("ldap"), "{outage}: {}", response.text());
            }
            assert_eq!(zulip.json().unwrap()["result"], "error");
            assert_eq!(rocketchat.json().unwrap()["success"], false);
        }
        let ada = json!({"user": "ada", "password": "correct horse battery"});
        let ada = Request::new("POST", "/api/v1/login").json(&ada);
        assert_eq!(server.send(&ada).unwrap().status, 200, "a user with a stored password logs in");
        match outage {
            "killed" => server.directory().unwrap().resume().unwrap(),
            _ => server.directory().unwrap().hang(false).unwrap(),
        }
        let watch = Stopwatch::start();
        while statuses(&server, "hamlet", "hamlet-ldap") != [200; 4] {
            assert!(watch.elapsed() < Duration::from_secs(20), "{outage}: no recovery");
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(statuses(&server, "hamlet", "wrong"), [401; 4], "{outage}");
    }
    server.stop().unwrap();
    let log = server.log();
    for secret in ["hamlet-ldap", "service-pass", "correct horse"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn two_hundred_users_at_a_time_log_in_through_eight_connections() {
    // A login waits for a connection as long as for the directory, and on few cores two hundred logins take a while.
    let timeouts = ["ldap.corp.connect_timeout", "ldap.corp.timeout"];
    let mut server = start(&timeouts.iter().fold(config(), |config, key| config.set(key, "30s")));
    let entries: String = (0..200)
        .map(|n| {
            format!(
                "dn: uid=p{n},ou=people,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: p{n}\n\
                 cn: P {n}\nsn: P\nmail: p{n}@example.org\nuserPassword: pass-{n}\n\n"
            )
        })
        .collect();
    server.directory().unwrap().modify(&entries).unwrap();
    let server = Arc::new(server);
    for round in 0..2 {
        let threads: Vec<_> = (0..200)
            .map(|n| {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    let body = json!({"user": format!("p{n}"), "password": format!("pass-{n}")});
                    let response = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap();
                    assert_eq!(response.status, 200, "round {round}, p{n}: {}", response.text());
                    response.json().unwrap()["data"]["me"]["username"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        for (n, thread) in threads.into_iter().enumerate() {
            assert_eq!(thread.join().unwrap(), format!("p{n}"), "every user gets their own account");
        }
    }
}

#[test]
fn ldap_check_prints_the_steps_and_no_secret() {
    let mut server = start(&config());
    let check = |server: &Server, user: &str, password: Option<&str>| {
        let mut args = vec!["ldap", "check", "--config", "@CONFIG@", "--user", user];
        args.extend(password.map(|_| "--with-password"));
        let output = server.command(&args, password.unwrap_or_default()).unwrap();
        let printed = printed(&output);
        for secret in ["service-pass", "hamlet-ldap", "not-the-password"] {
            assert!(!printed.contains(secret), "{printed}");
        }
        (output.status.success(), printed)
    };
    for (user, password, succeeds, text) in [
        ("hamlet", None, true, "account: would be created at the first login"),
        ("hamlet@zulip.com", None, true, "(mail=hamlet@zulip.com): one entry, uid=hamlet,"),
        ("hamlet", Some("hamlet-ldap\n"), true, "the password is right"),
        ("hamlet", Some("not-the-password\n"), false, "no login: wrong-password"),
        ("*)(uid=*", None, true, r"for (uid=\2a\29\28uid=\2a): one entry"),
        ("disabled", None, false, "no login: entry-disabled"),
        ("twin", None, false, "no login: ambiguous-entry"),
        ("nobody", None, false, "no entry"),
    ] {
        let (success, printed) = check(&server, user, password);
        assert_eq!(success, succeeds, "{user}: {printed}");
        assert!(printed.contains(text), "{user}: {printed}");
        assert!(printed.contains("realm house, directory corp:"), "{user}: {printed}");
    }
    assert_eq!(statuses(&server, "hamlet", "hamlet-ldap"), [200; 4]);
    let (_, printed) = check(&server, "hamlet", None);
    assert!(printed.contains("account: hamlet ("), "{printed}");
    server.directory().unwrap().kill();
    let (success, printed) = check(&server, "hamlet", None);
    assert!(!success && printed.contains("can't be reached"), "{printed}");
}

#[test]
fn ldap_sync_deactivates_users_that_the_directory_no_longer_has_and_no_others() {
    let mut server = start(&config());
    for (name, password) in [("hamlet", "hamlet-ldap"), ("newuser", "newuser-ldap"), ("ldapuser", "ldappass")]
    {
        assert_eq!(statuses(&server, name, password), [200; 4], "{name}");
    }
    server
        .directory()
        .unwrap()
        .modify(
            "dn: uid=newuser,ou=people,dc=example,dc=org\nchangetype: delete\n\n\
             dn: uid=ldapuser,ou=people,dc=example,dc=org\nchangetype: modify\nadd: deactivated\ndeactivated: TRUE\n",
        )
        .unwrap();
    let sync = |server: &Server, more: &[&str]| {
        let args: Vec<&str> = ["ldap", "sync", "--config", "@CONFIG@"].iter().chain(more).copied().collect();
        server.command(&args, "").unwrap()
    };
    let is_active = |server: &Server, name: &str| {
        let user = server.run(&["user", "show", "--config", "@CONFIG@", name], "").unwrap();
        serde_json::from_str::<serde_json::Value>(&user).unwrap()["active"] == true
    };
    let dry_run = sync(&server, &["--dry-run"]);
    assert!(dry_run.status.success(), "{}", printed(&dry_run));
    for name in ["left", "newuser", "ldapuser"] {
        assert!(
            printed(&dry_run).contains(&format!("would be deactivated: {name} (")),
            "{}",
            printed(&dry_run)
        );
        assert!(is_active(&server, name), "{name}: nothing is changed");
    }
    let done = sync(&server, &[]);
    assert!(done.status.success(), "{}", printed(&done));
    assert!(printed(&done).contains("4 accounts of the directory, 3 deactivated"), "{}", printed(&done));
    for (name, active) in
        [("left", false), ("newuser", false), ("ldapuser", false), ("hamlet", true), ("ada", true)]
    {
        assert_eq!(is_active(&server, name), active, "{name}");
    }
    let again = sync(&server, &[]);
    assert!(printed(&again).contains("0 deactivated"), "{}", printed(&again));

    // A directory that fails deactivates nobody.
    server.directory().unwrap().kill();
    let failed = sync(&server, &[]);
    assert!(
        !failed.status.success() && printed(&failed).contains("nothing was changed"),
        "{}",
        printed(&failed)
    );
    assert!(is_active(&server, "hamlet"));
}

#[test]
fn directory_without_visible_users_deactivates_nobody_by_mistake() {
    let server = start(&config().set("ldap.corp.filter", "(uid=nobody-at-all)"));
    let sync = |more: &[&str]| {
        let args: Vec<&str> = ["ldap", "sync", "--config", "@CONFIG@"].iter().chain(more).copied().collect();
        server.command(&args, "").unwrap()
    };
    let refused = sync(&[]);
    assert!(!refused.status.success() && printed(&refused).contains("--allow-many"), "{}", printed(&refused));
    let allowed = sync(&["--allow-many"]);
    assert!(allowed.status.success() && printed(&allowed).contains("1 deactivated"), "{}", printed(&allowed));
}

/// Only server, files and DN are changed, to those of the test.
#[test]
fn configurations_of_the_manual_work() {
    let slapd = Slapd::start().unwrap();
    let manual = include_str!("../../../docs/directories.md");
    let blocks: Vec<&str> = manual
        .split("```toml\n")
        .filter_map(|part| part.split_once("```").map(|(block, _)| block))
        .filter(|block| block.starts_with("[ldap."))
        .collect();
    assert_eq!(blocks.len(), 2);
    let servers = Regex::new(r"(?m)^servers = .*$").unwrap();
    for (block, scheme, address, user, email) in [
        (blocks[0], "starttls", slapd.address(), "hamlet", "hamlet@zulip.com"),
        (blocks[1], "ldaps", slapd.tls_address(), "Ophelia", "ophelia@example.org"),
    ] {
        let server = format!("{scheme}://localhost:{}", address.port());
        let block = servers.replace(block, format!("servers = [\"{server}\"]"));
        let block = block
            .replace("\"ca.pem\"", &format!("\"{}\"", slapd.authority().display()))
            .replace("\"ldap-password\"", "\"@DIR@/ldap-password\"")
            .replace("CN=auth,OU=Services,DC=example,DC=org", "cn=auth,dc=example,dc=org");
        let config = format!("{}\n{block}", without_directory());
        let mut server = Server::prepare(&server_binary().unwrap(), &config).unwrap();
        fs::write(server.dir().join("ldap-password"), "service-pass\n").unwrap();
        server.import(USERS).unwrap();
        server.serve().unwrap();
        for name in [user, email] {
            let form = format!("username={name}&password={}-ldap", user.to_lowercase());
            let request = Request::new("POST", "/api/v1/fetch_api_key").form(&form);
            let response = server.send(&request).unwrap();
            assert_eq!(response.status, 200, "{name}: {}\n{}", response.text(), server.log());
            assert_eq!(response.json().unwrap()["email"], email);
        }
        let shown = server.run(&["user", "show", "--config", "@CONFIG@", user], "").unwrap();
        assert!(shown.contains("\"role\":\"admin\""), "{shown}");
    }
}

#[test]
fn configuration_mistakes_are_reported_in_one_line_that_says_what_to_do() {
    let binary = server_binary().unwrap();
    let renamed = config().to_string().replace("[ldap.corp]", "[ldap.local]");
    for (config, text) in [
        (config().set("ldap.corp.servers", vec!["ldap.example.org"]), "written like ldap://host:389"),
        (config().unset("ldap.corp.bind_password"), "the service account has no password"),
        (ServerConfig::parse(&renamed).unwrap(), "not `local`"),
        (config().set("ldap.corp.filter", "uid=x"), "no LDAP filter"),
        (config().set("ldap.corp.ca_file", "/nowhere"), "ca_file /nowhere"),
        (config().set("ldap.corp.direct_bind", "uid=x"), "bind_dn or direct_bind"),
        (config().set("ldap.corp.disabeld_attribute", "deactivated"), "disabeld_attribute"),
    ] {
        let config = config.to_string().replace("@LDAP@", "127.0.0.1:1");
        let server = Server::prepare(&binary, &config).unwrap();
        let output = server.command(&["config", "check", "--config", "@CONFIG@"], "").unwrap();
        let printed = printed(&output);
        assert!(!output.status.success() && printed.contains(text), "{text}: {printed}");
        assert_eq!(printed.trim().lines().count(), 1, "{printed}");
        assert!(!printed.contains("service-pass"), "{printed}");
    }
}
