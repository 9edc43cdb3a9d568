//! A handful of users behind fake services, with enough of the engine's rules to tell what the protocol asked for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices, RealmBuilder, UserBuilder};
use auth_core::*;
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A user with the secrets that the engine would have sealed.
struct Person {
    user: User,
    password: Option<String>,
    key: String,
    reset_required: bool,
}

/// The differences between the recorded servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    pub(crate) without_passwords: bool,
    pub(crate) development: bool,
    /// The realm whose assertions are accepted.
    pub(crate) assertions: Option<&'static str>,
}

pub(crate) struct World {
    clock: Arc<dyn Clock>,
    ways: Ways,
    realms: Vec<Realm>,
    people: Vec<Person>,
    attempts: Mutex<RateLimiter<String>>,
    calls: Mutex<RateLimiter<UserId>>,
}

const MINUTE: Duration = Duration::from_secs(60);

impl World {
    /// The world that a file of realms and users describes.
    pub(crate) fn new(records: &str, ways: Ways, clock: Arc<dyn Clock>) -> Self {
        let attempts = RateLimiter::new(Quota { attempts: 5, window: 30 * MINUTE }, 1000).into();
        let calls = RateLimiter::new(Quota { attempts: 200, window: MINUTE }, 1000).into();
        let mut world = Self { clock, ways, realms: Vec::new(), people: Vec::new(), attempts, calls };
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

    /// Services that know the realms and refuse everything.
    pub(crate) fn realms(&self) -> FakeServices {
        self.realms.iter().cloned().fold(FakeServices::new(), FakeServices::realm)
    }

    /// Services with all rules of the world.
    pub(crate) fn services(self) -> FakeServices {
        let (services, logins) = (self.realms(), Arc::new(self));
        let (checks, actions) = (Arc::clone(&logins), Arc::clone(&logins));
        services
            .on_log_in(move |attempt| logins.log_in(attempt))
            .on_check(move |check| checks.check(check))
            .on_action(move |action| actions.act(action))
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

    /// The active user of an address. Like the real server, it tells the state before it looks at a password.
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

    /// The subject of an assertion. Signatures are the engine's and not checked here.
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

    /// Judges a login.
    pub(crate) fn log_in(&self, attempt: &LoginAttempt) -> LoginReply {
        assert!(matches!(attempt.second_step, SecondStep::NotOffered));
        assert_eq!((attempt.protocol, attempt.grant), (ProtocolName::ZULIP, GrantKind::ApiKey));
        let (mut rate_limit, now, realm) = (None, self.clock.now(), attempt.realm.id);
        let judged = match &attempt.method {
            LoginMethod::Password { .. } if self.ways.without_passwords => {
                Err(LoginError::Credentials(FailureReason::NotOffered))
            }
            LoginMethod::Password { who, secret: SecretInput::Password(password) } => {
                let reserved = self.attempts.lock().unwrap().reserve(&who.typed().into_owned(), now);
                rate_limit = Some(reserved);
                match reserved.retry_after {
                    Some(retry_after) => Err(LoginError::AccountLimited { retry_after }),
                    None => self.by_password(realm, &who.typed(), password.expose()),
                }
            }
            LoginMethod::Assertion(token) => self.by_assertion(realm, token.expose()),
            LoginMethod::NameAlone { .. } if !self.ways.development => {
                Err(LoginError::Credentials(FailureReason::NotOffered))
            }
            LoginMethod::NameAlone { who } => self.by_name(realm, &who.typed()),
            other => panic!("the protocol asked for {other:?}"),
        };
        let result = judged.map(|person| {
            if let LoginMethod::Password { who, .. } = &attempt.method {
                self.attempts.lock().unwrap().clear(&who.typed().into_owned());
            }
            let grant = Grant::ApiKey(ApiKey::new(person.key.as_str()));
            Box::new(Login { profile: self.profile(person), grant })
        });
        LoginReply { result, rate_limit, not_before: Some(now + MINUTE) }
    }

    /// Checks an API key.
    pub(crate) fn check(&self, check: &CredentialCheck) -> CheckReply {
        let PresentedCredential::ApiKey { email, key } = &check.credential else { panic!("not an API key") };
        let owner = self.people.iter().find(|person| person.key == key.expose());
        let Some(owner) =
            owner.filter(|owner| owner.user.email().unwrap().address.eq_ignore_ascii_case(email))
        else {
            return CheckReply::refused(TokenError::Invalid);
        };
        let profile = self.profile(owner);
        if !profile.realm.active {
            return CheckReply::refused(TokenError::RealmInactive);
        }
        if !profile.user.active {
            return CheckReply::refused(TokenError::UserInactive);
        }
        if check.realm.as_ref().is_none_or(|realm| realm.id != profile.realm.id) {
            return CheckReply::refused(TokenError::OtherRealm);
        }
        if profile.user.bot == Some(BotKind::IncomingWebhook) {
            return CheckReply::refused(TokenError::WebhookBot);
        }
        let now = self.clock.now();
        let rate_limit = self.calls.lock().unwrap().reserve(&profile.user.id, now);
        let result = match rate_limit.retry_after {
            Some(_) => Err(TokenError::Limited),
            None => Ok(Box::new(Principal {
                profile,
                credential: None,
                kind: Some(CredentialKind::ZULIP_KEY),
                parent: None,
                issued: now,
                expires: None,
                bypass_second_factor: false,
            })),
        };
        CheckReply { result, rate_limit: Some(rate_limit) }
    }

    /// Replaces an API key by the user's number, or lists the users of a development server.
    fn act(&self, action: &Action) -> Result<ActionResult, ActionError> {
        match (&action.kind, &action.principal) {
            (ActionKind::RegenerateApiKey, Some(principal)) => {
                let id = principal.profile.user.external_number(ProtocolName::ZULIP);
                Ok(ActionResult::ApiKey(ApiKey::new(format!("{id:032}"))))
            }
            (ActionKind::DevelopmentUsers, None) if self.ways.development => {
                let listed =
                    self.people.iter().filter(|person| person.user.active && person.user.bot.is_none());
                Ok(ActionResult::Profiles(listed.map(|person| self.profile(person)).collect()))
            }
            _ => Err(ActionError::NotOffered),
        }
    }
}

fn realm(record: &Value) -> Realm {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let flag = |key: &str| record[key].as_bool().unwrap_or(true);
    let backends = record["backends"].as_array().into_iter().flatten();
    Realm {
        name: text("name"),
        icon: text("icon"),
        description: text("description"),
        active: flag("active"),
        password_login: flag("password_login"),
        backends: backends.map(|name| name.as_str().unwrap().to_owned()).collect(),
        ..RealmBuilder::new(&text("realm")).subdomain(&text("subdomain")).build()
    }
}

fn person(record: &Value, realm: RealmId) -> Person {
    let text = |key: &str| record[key].as_str().map(str::to_owned);
    let id = record["id"].as_u64().unwrap();
    let mut user = UserBuilder::new(&format!("user{id}"))
        .realm(realm)
        .email(&text("email").unwrap())
        .full_name(&text("full_name").unwrap())
        .role(record["role"].as_str().and_then(Role::from_name).unwrap_or_default())
        .joined(Timestamp::from_secs(1_792_713_780))
        .external_id(ProtocolName::ZULIP, id)
        .build();
    user.active = record["active"].as_bool().unwrap_or(true);
    user.bot = record["bot"].as_str().map(|kind| BotKind::from_name(kind).unwrap());
    let reset_required = record["reset_required"].as_bool().unwrap_or(false);
    Person { user, password: text("password"), key: text("zulip_api_key").unwrap(), reset_required }
}
