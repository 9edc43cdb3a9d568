//! Every exact point at every protocol: a point changes the answers of its own protocol alone, and what it says it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use auth_core::{ImportMode, Peer, Timestamp, merge_slashes};
use auth_crypto::jwt::{self, Algorithm, Key};
use auth_crypto::totp;
use auth_transfer::{import, unwatched};
use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderValue, Method, Request};

use super::*;

const PASSWORD: &str = "correct-horse-battery-9876";
const TOTP_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const JWT_KEY: &str = "a shared secret of 32 bytes.....";

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":"","backends":["corp","local"]}
{"kind":"user","realm":"main","username":"cordelia","email":"cordelia@zulip.com","active":false,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"device","email":"device@zulip.com","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"key","email":"key@zulip.com","zulip_api_key":"0123456789abcdefghijklmnopqrstuv","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"token","email":"token@zulip.com","rocketchat_id":"tokenownertokenow","rocketchat_tokens":[{"digest":"KK0yx+hbS5Sa1RWOCuKmbcRDOaxNDhIFcdw/pi1RsEU="}],"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@zulip.com","directory_name":"id-1","password":"correct-horse-battery-9876"}
"#;

const ZULIP_KEY: &str = "0123456789abcdefghijklmnopqrstuv";
const ROCKETCHAT_TOKEN: &str = "a-token-of-the-owner-at-rocket-chat-0000000";
const NEW_PASSWORD: &str = "another-horse-battery-1234";

/// Everything that a point could change is set so that it can: limits of one attempt, a key of assertions, and a directory
/// that can't be reached.
const CONFIG: &str = r#"
passwords = { memory_kib = 64, failure_grid = "off" }
ldap.corp = { servers = ["ldap://127.0.0.1:1"], base = "dc=example" }
limits.shared = "off"
zulip = { realm = "main", external_host = "localhost", url_scheme = "http", web = true, remote_user = { header = "X-Remote-User", proxies = ["127.0.0.1"] }, login_limit = { attempts = 1, window = "1h" }, jwt.main = { key = "a shared secret of 32 bytes.....", algorithms = ["HS256"] } }
rocketchat = { api_limit = "off", block_by_user = { attempts = 1, window = "1h" }, block_by_address = "off" }
zettelstore = { login_delay = "0s" }
mail = { smtp = "smtp://127.0.0.1:1", from = "auth@example.org" }
"#;

/// What a client does that some point is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Tries a wrong password of a deactivated account.
    WrongPasswordOfDeactivated,
    /// Tries a wrong password, and then the right one under another name or spelling.
    AnotherSpelling,
    /// Sends an assertion whose e-mail address is a number.
    AssertionOfWrongType,
    /// Sends an assertion without an end.
    AssertionWithoutEnd,
    /// Sends a body of the wrong types.
    IllTypedBody,
    /// Uses a TOTP code twice.
    CodeTwice,
    /// Asks for a path that isn't there.
    UnknownPath,
    /// Sends the stored password of an account that belongs to a directory.
    StoredPasswordOfDirectory,
    /// Asks for what the server is, with two slashes before the path.
    DoubledSlashes,
    /// Changes the own password.
    ChangePassword,
    /// Posts an assertion to a page, as another site has a browser do it.
    AssertionFromElsewhere,
    /// Posts an assertion of an account with a second factor to a page.
    AssertionOfDevice,
    /// Opens a front's address as an app has a browser do it.
    FrontForApp,
    /// Asks for a link for a new password three times, once in another spelling.
    ResetBySpellings,
}

const ACTS: [Act; 14] = [
    Act::WrongPasswordOfDeactivated,
    Act::AnotherSpelling,
    Act::AssertionOfWrongType,
    Act::AssertionWithoutEnd,
    Act::IllTypedBody,
    Act::CodeTwice,
    Act::UnknownPath,
    Act::StoredPasswordOfDirectory,
    Act::DoubledSlashes,
    Act::ChangePassword,
    Act::AssertionFromElsewhere,
    Act::AssertionOfDevice,
    Act::FrontForApp,
    Act::ResetBySpellings,
];

