//! The groups of requests that are compared: their responses are the same, and so must be the time that these take.

use serde_json::json;

use crate::config::ServerConfig;

/// Classes of requests to a server of their own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Group {
    /// The name of the group.
    pub name: &'static str,
    /// The server's configuration.
    pub config: ServerConfig,
    /// The server's users, as JSON lines.
    pub users: String,
    /// The classes by name, each with its request as it is sent.
    pub classes: Vec<(&'static str, Vec<u8>)>,
    /// The status of all responses.
    pub status: u16,
    /// Whether the classes must be alike. Otherwise they must differ, which shows what makes those of other groups
    /// alike.
    pub alike: bool,
}

/// The configuration of every group: without limits, and with hashes of half the usual cost. They are cheap enough for
/// thousands of logins, and costly enough that the lack of one is detected on a busy machine.
fn config() -> ServerConfig {
    ServerConfig::minimal()
        .without_limits()
        .realm("house")
        .set("passwords.memory_kib", 19_456)
        .set("passwords.iterations", 1)
        .set("zettelstore.enabled", false)
}

/// A realm whose records all have the hashes of [`config`], or none.
const CURRENT: &str = r#"{"kind":"realm","realm":"house"}
{"kind":"user","realm":"house","username":"active","email":"active@example.org","password":"correct horse battery"}
{"kind":"user","realm":"house","username":"nopass","email":"nopass@example.org"}
{"kind":"user","realm":"house","username":"asleep","email":"asleep@example.org","active":false,"password":"correct horse battery"}
{"kind":"user","realm":"house","username":"factor","email":"factor@example.org","password":"not the password","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
"#;

/// Two records that take several times as long as the hashes of [`with_older_records`]. The failure delay that they
/// make necessary is more than twice as long as the slower one needs, so that a busy machine keeps within it.
const OLDER: &str = r#"{"kind":"user","realm":"house","username":"argon2","email":"argon2@example.org","password_hash":"argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
{"kind":"user","realm":"house","username":"pbkdf2","email":"pbkdf2@example.org","password_hash":"pbkdf2_sha256$20000$saltsaltsalt$E4ke7HHVRzWNywOMgGXoDBJLzfaUOozXNOwfsALrqYE="}
"#;

/// All groups. User names have the same length, so that requests do.
#[must_use]
pub fn groups() -> Vec<Group> {
    let same_work = ["absent", "active", "nopass", "asleep"];
    let words = ["unknown user", "wrong password", "no password", "inactive account"];
    let mut zulip: Vec<_> = words.into_iter().zip(same_work.map(zulip_login)).collect();
    // This user's password is the one that is sent, and the response must not tell so.
    zulip.push(("right password, second factor", zulip_login("factor")));
    let mut with_older = zulip.clone();
    with_older.push(("older Argon2", zulip_login("argon2")));
    with_older.push(("PBKDF2", zulip_login("pbkdf2")));
    let mut rocketchat: Vec<_> =
        words.into_iter().zip(same_work.map(|name| rocketchat_login(name, false))).collect();
    rocketchat.push(("digest, unknown user", rocketchat_login("absent", true)));
    rocketchat.push(("digest", rocketchat_login("active", true)));
    let group = |name, users: String, classes| Group {
        name,
        config: config(),
        users,
        classes,
        status: 401,
        alike: true,
    };
    vec![
        group("Zulip, all records current", CURRENT.to_owned(), zulip),
        group("Rocket.Chat, all records current", CURRENT.to_owned(), rocketchat),
        with_older_records("auto", group("Zulip, older records among them", String::new(), with_older)),
        Group {
            alike: false,
            ..with_older_records(
                "off",
                group(
                    "Zulip, older records among them, without a failure delay",
                    String::new(),
                    vec![("unknown user", zulip_login("absent")), ("PBKDF2", zulip_login("pbkdf2"))],
                ),
            )
        },
    ]
}

/// Gives a group records of older schemes beside hashes of 4 MiB, and this failure delay.
fn with_older_records(failure_delay: &str, group: Group) -> Group {
    let config = config().set("passwords.memory_kib", 4096).set("passwords.failure_grid", failure_delay);
    Group { config, users: format!("{CURRENT}{OLDER}"), ..group }
}

fn zulip_login(name: &str) -> Vec<u8> {
    let form = format!("username={name}%40example.org&password=not+the+password");
    post("/api/v1/fetch_api_key", "application/x-www-form-urlencoded", &form)
}

fn rocketchat_login(name: &str, by_digest: bool) -> Vec<u8> {
    let digest = json!({"digest": "0".repeat(64), "algorithm": "sha-256"});
    // A text of the length of the digest, so that bodies have the same length.
    let text = "x".repeat(digest.to_string().len() - 2);
    let password = if by_digest { digest } else { text.into() };
    post("/api/v1/login", "application/json", &json!({"user": name, "password": password}).to_string())
}

fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_group_have_the_same_length() {
        for group in groups() {
            let lengths: Vec<usize> = group.classes.iter().map(|(_, request)| request.len()).collect();
            assert!(lengths.iter().all(|length| *length == lengths[0]), "{}: {lengths:?}", group.name);
        }
    }
}
