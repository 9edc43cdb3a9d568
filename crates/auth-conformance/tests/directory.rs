//! A real slapd behind all three protocols: log-ins, an outage and its end, a crowd, and the commands that look into it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{Request, Response};
use auth_conformance::slapd::Slapd;
use auth_conformance::{Server, server_binary};
use regex::Regex;
use serde_json::json;

const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]

[store]
url = "sqlite:@DIR@/auth.db"

[keys]
file = "@DIR@/keys.toml"

[limits]
shared = "off"

[passwords]
memory_kib = 1024
iterations = 1

[ldap.corp]
servers = ["ldap://@LDAP@"]
bind_dn = "cn=auth,dc=example,dc=org"
bind_password = "service-pass"
base = "ou=people,dc=example,dc=org"
disabled_attribute = "deactivated"
connect_timeout = "1s"
timeout = "1s"

[zulip]
realm = "house"
login_limit = "off"

[rocketchat]
realm = "house"
api_limit = "off"
block_by_user = "off"
block_by_address = "off"
email_2fa_auto_opt_in = false

[zettelstore]
realm = "house"
login_delay = "0s"
"#;

const USERS: &str = r#"{"kind":"realm","realm":"house","name":"House","backends":["corp","local"]}
{"kind":"user","realm":"house","username":"ada","email":"ada@example.org","email_verified":true,"full_name":"Ada","password":"correct horse battery"}
{"kind":"user","realm":"house","username":"left","email":"left@example.org","directory_name":"no-such-entry"}
"#;

fn start(config: &str) -> Server {
    Server::start(&server_binary().unwrap(), config, USERS).unwrap()
}

/// The same log-in in the forms of all protocols, Rocket.Chat's with that for directories.
fn forms(name: &str, password: &str) -> [Request; 4] {
    let ldap = json!({"ldap": true, "username": name, "ldapPass": password, "ldapOptions": {}});
    [
        Request::new("POST", "/api/v1/fetch_api_key").form(&format!("username={name}&password={password}")),
        Request::new("POST", "/api/v1/login").json(&json!({"user": name, "password": password})),
        Request::new("POST", "/api/v1/login").json(&ldap),
        Request::new("POST", "/a").form(&format!("username={name}&password={password}")),
    ]
}

fn answers(server: &Server, name: &str, password: &str) -> [Response; 4] {
    forms(name, password).map(|request| server.send(&request).unwrap())
}