/// The points, and the one act whose answers each of them changes at its protocol.
const POINTS: [(ProtocolName, &str, Act); 18] = [
    (ProtocolName::ZULIP, "state-before-password", Act::WrongPasswordOfDeactivated),
    (ProtocolName::ZULIP, "limit-by-typed-name", Act::AnotherSpelling),
    (ProtocolName::ZULIP, "assertion-type-error", Act::AssertionOfWrongType),
    (ProtocolName::ZULIP, "assertion-without-end", Act::AssertionWithoutEnd),
    (ProtocolName::ZULIP, "assertion-from-other-sites", Act::AssertionFromElsewhere),
    (ProtocolName::ZULIP, "external-login-without-factor", Act::AssertionOfDevice),
    (ProtocolName::ZULIP, "mobile-flow-without-asking", Act::FrontForApp),
    (ProtocolName::ZULIP, "reset-limit-by-typed-address", Act::ResetBySpellings),
    (ProtocolName::ZULIP, "limit-without-retry-after", Act::ResetBySpellings),
    (ProtocolName::ZULIP, "slashes", Act::DoubledSlashes),
    (ProtocolName::ZULIP, "no-change-notices", Act::ChangePassword),
    (ProtocolName::ROCKETCHAT, "ill-typed-body", Act::IllTypedBody),
    (ProtocolName::ROCKETCHAT, "code-replay", Act::CodeTwice),
    (ProtocolName::ROCKETCHAT, "block-by-typed-name", Act::AnotherSpelling),
    (ProtocolName::ROCKETCHAT, "unknown-path-text", Act::UnknownPath),
    (ProtocolName::ROCKETCHAT, "local-password-forbidden", Act::StoredPasswordOfDirectory),
    (ProtocolName::ROCKETCHAT, "slashes", Act::DoubledSlashes),
    (ProtocolName::ROCKETCHAT, "no-change-notices", Act::ChangePassword),
];

/// A request of a form type or of JSON.
fn post(path: &str, body: String) -> Request<Bytes> {
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let request = Request::post(path).header("Host", "localhost").header("Content-Type", kind);
    request.body(Bytes::from(body)).unwrap()
}

/// The path at which a protocol's clients log in.
fn login_path(protocol: ProtocolName) -> &'static str {
    match protocol {
        ProtocolName::ZULIP => "/api/v1/fetch_api_key",
        ProtocolName::ROCKETCHAT => "/api/v1/login",
        _ => "/a",
    }
}

/// A login by password, with more parameters after it.
fn log_in(protocol: ProtocolName, name: &str, password: &str, more: &str) -> Request<Bytes> {
    let (key, domain) = match protocol {
        ProtocolName::ZULIP => ("username", "%40zulip.com"),
        ProtocolName::ROCKETCHAT => ("user", ""),
        _ => ("username", ""),
    };
    post(login_path(protocol), format!("{key}={name}{domain}&password={password}{more}"))
}

/// A login by a token that another system has signed, where the protocol knows it; elsewhere by the same token as its own.
fn assertion(protocol: ProtocolName, claims: &str) -> Request<Bytes> {
    let token = jwt::sign(&Key::new(Algorithm::Hs256, JWT_KEY.as_bytes()), claims);
    match protocol {
        ProtocolName::ZULIP => post("/api/v1/jwt/fetch_api_key", format!("token={}", token.expose())),
        ProtocolName::ROCKETCHAT => post("/api/v1/login", format!("resume={}", token.expose())),
        _ => {
            let bearer = format!("Bearer {}", token.expose());
            Request::put("/a").header("Authorization", bearer).body(Bytes::new()).unwrap()
        }
    }
}

