//! The services behind the protocol, and requests to it.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    Answer, CheckReply, CredentialCheck, Grant, Login, LoginAttempt, LoginError, LoginMethod, LoginReply,
    Peer, PresentedCredential, Principal, Profile, Protocol, ProtocolName, Realm, SecondStep, SecretInput,
    Timestamp, Token, TokenError, TokenPlace,
};
use auth_proto_zettelstore::{Config, ZettelstoreProtocol};
use bytes::Bytes;
use http::Request;

/// The moment before which no login may be answered.
pub(crate) const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_700_000_000_500);

/// The one good token.
pub(crate) const GOOD_TOKEN: &str = "good.token";

/// The content type of forms.
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Zettelstore's defaults.
pub(crate) fn config() -> Config {
    Config::new("notes")
}

/// The realm of the fixtures.
pub(crate) fn realm() -> Realm {
    RealmBuilder::new("notes").build()
}

/// Services that refuse every login and every token but [`GOOD_TOKEN`].
pub(crate) fn services() -> FakeServices {
    FakeServices::new()
        .realm(realm())
        .on_log_in(|_| refused(LoginError::Forbidden))
        .on_check(|check| checked(token_of(check) == GOOD_TOKEN))
        .on_renew(|check, _| match token_of(check) {
            token if token == GOOD_TOKEN => Ok(grant(GOOD_TOKEN, 599)),
            _ => Err(TokenError::Invalid),
        })
}

/// A token that lives for some seconds.
pub(crate) fn grant(token: &str, seconds: u64) -> Grant {
    Grant::SignedToken { token: Token::new(token), lifetime: Duration::from_secs(seconds) }
}

/// The reply to a login that succeeded.
pub(crate) fn granted(grant: Grant) -> LoginReply {
    reply(Ok(Box::new(Login { profile: profile(), grant })))
}

/// The reply to a login that was refused.
pub(crate) fn refused(error: LoginError) -> LoginReply {
    reply(Err(error))
}

fn reply(result: Result<Box<Login>, LoginError>) -> LoginReply {
    LoginReply { result, rate_limit: None, not_before: Some(NOT_BEFORE) }
}

/// The reply to the check of a token.
pub(crate) fn checked(is_good: bool) -> CheckReply {
    if is_good {
        CheckReply { result: Ok(Box::new(principal())), rate_limit: None }
    } else {
        CheckReply::refused(TokenError::Invalid)
    }
}

fn profile() -> Profile {
    let realm = realm();
    let user = UserBuilder::new("writer").realm(realm.id).build();
    Profile { user: Arc::new(user), realm: Arc::new(realm), has_password: true, totp: false }
}

fn principal() -> Principal {
    Principal {
        profile: profile(),
        credential: None,
        kind: None,
        parent: None,
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    }
}

/// The name and the password of an attempt; all else of it must be as every attempt of this protocol has it.
pub(crate) fn password_of(attempt: &LoginAttempt) -> (String, String) {
    assert_eq!(
        (attempt.protocol, attempt.realm.id, &attempt.peer),
        (ProtocolName::ZETTELSTORE, realm().id, &peer())
    );
    assert!(matches!(attempt.second_step, SecondStep::NotOffered));
    let LoginMethod::Password { who, secret: SecretInput::Password(password) } = &attempt.method else {
        panic!("{attempt:?}")
    };
    (who.typed().into_owned(), password.expose().to_owned())
}

/// The token of a check, after `cookie ` where it was in a cookie; all else must be as every check has it.
pub(crate) fn token_of(check: &CredentialCheck) -> String {
    let realm_id = check.realm.as_ref().map(|realm| realm.id);
    assert_eq!(
        (check.protocol, realm_id, &check.peer),
        (ProtocolName::ZETTELSTORE, Some(realm().id), &peer())
    );
    match &check.credential {
        PresentedCredential::SignedToken { token, place: TokenPlace::Header } => token.expose().to_owned(),
        PresentedCredential::SignedToken { token, place: TokenPlace::Cookie } => {
            format!("cookie {}", token.expose())
        }
        other => panic!("{other:?}"),
    }
}

/// The tokens of all checks and renewals so far.
pub(crate) fn tokens(services: &FakeServices) -> Vec<String> {
    services.checks().iter().map(token_of).collect()
}

/// Whether the services were asked about no login and no token.
pub(crate) fn is_unasked(services: &FakeServices) -> bool {
    services.attempts().is_empty() && services.checks().is_empty()
}

/// The address that all requests come from.
pub(crate) fn peer() -> Peer {
    Peer::new([192, 0, 2, 7].into())
}

/// A request as a client sends it.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(target).header("Host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

/// Asks a protocol of this configuration, in front of those services.
pub(crate) async fn ask(config: Config, services: &Arc<FakeServices>, request: Request<Bytes>) -> Answer {
    ZettelstoreProtocol::new(config, services.clone()).handle(request, &peer()).await
}

/// The value of a header; `""` where it is missing.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The body as text.
pub(crate) fn body(answer: &Answer) -> &str {
    std::str::from_utf8(answer.response.body()).unwrap()
}

/// Compares status, content type and body, and checks the length.
pub(crate) fn check(answer: &Answer, status: u16, content_type: &str, text: &str, what: &str) {
    assert_eq!(answer.response.status().as_u16(), status, "{what}");
    assert_eq!(header(answer, "content-type"), content_type, "{what}");
    assert_eq!(body(answer), text, "{what}");
    let length = if status == 204 { String::new() } else { text.len().to_string() };
    assert_eq!(header(answer, "content-length"), length, "{what}");
}
