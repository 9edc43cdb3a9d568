//! A site whose fake services know one account, for logins for which another system vouches and for lost passwords.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    ActionError, ApiKey, Challenge, CredentialKind, FactorMethod, FailureReason, Grant, GrantKind, Login,
    LoginAttempt, LoginError, LoginMethod, LoginReply, ManualClock, Peer, Profile, Protocol, ProtocolName,
    RateLimitStatus, ResetLinkReply, SecondStep, Timestamp, Token,
};
use auth_proto_zulip::{Config, RemoteUser, ZulipProtocol};
use bytes::Bytes;

pub(crate) const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";
pub(crate) const KEY: &str = "7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9";
pub(crate) const SSO: &str = "/accounts/login/sso/";
pub(crate) const JWT: &str = "/accounts/login/jwt/";
pub(crate) const RESET: &str = "/accounts/password/reset/";
/// Header, claims and signature; the claims name `hamlet@zulip.com`.
pub(crate) const ASSERTION: &str = "e30.eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20ifQ.x";
pub(crate) const SECRET: &str = "x9HsQxaRmP77fCwnCHuA62Yq4SUvIBhE";
pub(crate) const FRONT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub(crate) struct Site {
    pub(crate) services: Arc<FakeServices>,
    pub(crate) protocol: ZulipProtocol,
}

pub(crate) fn config(points: &[auth_core::ExactPoint]) -> Config {
    Config {
        external_host: "zulip.example.org".into(),
        web: true,
        remote_user: Some(RemoteUser {
            header: "x-remote-user".parse().unwrap(),
            proxies: vec!["127.0.0.1/32".parse().unwrap()],
            append_domain: None,
            only: false,
        }),
        exact: auth_core::Exact::only(points.iter().copied()),
        ..Config::default()
    }
}

fn profile(has_totp: bool) -> Profile {
    let realm = RealmBuilder::new("main").subdomain("").build();
    let user = UserBuilder::new("hamlet").email("Hamlet@zulip.com").realm(realm.id);
    let user = user.external_id(ProtocolName::ZULIP, 10).build();
    Profile { user: Arc::new(user), realm: Arc::new(realm), has_password: true, totp: has_totp }
}

/// Knows the account hamlet, which may have a second factor.
fn log_in(attempt: &LoginAttempt, has_totp: bool) -> LoginReply {
    let address = match &attempt.method {
        LoginMethod::Vouched { who } => who.typed().to_lowercase(),
        LoginMethod::Assertion(token) if token.expose() == ASSERTION => "hamlet@zulip.com".into(),
        LoginMethod::Assertion(token) if token.expose() == "nameless" => {
            return LoginReply::refused(LoginError::AssertionWithoutSubject);
        }
        LoginMethod::Assertion(_) => return LoginReply::refused(LoginError::AssertionInvalid),
        LoginMethod::Handover(token) => match &token.expose()[..1] {
            "a" => "hamlet@zulip.com".into(),
            "b" => return LoginReply::refused(LoginError::OtherRealm),
            _ => return LoginReply::refused(LoginError::Credentials(FailureReason::UnknownToken)),
        },
        other => panic!("{other:?}"),
    };
    match address.as_str() {
        "hamlet@zulip.com" => {}
        "cordelia@zulip.com" => return LoginReply::refused(LoginError::UserInactive),
        "ghost@zulip.com" => return LoginReply::refused(LoginError::RealmInactive),
        _ => return LoginReply::refused(LoginError::Credentials(FailureReason::UnknownUser)),
    }
    if has_totp && matches!(attempt.second_step, SecondStep::Offered(None)) {
        return LoginReply::refused(LoginError::SecondFactorRequired(Challenge {
            method: FactorMethod::Totp,
            available: vec![FactorMethod::Totp],
            mailed: None,
            ticket: Some(Token::new("ticket".repeat(20))),
        }));
    }
    let token = |text: &str| Grant::Token { token: Token::new(text), expires: None };
    let grant = match attempt.grant {
        GrantKind::ApiKey => Grant::ApiKey(ApiKey::new(KEY)),
        GrantKind::Token(CredentialKind::WEB_SESSION) => token("s7mp17wgb9eyif9fs2gr75z88ytpd8rg"),
        GrantKind::Token(CredentialKind::HANDOVER) => token("e4d763f9a4edd84e90b12ac9f7e5f457"),
        other => panic!("{other:?}"),
    };
    let login = Login { profile: profile(has_totp), grant };
    LoginReply { result: Ok(Box::new(login)), rate_limit: None, not_before: None }
}