/// A change of the own password, where the protocol has one.
fn change_password(protocol: ProtocolName) -> Option<Request<Bytes>> {
    let (mut request, headers) = match protocol {
        ProtocolName::ZULIP => {
            let body = format!("old_password={PASSWORD}&new_password={NEW_PASSWORD}");
            let mut request = post("/api/v1/settings", body);
            *request.method_mut() = Method::PATCH;
            let basic = BASE64.encode(format!("key@zulip.com:{ZULIP_KEY}").as_bytes());
            (request, vec![("authorization", format!("Basic {basic}"))])
        }
        ProtocolName::ROCKETCHAT => {
            let body = format!(
                "{{\"data\":{{\"newPassword\":\"{NEW_PASSWORD}\",\"currentPassword\":\"{PASSWORD}\"}}}}"
            );
            let headers = vec![
                ("x-auth-token", ROCKETCHAT_TOKEN.to_owned()),
                ("x-user-id", "tokenownertokenow".to_owned()),
            ];
            (post("/api/v1/users.updateOwnBasicInfo", body), headers)
        }
        _ => return None,
    };
    for (name, value) in headers {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    Some(request)
}

/// What browsers send to Zulip's pages in an act.
fn to_page(act: Act) -> Vec<Request<Bytes>> {
    let assertion = |who: &str, site: &'static str| {
        let claims = format!("{{\"email\":\"{who}\",\"exp\":32503680000}}");
        let token = jwt::sign(&Key::new(Algorithm::Hs256, JWT_KEY.as_bytes()), &claims);
        let mut request = post("/accounts/login/jwt/", format!("token={}", token.expose()));
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static(site));
        request
    };
    let reset = |address: &str| {
        let secret = "a".repeat(32);
        let body = format!("email={address}&csrfmiddlewaretoken={secret}");
        let mut request = post("/accounts/password/reset/", body);
        request.headers_mut().insert("cookie", format!("csrftoken={secret}").parse().unwrap());
        request
    };
    match act {
        Act::AssertionFromElsewhere => vec![assertion("iago@zulip.com", "cross-site")],
        Act::AssertionOfDevice => vec![assertion("device@zulip.com", "same-site")],
        Act::FrontForApp => {
            let path = format!("/accounts/login/sso/?mobile_flow_otp={}", "1234abcd".repeat(8));
            let request = Request::get(path).header("Host", "localhost");
            vec![request.header("X-Remote-User", "iago@zulip.com").body(Bytes::new()).unwrap()]
        }
        _ => ["iago%40zulip.com", "iago%40zulip.com", "IAGO%40zulip.com"].map(reset).to_vec(),
    }
}

