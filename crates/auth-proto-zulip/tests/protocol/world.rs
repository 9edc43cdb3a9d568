//! A small services with a handful of users: enough of the engine's rules to tell what the protocol asked for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::*;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A clock that shows what it was last told.
#[derive(Default)]
pub(crate) struct Told(AtomicI64);

impl Told {
    pub(crate) fn tell(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for Told {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A user with what the engine would have sealed away.
struct Person {
    user: User,
    password: Option<String>,
    key: String,
    reset_required: bool,
}

/// What differs between the recorded servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    pub(crate) without_passwords: bool,
    pub(crate) development: bool,
    /// The realm whose assertions are accepted.
    pub(crate) assertions: Option<&'static str>,
}

pub(crate) struct World {
    pub(crate) clock: Arc<Told>,
    ways: Ways,
    realms: Vec<Realm>,
    people: Vec<Person>,
    tries: Mutex<RateLimiter<String>>,
    calls: Mutex<RateLimiter<UserId>>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl World {
    /// The world of a file of realms and users.
    pub(crate) fn new(records: &str, ways: Ways, clock: Arc<Told>) -> Self {
        let tries = RateLimiter::new(Quota { attempts: 5, window: 30 * MINUTE }, 1000).into();
        let calls = RateLimiter::new(Quota { attempts: 200, window: MINUTE }, 1000).into();
        let mut world = Self { clock, ways, realms: Vec::new(), people: Vec::new(), tries, calls };
        for line in records.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            match record["kind"].as_str().unwrap() {
                "realm" => world.realms.push(realm(&record)),
                _ => {
                    let realm = world.realms.iter().find(|realm| record["realm"] == realm.slug).unwrap();
                    world.people.push(person(&record, realm.id));
                }
            }
        }
        world
    }

    fn realm_by_id(&self, id: RealmId) -> &Realm {
        self.realms.iter().find(|realm| realm.id == id).unwrap()
    }

    fn profile(&self, person: &Person) -> Profile {
        let realm = Arc::new(self.realm_by_id(person.user.realm).clone());
        let user = Arc::new(person.user.clone());
        Profile { user, realm, has_password: person.password.is_some(), totp: false }
    }

    fn person(&self, realm: RealmId, email: &str) -> Option<&Person> {
        self.people.iter().find(|person| {
            let address = person.user.email().unwrap().address;
            person.user.realm == realm && address.eq_ignore_ascii_case(email)
        })
    }

    /// Who that is, if active; as the real server tells it, before any password.
    fn active(&self, realm: RealmId, email: &str) -> Result<&Person, LoginError> {
        let person = self.person(realm, email).ok_or(LoginError::Credentials(FailureReason::UnknownUser))?;
        match (self.realm_by_id(realm).active, person.user.active) {
            (false, _) => Err(LoginError::RealmInactive),
            (_, false) => Err(LoginError::UserInactive),
            _ => Ok(person),
        }
    }

    fn by_password(&self, realm: RealmId, email: &str, password: &str) -> Result<&Person, LoginError> {
        let wrong = LoginError::Credentials(FailureReason::WrongPassword);
        if !self.realm_by_id(realm).password_login {
            return Err(LoginError::PasswordLoginDisabled);
        }
        if password.is_empty() {
            return Err(wrong);
        }
        let person = self.active(realm, email)?;
        match &person.password {
            Some(known) if known == password && person.reset_required => {
                Err(LoginError::PasswordResetRequired)
            }
            Some(known) if known == password => Ok(person),
            _ => Err(wrong),
        }
    }

    /// Signatures are not looked at: they are the engine's.
    fn by_assertion(&self, realm: RealmId, token: &str) -> Result<&Person, LoginError> {
        if self.ways.assertions != Some(self.realm_by_id(realm).slug.as_str()) {
            return Err(LoginError::AssertionDisabled);
        }
        let mut parts = token.split('.').map(|part| {
            let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| LoginError::AssertionInvalid)?;
            serde_json::from_slice::<Value>(&bytes).map_err(|_| LoginError::AssertionInvalid)
        });
        let (Some(head), Some(claims)) = (parts.next().transpose()?, parts.next().transpose()?) else {
            return Err(LoginError::AssertionInvalid);
        };
        if head["alg"] != "HS256" || claims.get("aud").is_some() || claims.get("exp").is_some() {
            return Err(LoginError::AssertionInvalid);
        }
        match claims.get("email") {
            None => Err(LoginError::AssertionWithoutSubject),
            Some(Value::String(email)) => self.active(realm, email),
            Some(_) => Err(LoginError::AssertionMalformed),
        }
    }

    fn by_name(&self, realm: RealmId, email: &str) -> Result<&Person, LoginError> {
        let elsewhere = || self.realms.iter().any(|other| self.person(other.id, email).is_some());
        match self.active(realm, email) {
            Err(LoginError::Credentials(_)) if elsewhere() => Err(LoginError::OtherRealm),
            judged => judged,
        }
    }
}

#[async_trait]
impl Authenticator for World {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        assert!(matches!(attempt.second_step, SecondStep::NotOffered));
        assert_eq!((attempt.protocol, attempt.grant), (ProtocolName::Zulip, GrantKind::ZulipKey));
        let (mut rate_limit, now) = (None, self.clock.now());
        let judged = match &attempt.proof {
            LoginMethod::Password { .. } if self.ways.without_passwords => {
                Err(LoginError::Credentials(FailureReason::NotOffered))
            }
            LoginMethod::Password { who, password } => {
                let reserved = self.tries.lock().unwrap().reserve(&who.typed().to_owned(), now);
                rate_limit = Some(reserved);
                match reserved.retry_after {
                    Some(retry_after) => Err(LoginError::AccountLimited { retry_after }),
                    None => self.by_password(attempt.realm, who.typed(), password.expose()),
                }
            }
            LoginMethod::Assertion(token) => self.by_assertion(attempt.realm, token.expose()),
            LoginMethod::Development { .. } if !self.ways.development => {
                Err(LoginError::Credentials(FailureReason::NotOffered))
            }
            LoginMethod::Development { who } => self.by_name(attempt.realm, who.typed()),
            other => panic!("the protocol asked for {other:?}"),
        };
        let outcome = match judged {
            Ok(person) => {
                if let LoginMethod::Password { who, .. } = &attempt.proof {
                    self.tries.lock().unwrap().clear(&who.typed().to_owned());
                }
                let grant = Grant::ZulipKey(ApiKey::new(person.key.as_str()));
                LoginOutcome::Granted(Box::new(Granted { profile: self.profile(person), grant }))
            }
            Err(refusal) => LoginOutcome::Refused(refusal),
        };
        Ok(LoginReply { outcome, rate_limit, not_before: Some(now + MINUTE) })
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        let PresentedCredential::ZulipKey { email, key } = presentation.credential else {
            panic!("not a Zulip key")
        };
        let refused = |refusal| Ok(CheckReply { outcome: Err(refusal), rate_limit: None });
        let owner = self.people.iter().find(|person| person.key == key.expose());
        let Some(owner) =
            owner.filter(|owner| owner.user.email().unwrap().address.eq_ignore_ascii_case(&email))
        else {
            return refused(TokenError::Invalid);
        };
        let profile = self.profile(owner);
        if !profile.realm.active {
            return refused(TokenError::RealmInactive);
        }
        if !profile.user.active {
            return refused(TokenError::UserInactive);
        }
        if profile.realm.id != presentation.realm {
            return refused(TokenError::OtherRealm);
        }
        if profile.user.bot == Some(BotKind::IncomingWebhook) {
            return refused(TokenError::WebhookBot);
        }
        let now = self.clock.now();
        let rate_limit = self.calls.lock().unwrap().reserve(&profile.user.id, now);
        let outcome = match rate_limit.retry_after {
            Some(_) => Err(TokenError::Limited),
            None => Ok(Box::new(Principal {
                profile,
                credential: None,
                kind: Some(CredentialKind::ZulipKey),
                issued: now,
                expires: None,
                bypass_second_factor: false,
            })),
        };
        Ok(CheckReply { outcome, rate_limit: Some(rate_limit) })
    }

