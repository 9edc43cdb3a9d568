//! Services, requests and answers for the tests.

use std::sync::Arc;

use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    Account, Answer, CheckReply, CredentialCheck, CredentialId, CredentialKind, PresentedCredential,
    Principal, Profile, Protocol, Realm, SecretReply, Timestamp, TokenError, User,
};
use auth_proto_forward::{Config, CookieConfig, Dialect, ForwardProtocol};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};

/// A proxy that is trusted.
pub(crate) const PROXY: &str = "10.0.0.1";

/// A client somewhere.
pub(crate) const CLIENT: &str = "192.0.2.7";

pub(crate) fn realm() -> Realm {
    RealmBuilder::new("main").build()
}

pub(crate) fn ada() -> User {
    User {
        full_name: "Ada Lovelace".to_owned(),
        ..UserBuilder::new("ada").realm(realm().id).email("ada@example.org").build()
    }
}

pub(crate) fn profile(user: User) -> Profile {
    Profile::new(Account { user: Arc::new(user), password: None, totp: false }, Arc::new(realm()))
}

pub(crate) fn principal(user: User, kind: CredentialKind) -> Principal {
    Principal {
        profile: profile(user),
        credential: Some(CredentialId::from_bytes([7; 16])),
        kind: Some(kind),
        parent: None,
        issued: Timestamp::from_secs(1_700_000_000),
        expires: None,
        bypass_second_factor: false,
    }
}

/// Services to which each token `good` is Ada's, and so is each secret `good`.
pub(crate) fn services() -> FakeServices {
    services_for(ada())
}

/// Services to which each token `good` is a user's, and so is each secret `good`.
pub(crate) fn services_for(user: User) -> FakeServices {
    let of_secret = user.clone();
    FakeServices::new()
        .realm(realm())
        .on_check(move |check| CheckReply { result: judged(check, &user), rate_limit: None })
        .on_secret(move |check| match check.secret.expose() {
            "good" => SecretReply { result: Ok(profile(of_secret.clone())), not_before: None },
            _ => SecretReply {
                result: Err(auth_core::LoginError::Credentials(auth_core::FailureReason::WrongPassword)),
                not_before: Some(Timestamp::from_secs(5)),
            },
        })
}

fn judged(check: &CredentialCheck, user: &User) -> Result<Box<Principal>, TokenError> {
    let (token, kind) = match &check.credential {
        PresentedCredential::Token { kinds, token, .. } => (token, kinds[0]),
        PresentedCredential::SignedToken { token, .. } => (token, CredentialKind::ZETTELSTORE_TOKEN),
        other => panic!("{other:?}"),
    };
    match token.expose() {
        "good" => Ok(Box::new(principal(user.clone(), kind))),
        "elsewhere" => Err(TokenError::OtherRealm),
        _ => Err(TokenError::Invalid),
    }
}

pub(crate) fn config(dialect: Dialect) -> Config {
    Config {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        hosts: vec!["wiki.example.org".to_owned(), "git.example.org".to_owned()],
        ..Config::new("main", dialect)
    }
}

/// The configuration with a cookie for browsers.
pub(crate) fn with_cookie(dialect: Dialect) -> Config {
    let cookie =
        CookieConfig { domain: "example.org".to_owned(), pages: "https://auth.example.org".to_owned() };
    Config { cookie: Some(cookie), ..config(dialect) }
}

pub(crate) fn protocol(config: Config, services: FakeServices) -> (ForwardProtocol, Arc<FakeServices>) {
    let services = Arc::new(services);
    (ForwardProtocol::new(config, Arc::clone(&services) as _), services)
}

/// What a proxy of a dialect sends about a request.
pub(crate) fn question(
    dialect: Dialect,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> Request<Bytes> {
    let (host, target) = url.split_at(url.find('/').unwrap());
    let full = format!("https://{url}");
    let (path, method, mut all) = match dialect {
        Dialect::Nginx => (
            "/forward/auth".to_owned(),
            "GET",
            vec![("x-original-url", full.as_str()), ("x-original-method", method)],
        ),
        Dialect::XForwarded => (
            "/forward/auth?a=b".to_owned(),
            "GET",
            vec![
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", host),
                ("x-forwarded-uri", target),
                ("x-forwarded-method", method),
            ],
        ),
        Dialect::Envoy => (format!("/forward/auth{target}"), method, vec![("host", host)]),
    };
    all.extend(headers);
    request(method, &path, &all)
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request
}

/// Asks from a trusted proxy, for a client behind it.
pub(crate) async fn ask(protocol: &ForwardProtocol, request: Request<Bytes>) -> Answer {
    let peer = auth_core::Peer::new(CLIENT.parse().unwrap()).through(PROXY.parse().unwrap());
    protocol.handle(request, &peer).await
}

pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.response.headers().get(name).map(|value| value.to_str().unwrap())
}

pub(crate) fn status(answer: &Answer) -> u16 {
    answer.response.status().as_u16()
}