/// Mails links, of which `good` is one; the cookie `visit…` stands for it.
fn act(action: &Action) -> Result<ActionResult, ActionError> {
    let is_good = |token: &Token| ["good", "visit"].iter().any(|good| token.expose().starts_with(good));
    Ok(match &action.kind {
        ActionKind::MailResetLink { address, .. } if address == "often@zulip.com" => {
            return Err(ActionError::TooManyAttempts(Duration::from_millis(1_799_200)));
        }
        ActionKind::MailResetLink { address, .. } if address == "off@zulip.com" => {
            return Err(ActionError::NotOffered);
        }
        ActionKind::MailResetLink { .. } => ActionResult::ResetLink(ResetLinkReply {
            rate_limit: Some(RateLimitStatus {
                limit: 5,
                remaining: 4,
                reset: Timestamp::from_secs(1_795_746_675),
                retry_after: None,
            }),
            not_before: Timestamp::from_millis(250),
        }),
        ActionKind::OwnerOfResetLink { token } => {
            ActionResult::OptionalProfile(is_good(token).then(|| Box::new(profile(false))))
        }
        ActionKind::OpenResetLink { token, cookie } => {
            assert!(is_good(token) && cookie.is_none());
            ActionResult::OptionalToken(Some(Token::new("visit2y0mfhbjcb8tlekla408532rt3d")))
        }
        ActionKind::ResetPassword { token, new, .. } => {
            assert!(is_good(token));
            match new.expose() {
                "weak" => return Err(ActionError::WeakPassword(Vec::new())),
                _ => ActionResult::Profile(profile(false)),
            }
        }
        other => panic!("{other:?}"),
    })
}

pub(crate) struct Answer(pub(crate) http::Response<Bytes>);

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn cookies(&self) -> Vec<&str> {
        let set = self.0.headers().get_all("set-cookie").iter();
        set.map(|value| value.to_str().unwrap().split(';').next().unwrap()).collect()
    }

    pub(crate) fn body(&self) -> &str {
        str::from_utf8(self.0.body()).unwrap()
    }

    pub(crate) fn says(&self, status: u16, text: &str) {
        assert_eq!(self.0.status(), status, "{}", self.body());
        assert!(self.body().contains(text), "{text}: {}", self.body());
    }

    pub(crate) fn leads_to(&self, location: &str) {
        assert_eq!((self.0.status().as_u16(), self.header("location")), (302, location), "{}", self.body());
        assert_eq!(self.body(), "");
    }
}

impl Site {
    pub(crate) fn new(points: &[auth_core::ExactPoint], has_totp: bool) -> Self {
        Self::with(config(points), has_totp)
    }

    pub(crate) fn with(config: Config, has_totp: bool) -> Self {
        let services = FakeServices::new()
            .realm(RealmBuilder::new("main").subdomain("").build())
            .on_log_in(move |attempt| log_in(attempt, has_totp))
            .on_action(act);
        let services = Arc::new(services);
        let protocol = ZulipProtocol::new(config, services.clone(), Arc::new(ManualClock::default()));
        Self { services, protocol }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request =
            http::Request::builder().method(method).uri(target).header("host", "zulip.example.org");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let peer = Peer::new([192, 0, 2, 7].into()).through(FRONT);
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        Answer(self.protocol.handle(request, &peer).await.response)
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    pub(crate) async fn vouched(&self, query: &str, user: &str) -> Answer {
        self.send("GET", &format!("{SSO}{query}"), &[("x-remote-user", user)], "").await
    }

    /// Sends a form as a page of this server does.
    pub(crate) async fn submit(&self, target: &str, cookies: &str, fields: &str) -> Answer {
        let cookies = format!("__Host-csrftoken={SECRET}{cookies}");
        let headers = [("cookie", cookies.as_str()), ("origin", "https://zulip.example.org")];
        self.send("POST", target, &headers, &format!("csrfmiddlewaretoken={SECRET}&{fields}")).await
    }
}