    async fn renew(
        &self,
        _: CredentialCheck,
        _: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        panic!("the protocol never renews")
    }

    async fn revoke(&self, _: &Principal) -> Result<(), InternalError> {
        panic!("the protocol never revokes")
    }

    fn admit(&self, _: ProtocolName, route: &'static str, _: &Peer) -> Option<RateLimitStatus> {
        panic!("the protocol has no limit for {route}")
    }
}

#[async_trait]
impl Accounts for World {
    async fn regenerate_zulip_key(&self, principal: &Principal) -> Result<ApiKey, InternalError> {
        Ok(ApiKey::new(format!("{:032}", principal.profile.user.protocols.zulip)))
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        let listed = |person: &&Person| person.user.active && person.user.bot.is_none();
        let profiles = || self.people.iter().filter(listed).map(|person| self.profile(person)).collect();
        Ok(self.ways.development.then(profiles))
    }
}

impl Sessions for World {}
impl PersonalTokens for World {}
impl SecondFactors for World {}
impl Passwords for World {}

#[async_trait]
impl Realms for World {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        let named = |realm: &&Realm| match name {
            RealmName::Slug(slug) => realm.slug == slug,
            RealmName::Subdomain(subdomain) => realm.subdomain.as_deref() == Some(subdomain),
            other => panic!("the protocol asked for {other:?}"),
        };
        Ok(self.realms.iter().find(named).cloned().map(Arc::new))
    }
}

