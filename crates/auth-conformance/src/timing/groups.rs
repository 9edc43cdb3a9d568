//! What is compared: groups of requests to one server whose answers are the same and whose time must be.

use serde_json::json;

/// Requests that must not differ in time, on a server of their own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// The server's configuration; `@PORT@` and `@DIR@` are filled in.
    pub config: String,
    /// Its users, JSON lines.
    pub users: String,
    /// The classes: name, and the request as it is sent.
    pub classes: Vec<(&'static str, Vec<u8>)>,
    /// The status that all of them are answered with.
    pub status: u16,
    /// Whether they must be alike; else they must differ, so that it is known what makes others alike.
    pub alike: bool,
}

/// No limits, and hashes of half the usual cost: cheap enough to be asked for thousands of times, and costly enough
/// that the lack of one is seen on a busy machine.
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
memory_kib = 19456
iterations = 1

[zulip]
realm = "house"
login_limit = "off"

[rocketchat]
realm = "house"
api_limit = "off"
block_by_user = "off"
block_by_address = "off"

[zettelstore]
enabled = false
"#;

const CURRENT: &str = r#"{"kind":"realm","realm":"house"}
{"kind":"user","realm":"house","username":"active","email":"active@example.org","password":"correct horse battery"}
{"kind":"user","realm":"house","username":"nopass","email":"nopass@example.org"}
{"kind":"user","realm":"house","username":"asleep","email":"asleep@example.org","active":false,"password":"correct horse battery"}
{"kind":"user","realm":"house","username":"factor","email":"factor@example.org","password":"not the password","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
"#;

/// Two records that take several times as long as the hashes of [`with_older_records`]. The grid that they make
/// necessary is more than twice as wide as the slower one needs, so that a busy machine has room too.
const OLDER: &str = r#"{"kind":"user","realm":"house","username":"argon2","email":"argon2@example.org","password_hash":"argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
{"kind":"user","realm":"house","username":"pbkdf2","email":"pbkdf2@example.org","password_hash":"pbkdf2_sha256$20000$saltsaltsalt$E4ke7HHVRzWNywOMgGXoDBJLzfaUOozXNOwfsALrqYE="}
"#;

/// All that is compared. The names are of one length, so that requests are.
#[must_use]
pub fn groups() -> Vec<Group> {
    let same_work = ["absent", "active", "nopass", "asleep"];
    let words = ["unknown user", "wrong password", "no password", "inactive account"];
    let mut zulip: Vec<_> = words.into_iter().zip(same_work.map(zulip_login)).collect();
    // Its password is the one that is sent: the refusal must not tell.
    zulip.push(("right password, second factor", zulip_login("factor")));
    let mut on_the_grid = zulip.clone();
    on_the_grid.push(("older Argon2", zulip_login("argon2")));
    on_the_grid.push(("PBKDF2", zulip_login("pbkdf2")));
    let mut rocketchat: Vec<_> =
        words.into_iter().zip(same_work.map(|name| rocketchat_login(name, false))).collect();
    rocketchat.push(("digest, unknown user", rocketchat_login("absent", true)));
    rocketchat.push(("digest", rocketchat_login("active", true)));
    let group = |name, users: String, classes| Group {
        name,
        config: CONFIG.to_owned(),
        users,
        classes,
        status: 401,
        alike: true,
    };
    vec![
        group("Zulip, all records current", CURRENT.to_owned(), zulip),
        group("Rocket.Chat, all records current", CURRENT.to_owned(), rocketchat),
        with_older_records("auto", group("Zulip, older records among them", String::new(), on_the_grid)),
        Group {
            alike: false,
            ..with_older_records(
                "off",
                group(
                    "Zulip, older records among them, without a grid",
                    String::new(),
                    vec![("unknown user", zulip_login("absent")), ("PBKDF2", zulip_login("pbkdf2"))],
                ),
            )
        },
    ]
}

/// The group with records of older schemes beside cheap hashes, and a failure grid.
fn with_older_records(failure_grid: &str, group: Group) -> Group {
    let passwords = format!("memory_kib = 4096\nfailure_grid = \"{failure_grid}\"");
    let config = CONFIG.replace("memory_kib = 19456", &passwords);
    Group { config, users: format!("{CURRENT}{OLDER}"), ..group }
}

fn zulip_login(name: &str) -> Vec<u8> {
    let form = format!("username={name}%40example.org&password=not+the+password");
    post("/api/v1/fetch_api_key", "application/x-www-form-urlencoded", &form)
}

fn rocketchat_login(name: &str, by_digest: bool) -> Vec<u8> {
    let digest = json!({"digest": "0".repeat(64), "algorithm": "sha-256"});
    // Of the same length, so that bodies are.
    let text = "x".repeat(digest.to_string().len() - 2);
    let password = if by_digest { digest } else { text.into() };
    post("/api/v1/login", "application/json", &json!({"user": name, "password": password}).to_string())
}

fn post(path: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_of_a_group_are_of_one_length() {
        for group in groups() {
            let lengths: Vec<usize> = group.classes.iter().map(|(_, request)| request.len()).collect();
            assert!(lengths.iter().all(|length| *length == lengths[0]), "{}: {lengths:?}", group.name);
        }
    }
}
