//! How refusals and faults are rendered, whatever the services says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::*;
use auth_proto_zulip::Config;
use bytes::Bytes;
use serde_json::json;

use crate::routes::{FETCH, FORM, IAGO, ME, USERS, config, parsed};
use crate::server::{Server, body, header, request};
use crate::world::{Told, Ways, World};

/// The moment of every refusal.
const LATER: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Answers every question the same way.
struct Always {
    world: World,
    refusal: Option<LoginError>,
    fault: InternalErrorKind,
}

impl Always {
    fn fault(&self) -> InternalError {
        match self.fault {
            InternalErrorKind::Unavailable => InternalError::unavailable("secret cause"),
            InternalErrorKind::Busy { retry_after } => InternalError::busy(retry_after),
            _ => InternalError::internal("secret cause"),
        }
    }
}

#[async_trait]
impl Authenticator for Always {
    async fn log_in(&self, _: LoginAttempt) -> Result<LoginReply, InternalError> {
        let refused = |refusal| LoginReply {
            outcome: LoginOutcome::Refused(refusal),
            rate_limit: None,
            not_before: Some(LATER),
        };
        self.refusal.clone().map(refused).ok_or_else(|| self.fault())
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        match self.refusal {
            Some(_) => self.world.check(presentation).await,
            None => Err(self.fault()),
        }
    }

    async fn renew(
        &self,
        _: CredentialCheck,
        _: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        Err(self.fault())
    }

    async fn revoke(&self, _: &Principal) -> Result<(), InternalError> {
        Err(self.fault())
    }

    fn admit(&self, _: ProtocolName, _: &'static str, _: &Peer) -> Option<RateLimitStatus> {
        None
    }
}

#[async_trait]
impl Accounts for Always {
    async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> {
        Err(self.fault())
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        Err(self.fault())
    }
}

impl Sessions for Always {}
impl PersonalTokens for Always {}
impl SecondFactors for Always {}
impl Passwords for Always {}

#[async_trait]
impl Realms for Always {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        self.world.realm(name).await
    }
}

fn always(refusal: Option<LoginError>, fault: InternalErrorKind, exact: Exact) -> Server {
    let clock = Arc::new(Told::default());
    let world = World::new(USERS, Ways::default(), clock.clone());
    let config = Config { development: true, exact, ..config() };
    Server::with(config, Arc::new(Always { world, refusal, fault }), clock)
}

/// One request to each route that asks the services.
fn questions() -> Vec<http::Request<Bytes>> {
    vec![
        request("POST", FETCH, [FORM], "username=iago@zulip.com&password=x"),
        request("POST", "/api/v1/jwt/fetch_api_key", [FORM], "token=x"),
        request("POST", "/api/v1/dev_fetch_api_key", [FORM], "username=iago@zulip.com"),
        request("GET", "/api/v1/dev_list_users", [], ""),
        request("GET", ME, [IAGO], ""),
    ]
}

#[tokio::test]
async fn faults_are_told_in_zulips_format_without_their_cause() {
    let busy = InternalErrorKind::Busy { retry_after: Duration::from_millis(1500) };
    for (fault, status, retry_after) in [
        (InternalErrorKind::Unavailable, 503, None),
        (busy, 503, Some("2")),
        (InternalErrorKind::Internal, 500, None),
    ] {
        let server = always(None, fault, Exact::default());
        for question in questions() {
            let path = question.uri().path().to_owned();
            let answer = server.send(question).await;
            assert_eq!(answer.response.status().as_u16(), status, "{path}");
            assert_eq!(header(&answer, "retry-after"), retry_after, "{path}");
            assert_eq!(header(&answer, "content-type"), Some("application/json"));
            assert!(!body(&answer).contains("secret"));
            assert_eq!(parsed(&answer)["result"], "error");
        }
    }
}

