//! The services of these tests, and requests to a protocol before them.

use std::sync::Arc;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices};
use auth_core::{
    CredentialId, Enrolment, Grant, OneTimeCode, Peer, PersonalToken, Protocol, ProtocolName, Timestamp,
    Token,
};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::fixture;

/// Services that know the contract's fixture users and limit nothing.
pub(crate) fn services() -> FakeServices {
    FakeServices::new()
        .realm(fixture::realm())
        .on_log_in(fixture::log_in)
        .on_check(fixture::check)
        .on_admit(|protocol, _, _| {
            assert_eq!(protocol, ProtocolName::ROCKETCHAT);
            None
        })
        .on_action(|action| Ok(act(action)))
}

/// The moment that the services give where an answer must wait.
pub(crate) const LATER: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Does what is asked, for everybody.
fn act(action: &Action) -> ActionResult {
    let codes = |codes: &[&str]| ActionResult::Codes(codes.iter().copied().map(OneTimeCode::new).collect());
    match &action.kind {
        ActionKind::EndSessions { .. } => ActionResult::Profile(fixture::profile("second", None)),
        ActionKind::CreateSession { .. } => {
            let grant = Grant::Token { token: Token::new(fixture::token("second")), expires: None };
            ActionResult::Session(fixture::profile("second", None), grant)
        }
        ActionKind::CreatePersonalToken { .. } | ActionKind::ReplacePersonalToken { .. } => {
            ActionResult::Token(Token::new(fixture::token("pat")))
        }
        ActionKind::PersonalTokens => ActionResult::PersonalTokens(vec![PersonalToken {
            id: CredentialId::from_bytes([7; 16]),
            name: "bot".into(),
            created: Timestamp::from_millis(1_767_323_045_678),
            last_part: "abc-_9".into(),
            bypass_second_factor: true,
        }]),
        ActionKind::EnrolDevice => ActionResult::Enrolment(Enrolment {
            secret: Token::new("BASE32"),
            url: Token::new("otpauth://totp/x"),
        }),
        ActionKind::ConfirmDevice { .. } => codes(&["aBcD2345", "eFgH6789"]),
        ActionKind::RemoveDevice { code } => ActionResult::Flag(code.expose() == "123456"),
        ActionKind::RenewBackupCodes { .. } => codes(&["jKmN2345"]),
        ActionKind::BackupCodesLeft => ActionResult::Count(11),
        ActionKind::ChangeOwnAccount { .. } => ActionResult::Profile(fixture::profile("myusername", None)),
        ActionKind::MailCode { realm, .. }
        | ActionKind::ForgotPassword { realm, .. }
        | ActionKind::MailAddressProof { realm, .. } => {
            assert_eq!(*realm, fixture::realm().id);
            ActionResult::NotBefore(LATER)
        }
        _ => ActionResult::Done,
    }
}

/// The actions that were asked for, in words: the action, the second factor and the program.
pub(crate) fn actions(services: &FakeServices) -> Vec<String> {
    services.actions().iter().map(describe).collect()
}

fn describe(action: &Action) -> String {
    let mut words = fixture::describe(&action.kind);
    if let Some(code) = &action.factor.code {
        words += &format!(" code {}", code.expose());
    }
    if let Some(method) = action.factor.method {
        words += &format!(" by {method:?}");
    }
    words
}

/// The ids of the users whose tokens were revoked.
pub(crate) fn revoked(services: &FakeServices) -> Vec<String> {
    let id = |user: &auth_core::User| user.external_text(ProtocolName::ROCKETCHAT).to_owned();
    services.revoked().iter().map(|principal| id(&principal.profile.user)).collect()
}

/// The configuration of these tests.
pub(crate) fn config() -> Config {
    Config::new("chat", "http://localhost:3000")
}

/// The address from which all requests come.
pub(crate) fn peer() -> Peer {
    Peer::new([192, 0, 2, 7].into())
}

/// A request with headers and a body.
pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// A login with a JSON body.
pub(crate) fn log_in(body: &Value) -> Request<Bytes> {
    request("POST", "/api/v1/login", &[("Content-Type", "application/json")], body.to_string())
}

/// Asks a protocol before these services.
pub(crate) async fn ask(
    config: Config,
    services: Arc<FakeServices>,
    request: Request<Bytes>,
) -> Response<Bytes> {
    RocketChatProtocol::new(config, services).handle(request, &peer()).await.response
}

/// A header of an answer.
pub(crate) fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The body of an answer as text.
pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}
