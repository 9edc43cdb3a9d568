//! A site whose fake services know one account, for logins for which another system vouches and for lost passwords.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    ActionError, ApiKey, Challenge, CheckReply, CredentialCheck, CredentialKind, FactorMethod, FailureReason,
    Grant, GrantKind, Login, LoginAttempt, LoginError, LoginMethod, LoginReply, ManualClock, Peer,
    PresentedCredential, Principal, Profile, Protocol, ProtocolName, RateLimitStatus, Realm, ResetLinkReply,
    SecondStep, Timestamp, Token, TokenError,
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
/// The token of every session that is granted.
pub(crate) const SESSION: &str = "s7mp17wgb9eyif9fs2gr75z88ytpd8rg";
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

/// Where somebody logs in.
#[derive(Clone, Copy)]
struct World {
    /// The subdomain of the realm.
    subdomain: &'static str,
    /// Whether the account hamlet has a second factor.
    has_totp: bool,
    /// Whether the realm demands one.
    is_demanded: bool,
}

fn realm(world: World) -> Realm {
    let realm = RealmBuilder::new("main").subdomain(world.subdomain).build();
    Realm { require_second_factor: world.is_demanded, ..realm }
}

fn profile(world: World) -> Profile {
    let realm = realm(world);
    let user = UserBuilder::new("hamlet").email("Hamlet@zulip.com").realm(realm.id);
    let user = user.external_id(ProtocolName::ZULIP, 10).build();
    Profile { user: Arc::new(user), realm: Arc::new(realm), has_password: true, totp: world.has_totp }
}

/// Knows the account hamlet, which may have a second factor.
fn log_in(attempt: &LoginAttempt, world: World) -> LoginReply {
    let address = match &attempt.method {
        LoginMethod::Vouched { who } | LoginMethod::Password { who, .. } => who.typed().to_lowercase(),
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
    if world.has_totp && matches!(attempt.second_step, SecondStep::Offered(None)) {
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
        GrantKind::Token(CredentialKind::WEB_SESSION) => token(SESSION),
        GrantKind::Token(CredentialKind::HANDOVER) => token("e4d763f9a4edd84e90b12ac9f7e5f457"),
        other => panic!("{other:?}"),
    };
    let login = Login { profile: profile(world), grant };
    LoginReply { result: Ok(Box::new(login)), rate_limit: None, not_before: None }
}

/// Knows the one session.
fn check(check: &CredentialCheck, world: World) -> CheckReply {
    if !matches!(&check.credential, PresentedCredential::Token { token, .. } if token.expose() == SESSION) {
        return CheckReply::refused(TokenError::Invalid);
    }
    let principal = Principal {
        profile: profile(world),
        credential: None,
        kind: Some(CredentialKind::WEB_SESSION),
        parent: None,
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    };
    CheckReply { result: Ok(Box::new(principal)), rate_limit: None }
}

/// Mails links, of which `good` is one; the cookie `visit…` stands for it.
fn act(action: &Action, world: World) -> Result<ActionResult, ActionError> {
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
            ActionResult::OptionalProfile(is_good(token).then(|| Box::new(profile(world))))
        }
        ActionKind::OpenResetLink { token, cookie } => {
            assert!(is_good(token) && cookie.is_none());
            ActionResult::OptionalToken(Some(Token::new("visit2y0mfhbjcb8tlekla408532rt3d")))
        }
        ActionKind::JudgeNewPassword { new } if new.expose() == "weak" => {
            return Err(ActionError::WeakPassword(Vec::new()));
        }
        ActionKind::JudgeNewPassword { .. } => ActionResult::Done,
        ActionKind::ResetPassword { token, new, .. } => {
            assert!(is_good(token));
            match new.expose() {
                "weak" => return Err(ActionError::WeakPassword(Vec::new())),
                _ => ActionResult::Profile(profile(world)),
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
        Self::of(config, World { subdomain: "", has_totp, is_demanded: false })
    }

    /// A site whose realm demands a second factor that its account lacks.
    pub(crate) fn demanding(config: Config, subdomain: &'static str) -> Self {
        Self::of(config, World { subdomain, has_totp: false, is_demanded: true })
    }

    fn of(config: Config, world: World) -> Self {
        let services = FakeServices::new()
            .realm(realm(world))
            .on_log_in(move |attempt| log_in(attempt, world))
            .on_check(move |asked| check(asked, world))
            .on_action(move |action| act(action, world));
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
        let mut request = http::Request::builder().method(method).uri(target);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "zulip.example.org");
        }
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