fn realm(record: &Value) -> Realm {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let flag = |key: &str| record[key].as_bool().unwrap_or(true);
    let mut id = [1; 16];
    id.iter_mut().zip(text("realm").bytes()).for_each(|(byte, letter)| *byte = letter);
    Realm {
        id: RealmId::from_bytes(id),
        slug: text("realm"),
        subdomain: Some(text("subdomain")),
        name: text("name"),
        icon: text("icon"),
        description: text("description"),
        active: flag("active"),
        password_login: flag("password_login"),
        digest_logins: false,
        strength: None,
        backends: record["backends"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
    }
}

fn person(record: &Value, realm: RealmId) -> Person {
    let text = |key: &str| record[key].as_str().map(str::to_owned);
    let zulip = record["id"].as_i64().unwrap();
    let email = LoginName { kind: NameKind::Email, exact: text("email").unwrap(), verified: true };
    let user = User {
        id: UserId::from_bytes(i128::from(zulip).to_be_bytes()),
        realm,
        names: vec![email],
        full_name: text("full_name").unwrap(),
        role: match record["role"].as_str() {
            Some("owner") => Role::Owner,
            Some("admin") => Role::Admin,
            Some("guest") => Role::Guest,
            _ => Role::Member,
        },
        bot: match record["bot"].as_str() {
            Some("incoming_webhook") => Some(BotKind::IncomingWebhook),
            Some(_) => Some(BotKind::Default),
            None => None,
        },
        active: record["active"].as_bool().unwrap_or(true),
        joined: Timestamp::from_secs(1_792_713_780),
        valid_from: Timestamp::from_secs(0),
        email_second_factor: false,
        must_change_password: false,
        protocols: ExternalIds {
            zulip,
            rocketchat: String::new(),
            rocketchat_roles: None,
            zettelstore: 0,
            zettelstore_role: None,
        },
        version: 1,
    };
    let reset_required = record["reset_required"].as_bool().unwrap_or(false);
    Person { user, password: text("password"), key: text("zulip_api_key").unwrap(), reset_required }
}