fn statuses(server: &Server, name: &str, password: &str) -> [u16; 4] {
    answers(server, name, password).map(|answer| answer.status)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn people_of_the_directory_use_every_protocol_and_an_outage_is_told_in_each_protocols_way() {
    let mut server = start(CONFIG);
    assert_eq!(statuses(&server, "hamlet", "hamlet-ldap"), [200; 4]);
    assert_eq!(statuses(&server, "hamlet", "wrong"), [401; 4]);
    assert_eq!(statuses(&server, "hamlet", ""), [401; 4], "slapd itself would say that it worked");
    assert_eq!(statuses(&server, "disabled", "disabled-ldap"), [401; 4]);
    assert_eq!(statuses(&server, "nobody", "hamlet-ldap"), [401; 4]);

    for outage in ["killed", "hanging"] {
        match outage {
            "killed" => server.directory().unwrap().kill(),
            _ => server.directory().unwrap().hang(true).unwrap(),
        }
        for password in ["hamlet-ldap", "wrong"] {
            let watch = Stopwatch::start();
            let [zulip, rocketchat, form, zettelstore] = answers(&server, "hamlet", password);
            assert!(watch.elapsed() < Duration::from_secs(15), "{outage}: {:?}", watch.elapsed());
            for answer in [&zulip, &rocketchat, &form, &zettelstore] {
                assert_eq!(answer.status, 503, "{outage}: {}", answer.text());
                assert!(!answer.text().contains("ldap"), "{outage}: {}", answer.text());
            }
            assert_eq!(zulip.json().unwrap()["result"], "error");
            assert_eq!(rocketchat.json().unwrap()["success"], false);
        }
        let ada = json!({"user": "ada", "password": "correct horse battery"});
        let ada = Request::new("POST", "/api/v1/login").json(&ada);
        assert_eq!(server.send(&ada).unwrap().status, 200, "whose password is here gets in");
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
fn two_hundred_people_at_a_time_log_in_through_eight_connections() {
    // A place is waited for as long as a server is: on few cores, two hundred take a while.
    let mut server = start(&CONFIG.replace("timeout = \"1s\"", "timeout = \"30s\""));
    let people: String = (0..200)
        .map(|n| {
            format!(
                "dn: uid=p{n},ou=people,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: p{n}\n\
                 cn: P {n}\nsn: P\nmail: p{n}@example.org\nuserPassword: pass-{n}\n\n"
            )
        })
        .collect();
    server.directory().unwrap().modify(&people).unwrap();
    let server = Arc::new(server);
    for round in 0..2 {
        let crowd: Vec<_> = (0..200)
            .map(|n| {
                let server = Arc::clone(&server);
                thread::spawn(move || {
                    let body = json!({"user": format!("p{n}"), "password": format!("pass-{n}")});
                    let answer = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap();
                    assert_eq!(answer.status, 200, "round {round}, p{n}: {}", answer.text());
                    answer.json().unwrap()["data"]["me"]["username"].as_str().unwrap().to_owned()
                })
            })
            .collect();
        for (n, person) in crowd.into_iter().enumerate() {
            assert_eq!(person.join().unwrap(), format!("p{n}"), "everybody is who they are");
        }
    }
}

#[test]
fn a_check_shows_the_steps_and_no_secret() {
    let mut server = start(CONFIG);
    let check = |server: &Server, user: &str, password: Option<&str>| {
        let mut args = vec!["ldap", "check", "--config", "@CONFIG@", "--user", user];
        args.extend(password.map(|_| "--with-password"));
        let output = server.command(&args, password.unwrap_or_default()).unwrap();
        let said = said(&output);
        for secret in ["service-pass", "hamlet-ldap", "not-the-password"] {
            assert!(!said.contains(secret), "{said}");
        }
        (output.status.success(), said)
    };
    for (user, password, is_good, shown) in [
        ("hamlet", None, true, "account: would be made at the first log-in"),
        ("hamlet@zulip.com", None, true, "(mail=hamlet@zulip.com): one entry, uid=hamlet,"),
        ("hamlet", Some("hamlet-ldap\n"), true, "the password is right"),
        ("hamlet", Some("not-the-password\n"), false, "no log-in: wrong-password"),
        ("*)(uid=*", None, true, r"for (uid=\2a\29\28uid=\2a): one entry"),
        ("disabled", None, false, "no log-in: entry-disabled"),
        ("twin", None, false, "no log-in: ambiguous-entry"),
        ("nobody", None, false, "no entry"),
    ] {
        let (success, said) = check(&server, user, password);
        assert_eq!(success, is_good, "{user}: {said}");
        assert!(said.contains(shown), "{user}: {said}");
        assert!(said.contains("realm house, directory corp:"), "{user}: {said}");
    }
    assert_eq!(statuses(&server, "hamlet", "hamlet-ldap"), [200; 4]);
    let (_, said) = check(&server, "hamlet", None);
    assert!(said.contains("account: hamlet ("), "{said}");
    server.directory().unwrap().kill();
    let (success, said) = check(&server, "hamlet", None);
    assert!(!success && said.contains("can't be reached"), "{said}");
}

#[test]
fn a_sync_deactivates_who_has_gone_and_nobody_else() {
    let mut server = start(CONFIG);
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
    let show = |server: &Server, name: &str| {
        let shown = server.command(&["user", "show", "--config", "@CONFIG@", name], "").unwrap();
        serde_json::from_slice::<serde_json::Value>(&shown.stdout).unwrap()["active"] == true
    };
    let dry = sync(&server, &["--dry-run"]);
    assert!(dry.status.success(), "{}", said(&dry));
    for name in ["left", "newuser", "ldapuser"] {
        assert!(said(&dry).contains(&format!("would be deactivated: {name} (")), "{}", said(&dry));
        assert!(show(&server, name), "{name}: nothing is changed");
    }
    let done = sync(&server, &[]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("4 accounts of the directory, 3 deactivated"), "{}", said(&done));
    for (name, active) in
        [("left", false), ("newuser", false), ("ldapuser", false), ("hamlet", true), ("ada", true)]
    {
        assert_eq!(show(&server, name), active, "{name}");
    }
    let again = sync(&server, &[]);
    assert!(said(&again).contains("0 deactivated"), "{}", said(&again));

    // Half a list is none: nobody goes because a server does.
    server.directory().unwrap().kill();
    let failed = sync(&server, &[]);
    assert!(!failed.status.success() && said(&failed).contains("nothing was changed"), "{}", said(&failed));
    assert!(show(&server, "hamlet"));
}

#[test]
fn a_directory_that_shows_nobody_deactivates_nobody_by_mistake() {
    let nobody = "timeout = \"1s\"\nfilter = \"(uid=nobody-at-all)\"\n\n";
    let server = start(&CONFIG.replace("timeout = \"1s\"\n\n", nobody));
    let sync = |more: &[&str]| {
        let args: Vec<&str> = ["ldap", "sync", "--config", "@CONFIG@"].iter().chain(more).copied().collect();
        server.command(&args, "").unwrap()
    };
    let refused = sync(&[]);
    assert!(!refused.status.success() && said(&refused).contains("--allow-many"), "{}", said(&refused));
    let wanted = sync(&["--allow-many"]);
    assert!(wanted.status.success() && said(&wanted).contains("1 deactivated"), "{}", said(&wanted));
}

/// The configurations of the README, with the test's own server and nothing else changed.
#[test]
fn the_configurations_of_the_readme_work() {
    let slapd = Slapd::start().unwrap();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let blocks: Vec<&str> = readme
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
        let (before, after) = (CONFIG.find("[ldap.corp]").unwrap(), CONFIG.find("[zulip]").unwrap());
        let config = format!("{}{block}\n{}", &CONFIG[..before], &CONFIG[after..]);
        let mut server = Server::configured(&server_binary().unwrap(), &config).unwrap();
        fs::write(server.dir().join("ldap-password"), "service-pass\n").unwrap();
        fs::write(server.dir().join("users.jsonl"), USERS).unwrap();
        let users = server.dir().join("users.jsonl").display().to_string();
        let imported = server.command(&["import", "--config", "@CONFIG@", &users], "").unwrap();
        assert!(imported.status.success(), "{}", said(&imported));
        server.resume().unwrap();
        for name in [user, email] {
            let form = format!("username={name}&password={}-ldap", user.to_lowercase());
            let request = Request::new("POST", "/api/v1/fetch_api_key").form(&form);
            let answer = server.send(&request).unwrap();
            assert_eq!(answer.status, 200, "{name}: {}\n{}", answer.text(), server.log());
            assert_eq!(answer.json().unwrap()["email"], email);
        }
        let shown = server.command(&["user", "show", "--config", "@CONFIG@", user], "").unwrap();
        assert!(said(&shown).contains("\"role\":\"admin\""), "{}", said(&shown));
    }
}

#[test]
fn mistakes_are_one_line_that_says_what_to_do() {
    let binary = server_binary().unwrap();
    for (config, shown) in [
        (CONFIG.replace("ldap://@LDAP@", "ldap.example.org"), "written like ldap://host:389"),
        (CONFIG.replace("bind_password = \"service-pass\"", ""), "the service account has no password"),
        (CONFIG.replace("[ldap.corp]", "[ldap.local]"), "not `local`"),
        (CONFIG.replace("disabled_attribute = \"deactivated\"", "filter = \"uid=x\""), "no LDAP filter"),
        (
            CONFIG.replace("disabled_attribute = \"deactivated\"", "ca_file = \"/nowhere\""),
            "ca_file /nowhere",
        ),
        (
            CONFIG.replace("disabled_attribute = \"deactivated\"", "direct_bind = \"uid=x\""),
            "bind_dn or direct_bind",
        ),
        (CONFIG.replace("disabled_attribute", "disabeld_attribute"), "disabeld_attribute"),
    ] {
        let server = Server::configured(&binary, &config.replace("@LDAP@", "127.0.0.1:1")).unwrap();
        let output = server.command(&["config", "check", "--config", "@CONFIG@"], "").unwrap();
        let said = said(&output);
        assert!(!output.status.success() && said.contains(shown), "{shown}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(!said.contains("service-pass"), "{said}");
    }
}