/// The requests of an act at a protocol.
fn requests(act: Act, protocol: ProtocolName, now: Timestamp) -> Vec<Request<Bytes>> {
    match act {
        Act::WrongPasswordOfDeactivated => vec![log_in(protocol, "cordelia", "wrong", "")],
        Act::AnotherSpelling => {
            let wrong = log_in(protocol, "iago", "wrong", "");
            let right = match protocol {
                ProtocolName::ROCKETCHAT => {
                    post("/api/v1/login", format!("user=iago%40zulip.com&password={PASSWORD}"))
                }
                _ => log_in(protocol, "IAGO", PASSWORD, ""),
            };
            vec![wrong, right]
        }
        Act::AssertionOfWrongType => vec![assertion(protocol, r#"{"email":1,"exp":32503680000}"#)],
        Act::AssertionWithoutEnd => vec![assertion(protocol, r#"{"email":"nobody@zulip.com"}"#)],
        Act::IllTypedBody => {
            vec![post(login_path(protocol), r#"{"user":[],"password":{"a":1},"more":2}"#.into())]
        }
        Act::CodeTwice => {
            let secret = totp::from_base32(TOTP_SECRET).unwrap();
            let code = totp::code(&secret, totp::step_at(now));
            let more = match protocol {
                ProtocolName::ROCKETCHAT => format!("&code={}", code.expose()),
                _ => String::new(),
            };
            vec![log_in(protocol, "device", PASSWORD, &more), log_in(protocol, "device", PASSWORD, &more)]
        }
        Act::UnknownPath => vec![post("/api/v1/no.such.path", String::new())],
        Act::StoredPasswordOfDirectory => vec![log_in(protocol, "hamlet", PASSWORD, "")],
        Act::DoubledSlashes => {
            let path = match protocol {
                ProtocolName::ZULIP => "//api/v1/server_settings",
                ProtocolName::ROCKETCHAT => "//api/info",
                _ => "//x",
            };
            vec![Request::get(path).header("Host", "localhost").body(Bytes::new()).unwrap()]
        }
        Act::ChangePassword => change_password(protocol).into_iter().collect(),
        _ if protocol == ProtocolName::ZULIP => to_page(act),
        _ => Vec::new(),
    }
}

/// The answers of every protocol to every act, with one point switched on, and how many mails follow. Of a success, the
/// status alone.
async fn answers(exact: Option<(ProtocolName, &str)>) -> BTreeMap<(ProtocolName, Act), Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut table: toml::Table = toml::from_str(CONFIG).unwrap();
    if let Some((protocol, point)) = exact {
        let section = table.get_mut(protocol.as_str()).unwrap().as_table_mut().unwrap();
        section.insert("exact".to_owned(), toml::Value::Array(vec![point.into()]));
    }
    let mut config: Config = table.try_into().unwrap();
    config.store.url = format!("sqlite:{}", folder.path().join("auth.db").display());
    config.keys.file = folder.path().join("keys.toml").into();
    let mut assembled = Assembled::create(&config).await.unwrap();
    import(assembled.engine(), USERS.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
    assembled.open_protocols(&config).await.unwrap();

    let peer = Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut answers = BTreeMap::new();
    for protocol in assembled.protocols(|_| true) {
        for act in ACTS {
            let mut told = Vec::new();
            for mut request in requests(act, protocol.name(), assembled.clock().now()) {
                // As the router does.
                if protocol.merges_slashes() {
                    merge_slashes(&mut request);
                }
                let response = protocol.handle(request, &peer).await.response;
                let body = String::from_utf8_lossy(response.body());
                // Without digits: the time to wait runs.
                let shown =
                    if response.status().is_success() { "" } else { &body.replace(char::is_numeric, "") };
                let to = response.headers().get("location").and_then(|to| to.to_str().ok());
                let to = to.and_then(|to| to.split('?').next()).unwrap_or_default();
                let waits = if response.headers().contains_key("retry-after") { " waits" } else { "" };
                told.push(format!("{} {to}{shown}{waits}", response.status()));
            }
            let mails = assembled.engine().mail().due(100).await.unwrap();
            for mail in &mails {
                assembled.engine().mail().sent(mail).await.unwrap();
            }
            told.push(format!("{} mails", mails.len()));
            answers.insert((protocol.name(), act), told);
        }
    }
    answers
}

#[tokio::test]
async fn an_exact_point_changes_answers_of_its_own_protocol_alone() {
    let safe = answers(None).await;
    assert_eq!(safe.len(), 3 * ACTS.len());
    for protocol in [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT] {
        assert_eq!(safe[&(protocol, Act::ChangePassword)], ["200 OK ", "1 mails"]);
    }
    for (owner, point, act) in POINTS {
        let exact = answers(Some((owner, point))).await;
        let changed: BTreeSet<_> = safe.keys().filter(|key| safe[key] != exact[key]).collect();
        assert_eq!(changed, BTreeSet::from([&(owner, act)]), "{owner} {point}: {:?}", exact[&(owner, act)]);
    }
}

#[test]
fn every_exact_point_is_in_the_table() {
    let points =
        |protocol| POINTS.iter().filter(move |(owner, ..)| *owner == protocol).map(|(_, point, _)| *point);
    let zulip: Vec<_> =
        auth_proto_zulip::EXACT_POINTS.iter().map(|point| point.as_str().to_owned()).collect();
    let rocketchat: Vec<_> =
        auth_proto_rocketchat::EXACT_POINTS.iter().map(|point| point.as_str().to_owned()).collect();
    assert_eq!(points(ProtocolName::ZULIP).collect::<Vec<_>>(), zulip);
    assert_eq!(points(ProtocolName::ROCKETCHAT).collect::<Vec<_>>(), rocketchat);
}