#[tokio::test]
async fn a_limit_that_is_not_the_protocols_shows_no_standing() {
    let retry_after = Duration::from_millis(2500);
    let refusal = LoginError::NetworkLimited { retry_after };
    let server = always(Some(refusal), InternalErrorKind::Internal, Exact::default());
    for question in questions().into_iter().take(3) {
        let answer = server.send(question).await;
        assert_eq!(answer.response.status(), 429);
        assert_eq!(header(&answer, "retry-after"), Some("2.5"));
        assert_eq!(parsed(&answer)["retry-after"], 2.5);
        assert_eq!(header(&answer, "x-ratelimit-limit"), None);
    }
}

#[tokio::test]
async fn answers_wait_for_the_moment_that_the_inside_names() {
    let refusal = LoginError::Credentials(FailureReason::WrongPassword);
    let server = always(Some(refusal), InternalErrorKind::Internal, Exact::default());
    for question in questions().into_iter().take(3) {
        let path = question.uri().path().to_owned();
        assert_eq!(server.send(question).await.not_before, Some(LATER), "{path}");
    }
}

#[tokio::test]
async fn refused_assertions_have_their_own_words() {
    let bad = (400, "Bad JSON web token");
    for (refusal, token, exact, (status, message)) in [
        (
            LoginError::AssertionDisabled,
            "",
            false,
            (400, "JWT authentication is not enabled for this organization"),
        ),
        (LoginError::AssertionInvalid, "", false, (400, "No JSON web token passed in request")),
        (LoginError::AssertionInvalid, "x", false, bad),
        (
            LoginError::AssertionWithoutSubject,
            "x",
            false,
            (400, "No email specified in JSON web token claims"),
        ),
        (LoginError::AssertionMalformed, "x", false, bad),
        (LoginError::AssertionMalformed, "x", true, (500, "Internal server error")),
        (LoginError::UserInactive, "x", false, (401, "Account is deactivated")),
        (LoginError::RealmInactive, "x", false, (401, "This organization has been deactivated")),
        (
            LoginError::Credentials(FailureReason::UnknownUser),
            "x",
            false,
            (401, "Your username or password is incorrect"),
        ),
    ] {
        let exact = Exact::only(exact.then_some(ExactPoint::AssertionTypeError));
        let server = always(Some(refusal.clone()), InternalErrorKind::Internal, exact);
        let answer =
            server.send(request("POST", "/api/v1/jwt/fetch_api_key", [FORM], format!("token={token}"))).await;
        assert_eq!(answer.response.status().as_u16(), status, "{refusal:?}");
        assert_eq!(parsed(&answer)["msg"], message, "{refusal:?}");
    }
}

#[tokio::test]
async fn another_realm_is_told_to_development_servers_alone() {
    let server = always(Some(LoginError::OtherRealm), InternalErrorKind::Internal, Exact::default());
    let mut statuses = Vec::new();
    for question in questions().into_iter().take(3) {
        statuses.push(server.send(question).await.response.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 404]);
}

#[tokio::test]
async fn include_profile_must_be_a_json_boolean() {
    let server = always(Some(LoginError::AssertionInvalid), InternalErrorKind::Internal, Exact::default());
    for (value, message) in [
        ("true", "Bad JSON web token"),
        ("false", "Bad JSON web token"),
        ("yes", "include_profile is not valid JSON"),
        ("", "include_profile is not valid JSON"),
        ("True", "include_profile is not valid JSON"),
        ("1", "include_profile is not a boolean"),
        ("null", "include_profile is not a boolean"),
        ("\"true\"", "include_profile is not a boolean"),
    ] {
        let form = format!("token=x&include_profile={value}");
        let answer = server.send(request("POST", "/api/v1/jwt/fetch_api_key", [FORM], form)).await;
        assert_eq!(
            (answer.response.status().as_u16(), &parsed(&answer)["msg"]),
            (400, &json!(message)),
            "{value}"
        );
    }
}
