//! The services behind the protocol, and requests to it.

use std::sync::Arc;

use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    Answer, CheckReply, CredentialCheck, Grant, Login, LoginError, LoginReply, Peer, PresentedCredential,
    Principal, Profile, Protocol, Realm, Timestamp, Token, TokenError,
};
use bytes::Bytes;
use gitlab_session::{Config, GITLAB, GITLAB_TOKEN, GitLabProtocol};
use http::Request;

/// The moment before which no login may be answered.
pub(crate) const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_700_000_000_500);

/// The one good token.
pub(crate) const GOOD_TOKEN: &str = "good-token";

/// The content type of forms.
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The user of the fixtures as the protocol shows it, without the brace at its end.
pub(crate) const USER: &str =
    r#"{"id":7,"username":"iago","name":"Iago","email":"iago@zulip.com","state":"active""#;

/// The realm of the fixtures.
pub(crate) fn realm() -> Realm {
    RealmBuilder::new("main").build()
}

/// Services that refuse every login, and every token but [`GOOD_TOKEN`].
pub(crate) fn services() -> FakeServices {
    FakeServices::new().realm(realm()).on_log_in(|_| refused(LoginError::Forbidden)).on_check(|check| {
        if token_of(check) == GOOD_TOKEN {
            CheckReply { result: Ok(Box::new(principal())), rate_limit: None }
        } else {
            CheckReply::refused(TokenError::Invalid)
        }
    })
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

fn profile() -> Profile {
    let realm = realm();
    let user = UserBuilder::new("iago").realm(realm.id).full_name("Iago").email("iago@zulip.com");
    let user = user.external_id(GITLAB, 7).build();
    Profile { user: Arc::new(user), realm: Arc::new(realm), has_password: true, totp: false }
}

fn principal() -> Principal {
    Principal {
        profile: profile(),
        credential: None,
        kind: Some(GITLAB_TOKEN),
        parent: None,
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    }
}

/// The token of a check; all else must be as every check of this protocol has it.
pub(crate) fn token_of(check: &CredentialCheck) -> String {
    let realm_id = check.realm.as_ref().map(|realm| realm.id);
    assert_eq!((check.protocol, realm_id, &check.peer), (GITLAB, Some(realm().id), &peer()));
    match &check.credential {
        PresentedCredential::Token { kinds: [GITLAB_TOKEN], owner: None, token } => token.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A token as a login gives it.
pub(crate) fn grant(token: &str) -> Grant {
    Grant::Token { token: Token::new(token), expires: None }
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

/// A login as clients send it.
pub(crate) fn login() -> Request<Bytes> {
    request("POST", "/api/v4/session", &[FORM], "login=iago&password=pw")
}

/// Asks a protocol in front of those services.
pub(crate) async fn ask(services: &Arc<FakeServices>, request: Request<Bytes>) -> Answer {
    GitLabProtocol::new(Config::new("main"), services.clone()).handle(request, &peer()).await
}

/// The value of a header; `""` where it is missing.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The body as text.
pub(crate) fn body(answer: &Answer) -> &str {
    std::str::from_utf8(answer.response.body()).unwrap()
}

/// Compares the status and the body, which must be JSON.
pub(crate) fn check(answer: &Answer, status: u16, json: &str, what: &str) {
    assert_eq!((answer.response.status().as_u16(), body(answer)), (status, json), "{what}");
    assert_eq!(header(answer, "content-type"), "application/json", "{what}");
    assert_eq!(header(answer, "content-length"), json.len().to_string(), "{what}");
}
