//! What a help desk may have done to second factors, at the socket and by a key, and accounts that are made at the socket.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use auth_conformance::Server;
use auth_conformance::http::{Request, send};
use auth_conformance::process::free_address;
use serde_json::{Value, json};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"language":"de","password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345"]}
{"kind":"user","realm":"main","username":"king","role":"owner","email":"king@zulip.com","password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

/// The group whose members are the help desk, and its number.
const GROUP: (&str, &str) = ("nogroup", "65534");

struct World {
    folder: tempfile::TempDir,
    address: SocketAddr,
    server: Server,
}

impl World {
    fn new(pages: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address().unwrap();
        let mut config = server::config()
            .set("admin.socket", folder.path().join("run/admin.sock").to_str().unwrap())
            .set("admin.listen", address.to_string())
            .set(&format!("admin.groups.{}", GROUP.0), "helpdesk");
        if let Some(url) = pages {
            config = config.set("web.url", url);
        }
        let server = server::start(&config, USERS);
        Self { folder, address, server }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/admin.sock")
    }

    /// Runs a command that knows the socket alone, in a folder without a configuration or a key file.
    fn command(&self, line: &str, input: &str) -> Output {
        let mut child = Command::new(server::binary())
            .args(line.split(' '))
            .args(["--socket", self.socket().to_str().unwrap()])
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn succeed(&self, line: &str, input: &str) -> String {
        let output = self.command(line, input);
        assert!(output.status.success(), "{line}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn fail(&self, line: &str, input: &str) -> String {
        let output = self.command(line, input);
        assert!(!output.status.success(), "{line}");
        text(&output.stderr)
    }

    /// Asks at the socket as a member of the help desk's group.
    fn desk(&self, operation: &str, arguments: &Value) -> Value {
        for path in [self.folder.path(), self.socket().parent().unwrap()] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let output = Command::new("setpriv")
            .args(["--reuid=65533", &format!("--regid={}", GROUP.1), "--clear-groups", "curl", "--silent"])
            .args(["--header", "content-type: application/json", "--data", &arguments.to_string()])
            .arg("--unix-socket")
            .arg(self.socket())
            .arg(format!("http://localhost/admin/v1/{operation}"))
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stdout)))
    }

    fn log_in(&self, body: &Value) -> u16 {
        self.server.send(&Request::new("POST", "/api/v1/login").json(body)).unwrap().status
    }

    fn shown(&self, name: &str) -> Value {
        serde_json::from_str(&self.succeed(&format!("user show {name}"), "")).unwrap()
    }

    fn acts(&self, name: &str) -> Vec<(String, String)> {
        let audit = self.succeed(&format!("audit --user {name} --all"), "");
        let rows = audit.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
        rows.map(|row| (word(&row, "act"), word(&row, "by"))).collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn iago() -> Value {
    json!({"user": {"name": "iago"}})
}

#[test]
fn a_removal_by_the_help_desk_s_group_is_held_and_one_by_root_is_not() {
    let world = World::new(None);
    let held = world.desk("device.remove", &iago());
    let until = held["held_until"].as_str().unwrap().to_owned();
    assert_eq!(held["changed"], true);
    assert_eq!(world.desk("device.remove", &iago()), json!({"changed": false, "held_until": until}));
    assert_eq!(world.shown("iago")["second_factor_until"], until.as_str());
    let told = world.succeed("user totp keep iago", "");
    assert_eq!(told, "kept\n");
    assert_eq!(world.succeed("user totp keep iago", ""), "no removal was held\n");
    assert_eq!(world.shown("iago")["second_factor_until"], Value::Null);
    assert_eq!(world.desk("device.remove", &json!({"user": {"name": "king"}}))["code"], "role-above");

    world.desk("device.remove", &iago());
    assert_eq!(world.desk("device.keep", &iago()), json!({"changed": true}));
    world.desk("device.remove", &iago());
    assert_eq!(world.succeed("user totp disable iago", ""), "disabled\n");
    assert_eq!(world.shown("iago")["second_factor"], false);
    let acts: Vec<String> = world.acts("iago").into_iter().map(|(act, _)| act).collect();
    let (held, stopped) = ("device-removal-held", "device-removal-stopped");
    assert_eq!(acts, [held, stopped, held, stopped, held, "device-removed"]);
}

#[test]
fn a_removal_by_a_key_is_stopped_by_a_login_with_the_factor_or_carried_out_after_a_day() {
    let mut world = World::new(None);
    let key = world.succeed("key add desk --scope helpdesk --realm main", "").trim_end().to_owned();
    let remove = |world: &World| {
        let request = Request::new("POST", "/admin/v1/device.remove").json(&iago());
        let request = request.header("authorization", &format!("Bearer {key}"));
        send(world.address, &request).unwrap().json().unwrap()
    };
    assert_eq!(remove(&world)["changed"], true);
    let with_code = |code: &str| json!({"user": "iago", "password": PASSWORD, "code": code});
    assert_eq!(world.log_in(&json!({"user": "iago", "password": PASSWORD})), 401);
    assert!(world.shown("iago")["second_factor_until"].is_string(), "a password alone stops nothing");
    assert_eq!(world.log_in(&with_code("aBcD2345")), 200);
    assert_eq!(world.shown("iago")["second_factor_until"], Value::Null);

    assert_eq!(remove(&world)["changed"], true);
    for (clock, has_factor) in [("+23h", true), ("+25h", false)] {
        world.server.stop().unwrap();
        world.server.shift_clock(clock);
        world.server.serve().unwrap();
        // The maintenance runs at the start, beside the first requests.
        let is_so = || world.shown("iago")["second_factor"] == has_factor;
        assert!(has_factor || (0..2000).any(|_| is_so()), "{clock}");
        assert!(is_so(), "{clock}");
    }
    let acts = world.acts("iago");
    let last = acts.last().unwrap();
    assert_eq!(*last, ("device-removed".to_owned(), "desk".to_owned()), "it names who asked");
}

#[test]
fn users_are_added_and_invited_and_get_links_at_the_socket_alone() {
    const SITE: &str = "https://auth.example.org";
    let world = World::new(Some(SITE));
    let add = "user add --name ada --email ada@example.org --role moderator --full-name Ada";
    assert_eq!(world.succeed(add, "tractor-violin-1234\n"), "added\n");
    assert_eq!(world.log_in(&json!({"user": "ada", "password": "tractor-violin-1234"})), 200);
    let shown = world.shown("ada");
    assert_eq!((&shown["role"], &shown["full_name"]), (&json!("moderator"), &json!("Ada")));
    assert_eq!(
        world.fail("user add --name ada --no-password", ""),
        "auth-server: the user was not added: another user of the realm has that name\n"
    );
    assert_eq!(
        world.fail("user add --name bob", "short\n"),
        "auth-server: the user was not added: the password is too weak: the password has fewer than 8 characters\n"
    );
    assert!(world.fail("user add --name bob --realm other --no-password", "").contains("--create-realm"));
    world.succeed("user add --name hook --bot incoming-webhook --no-password", "");
    assert_eq!(world.shown("hook")["bot"], true);

    let link = |name: &str| std::fs::read_to_string(world.folder.path().join(name)).unwrap();
    let invite = "user invite --name eve --email eve@example.org --day --output invitation";
    assert_eq!(world.succeed(invite, ""), "added\n");
    assert!(link("invitation").starts_with(&format!("{SITE}/reset-password/")));
    world.succeed("user reset-link iago --output link", "");
    assert_eq!(link("link").trim_end().len(), SITE.len() + "/reset-password/".len() + 43);
    assert!(world.fail("user reset-link iago", "").contains("name a file with --output"));

    // A help desk mails links, and is shown none.
    let refused = world.desk("user.reset-link", &iago());
    assert_eq!(refused["code"], "not-permitted");
    assert_eq!(world.desk("user.mail-reset-link", &iago()), json!({}));
    let token = link("link").trim_end().rsplit('/').next().unwrap().to_owned();
    let log = server::stop(world.server);
    assert!(!log.contains("tractor-violin") && !log.contains(&token), "{log}");
}

#[test]
fn nobody_is_added_by_an_invitation_whose_link_leads_nowhere() {
    let world = World::new(None);
    assert_eq!(
        world.fail("user invite --name eve --email eve@example.org --output invitation", ""),
        "auth-server: links lead to the pages, which are off: set [web] url\n"
    );
    assert!(world.fail("user show eve", "").contains("there is no such user"));
}
