//! An `Services` that says what a test wants and notes what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Accounts, ApiKey, Authenticator, CheckReply, CredentialCheck, ExternalIds, Grant, GrantKind, Granted,
    InternalError, LoginAttempt, LoginError, LoginMethod, LoginName, LoginOutcome, LoginReply, NameKind,
    Passwords, Peer, PersonalTokens, PresentedCredential, Principal, Profile, ProtocolName, RateLimitStatus,
    Realm, RealmId, RealmName, Realms, Role, SecondFactors, SecondStep, Sessions, Timestamp, Token,
    TokenError, TokenForm, User, UserId,
};

/// The moment before which this services lets no log-in be answered.
pub(crate) const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_700_000_000_500);

/// The one token that is good.
pub(crate) const GOOD_TOKEN: &str = "good.token";

type Answers<Q, A> = Box<dyn Fn(Q) -> Result<A, InternalError> + Send + Sync>;

/// Answers without thinking.
pub(crate) struct Fixed {
    log_in: Answers<(String, String), LoginOutcome>,
    check: Answers<String, bool>,
    renew: Answers<String, Result<Grant, TokenError>>,
    realm: Answers<String, Option<Realm>>,
    asked: Mutex<Vec<String>>,
}

impl Fixed {
    /// Refuses everybody but who presents the good token.
    pub(crate) fn new() -> Self {
        Self {
            log_in: Box::new(|_| Ok(LoginOutcome::Refused(LoginError::Forbidden))),
            check: Box::new(|token| Ok(token == GOOD_TOKEN)),
            renew: Box::new(|token| {
                Ok(if token == GOOD_TOKEN { Ok(grant(GOOD_TOKEN, 599)) } else { Err(TokenError::Invalid) })
            }),
            realm: Box::new(|slug| Ok((slug == "notes").then(realm))),
            asked: Mutex::default(),
        }
    }

    /// Answers log-ins by name and password.
    pub(crate) fn log_in(
        mut self,
        answer: impl Fn((String, String)) -> Result<LoginOutcome, InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.log_in = Box::new(answer);
        self
    }

    /// Answers whether a token is good.
    pub(crate) fn check(
        mut self,
        answer: impl Fn(String) -> Result<bool, InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.check = Box::new(answer);
        self
    }

    /// Answers what a token is renewed to.
    pub(crate) fn renew(
        mut self,
        answer: impl Fn(String) -> Result<Result<Grant, TokenError>, InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.renew = Box::new(answer);
        self
    }

    /// Answers which realm has a slug.
    pub(crate) fn realm(
        mut self,
        answer: impl Fn(String) -> Result<Option<Realm>, InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.realm = Box::new(answer);
        self
    }

    pub(crate) fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// What it was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn note(&self, question: String, protocol: ProtocolName, realm_id: RealmId, peer: &Peer) {
        assert_eq!(
            (protocol, realm_id, peer),
            (ProtocolName::Zettelstore, realm().id, &crate::requests::peer())
        );
        self.asked.lock().unwrap().push(question);
    }

    /// The token, `cookie ` before one that was in a cookie.
    fn note_token(&self, question: &str, presentation: &CredentialCheck) -> String {
        let token = match &presentation.credential {
            PresentedCredential::ZettelstoreToken(token) => token.expose().to_owned(),
            PresentedCredential::ZettelstoreCookie(token) => format!("cookie {}", token.expose()),
            other => panic!("{other:?}"),
        };
        let question = format!("{question} {token}");
        self.note(question, presentation.protocol, presentation.realm, &presentation.peer);
        token
    }
}

#[async_trait]
impl Authenticator for Fixed {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        let LoginMethod::Password { who, password } = &attempt.proof else { panic!("{attempt:?}") };
        assert!(matches!(attempt.second_step, SecondStep::NotOffered));
        let GrantKind::ZettelstoreToken(form) = attempt.grant else { panic!("{attempt:?}") };
        let question = format!("log in {who:?} {:?} for {form:?}", password.expose());
        self.note(question, attempt.protocol, attempt.realm, &attempt.peer);
        let outcome = (self.log_in)((who.typed().to_owned(), password.expose().to_owned()))?;
        Ok(LoginReply { outcome, rate_limit: None, not_before: Some(NOT_BEFORE) })
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        let token = self.note_token("check", &presentation);
        let outcome = if (self.check)(token)? { Ok(Box::new(principal())) } else { Err(TokenError::Invalid) };
        Ok(CheckReply { outcome, rate_limit: None })
    }

    async fn renew(
        &self,
        presentation: CredentialCheck,
        form: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        let token = self.note_token(&format!("renew for {form:?}"), &presentation);
        (self.renew)(token)
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        panic!("there is no log-out in this API: {principal:?}");
    }

    fn admit(&self, _: ProtocolName, route: &'static str, _: &Peer) -> Option<RateLimitStatus> {
        panic!("this API has no limit for calls: {route}");
    }
}

#[async_trait]
impl Accounts for Fixed {
    async fn regenerate_zulip_key(&self, principal: &Principal) -> Result<ApiKey, InternalError> {
        panic!("not in this API: {principal:?}");
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        panic!("not in this API");
    }
}

impl Sessions for Fixed {}
impl PersonalTokens for Fixed {}
impl SecondFactors for Fixed {}
impl Passwords for Fixed {}

#[async_trait]
impl Realms for Fixed {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        let RealmName::Slug(slug) = name else { panic!("{name:?}") };
        Ok((self.realm)(slug.to_owned())?.map(Arc::new))
    }
}

/// A token that lives for some seconds.
pub(crate) fn grant(token: &str, seconds: u64) -> Grant {
    Grant::ZettelstoreToken { token: Token::new(token), lifetime: Duration::from_secs(seconds) }
}

/// A log-in that succeeded.
pub(crate) fn granted(grant: Grant) -> LoginOutcome {
    LoginOutcome::Granted(Box::new(Granted { profile: profile(), grant }))
}

/// The realm of the fixtures.
pub(crate) fn realm() -> Realm {
    Realm { name: "Notes".to_owned(), ..Realm::new(RealmId::from_bytes([7; 16]), "notes") }
}

fn profile() -> Profile {
    let user = User {
        id: UserId::from_bytes([8; 16]),
        realm: realm().id,
        names: vec![LoginName { kind: NameKind::UserName, exact: "writer".to_owned(), verified: false }],
        full_name: "Writer".to_owned(),
        role: Role::Member,
        bot: None,
        active: true,
        joined: Timestamp::default(),
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        protocols: ExternalIds {
            zulip: 2,
            rocketchat: "writer".to_owned(),
            rocketchat_roles: None,
            zettelstore: 20_240_101_000_200,
            zettelstore_role: Some("writer".to_owned()),
        },
        version: 1,
    };
    Profile { user: Arc::new(user), realm: Arc::new(realm()), has_password: true, totp: false }
}

fn principal() -> Principal {
    Principal {
        profile: profile(),
        credential: None,
        kind: None,
        issued: Timestamp::default(),
        expires: None,
        bypass_second_factor: false,
    }
}
