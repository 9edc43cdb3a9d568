//! A log-in, stage by stage.
//!
//! Every stage either hands on to the next or ends the attempt with a refusal. Whatever the account's state,
//! the password is verified first, so that all failures take the same work; the careless points of the real
//! systems change which refusal is told, never what is done.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, AttemptRecord, BackendAnswer, BotKind, ExactPoint, FailureReason, Grant, Granted, Identifier,
    InternalError, LoginAttempt, LoginError, LoginMethod, LoginOutcome, LoginReply, Lookup, NameKind,
    Profile, ProtocolName, Realm, SecondStep, SecretInput, Timestamp, Token, VerifyRequest,
};
use auth_crypto::assertion::{self, AssertionError};

use crate::Engine;
use crate::authority::Verified;
use crate::engine::broken;
use crate::factor::{Asked, active_factors};
use crate::limits::{self, Ticket};

/// What became of an attempt, with what the log wants to know.
struct Judgement {
    outcome: LoginOutcome,
    account: Option<Account>,
    /// When the user look-up was done.
    looked_up: Timestamp,
}

/// A stage's end: handed on, or refused.
type Stage<T> = Result<Result<T, LoginError>, InternalError>;

impl Engine {
    pub(crate) async fn attempt(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        let started = self.now();
        if self.is_not_offered(&attempt) {
            let refusal = LoginError::Credentials(FailureReason::NotOffered);
            self.log(&attempt, None, refusal.as_str(), started);
            let outcome = LoginOutcome::Refused(refusal);
            return Ok(LoginReply { outcome, rate_limit: None, not_before: None });
        }
        let place = self.may_wait(&attempt).await.then(|| self.waiting.enter(started)).transpose()?;
        let mut ticket = match self.reserve(&attempt, started).await? {
            Ok(ticket) => ticket,
            Err((refusal, rate_limit)) => {
                self.log(&attempt, None, refusal.as_str(), started);
                return Ok(LoginReply {
                    outcome: LoginOutcome::Refused(refusal),
                    rate_limit,
                    not_before: None,
                });
            }
        };
        let judgement = match self.judge(&attempt, &mut ticket).await {
            Ok(judgement) => judgement,
            Err(fault) => {
                self.give_back(&mut ticket).await;
                return Err(fault);
            }
        };
        let rate_limit = ticket.rate_limit;
        let word = match &judgement.outcome {
            LoginOutcome::Granted(granted) => {
                self.succeeded(ticket).await;
                self.priorities.signed_in(granted.profile.user.id, attempt.peer.client_key());
                "granted"
            }
            LoginOutcome::Refused(refusal) => {
                if matches!(refusal, LoginError::SecondFactorRequired(_)) {
                    self.give_back(&mut ticket).await;
                }
                if let (LoginError::Credentials(_), Some(who)) = (refusal, limits::named(&attempt.proof)) {
                    self.priorities.failed(attempt.realm, who, judgement.account.as_ref());
                }
                refusal.as_str()
            }
        };
        self.log(&attempt, judgement.account.as_ref(), word, started);
        let delayed = self.answer_time(&attempt, judgement.looked_up);
        let not_before = delayed.max(self.grid_moment(&attempt, &judgement.outcome, started).await);
        if let Some(place) = place {
            place.keep(not_before);
        }
        Ok(LoginReply { outcome: judgement.outcome, rate_limit, not_before })
    }

    async fn judge(&self, attempt: &LoginAttempt, ticket: &mut Ticket) -> Result<Judgement, InternalError> {
        let realm = self.realm_by_id(attempt.realm).await?.ok_or_else(|| broken("the attempt's realm"))?;
        match &attempt.proof {
            LoginMethod::Password { who, password } => {
                self.by_secret(attempt, ticket, &realm, who, SecretInput::Password(password)).await
            }
            LoginMethod::Digest { who, digest } => {
                self.by_secret(attempt, ticket, &realm, who, SecretInput::Digest(digest)).await
            }
            LoginMethod::Resume(token) => {
                let found = self.resume(&realm, token).await?;
                self.settle(attempt, &realm, found).await
            }
            LoginMethod::Assertion(token) => {
                let found = self.by_assertion(&realm, token).await?;
                self.settle(attempt, &realm, found.map(|account| (account, None))).await
            }
            LoginMethod::Development { who } => {
                let found = self.by_name_alone(&realm, who).await?;
                self.settle(attempt, &realm, found.map(|account| (account, None))).await
            }
            _ => Err(broken("a proof this engine does not know")),
        }
    }

    /// Resolve, verify, account state, second factor, grant.
    async fn by_secret(
        &self,
        attempt: &LoginAttempt,
        ticket: &mut Ticket,
        realm: &Realm,
        who: &Identifier,
        secret: SecretInput<'_>,
    ) -> Result<Judgement, InternalError> {
        let account = self.resolve(realm, who).await?;
        let looked_up = self.now();
        if let Some(known) = &account
            && !self.identify(ticket, attempt, known).await?
        {
            self.do_nobodys_work(attempt, realm, who, secret).await?;
            let outcome = LoginOutcome::Refused(LoginError::Credentials(FailureReason::TooManyTries));
            return Ok(Judgement { outcome, account, looked_up });
        }
        let by_app_password = self.is_app_password(attempt.protocol, account.as_ref(), secret).await?;
        let verified = self.verify(attempt, realm, who, account.as_ref(), secret, by_app_password);
        let accepted = match verified.await? {
            Err(refusal) => {
                return Ok(Judgement { outcome: LoginOutcome::Refused(refusal), account, looked_up });
            }
            Ok(accepted) => accepted,
        };
        // A directory may know more names of an account than the store: the account's own count holds for them too.
        let is_another = account.as_ref().is_none_or(|known| known.user.id != accepted.user.id);
        let outcome = if is_another && !self.identify(ticket, attempt, &accepted).await? {
            LoginOutcome::Refused(LoginError::Credentials(FailureReason::TooManyTries))
        } else {
            self.admit_account(attempt, realm, &accepted, by_app_password).await?
        };
        Ok(Judgement { outcome, account: Some(accepted), looked_up })
    }

    /// What is done for a name that is nobody's: whoever has tried too many passwords of an account under several of
    /// its names is told no more than of names that have none, or the limit would tell which names are of one.
    async fn do_nobodys_work(
        &self,
        attempt: &LoginAttempt,
        realm: &Realm,
        who: &Identifier,
        secret: SecretInput<'_>,
    ) -> Result<(), InternalError> {
        let question = VerifyRequest { realm, who, account: None, secret, demand: None, peer: &attempt.peer };
        match self.backend(Realm::LOCAL)?.verify(&question).await {
            BackendAnswer::Unavailable(fault) => Err(fault),
            _ => Ok(()),
        }
    }

    /// Whom a name means in a realm.
    pub(crate) async fn resolve(
        &self,
        realm: &Realm,
        who: &Identifier,
    ) -> Result<Option<Account>, InternalError> {
        let lookup = match who {
            Identifier::Name { kind: NameKind::Email, typed } => {
                let typed = typed.trim();
                if !typed.contains('@') && self.directories(realm).next().is_some() {
                    // Zulip's name field takes a directory's user names as well (zulip.md 7).
                    let found = self.store.find(realm.id, &Lookup::Name(NameKind::UserName, typed)).await?;
                    return Ok(found.filter(|account| self.is_of_directory(realm, account)));
                }
                Lookup::Name(NameKind::Email, typed)
            }
            Identifier::Name { kind, typed } => Lookup::Name(*kind, typed),
            Identifier::ExternalId(id) => Lookup::RocketChatId(id),
            _ => return Ok(None),
        };
        Ok(self.store.find(realm.id, &lookup).await?)
    }

    /// Whose password it is. An app password needs no asking.
    async fn verify(
        &self,
        attempt: &LoginAttempt,
        realm: &Realm,
        who: &Identifier,
        account: Option<&Account>,
        secret: SecretInput<'_>,
        by_app_password: bool,
    ) -> Stage<Account> {
        if !realm.password_login {
            return Ok(Err(LoginError::PasswordLoginDisabled));
        }
        // Only Zettelstore lets somebody have an empty password (zettelstore.md 7).
        let empty = matches!(secret, SecretInput::Password(password) if password.expose().is_empty());
        let refused_empty = empty && attempt.protocol != ProtocolName::Zettelstore;
        let demand = (attempt.protocol == ProtocolName::Zulip).then(|| self.strength_rule(realm));
        let question = VerifyRequest { realm, who, account, secret, demand, peer: &attempt.peer };
        let answer = if by_app_password {
            Ok(Verified { reset_required: false, entry: None })
        } else {
            self.ask_backends(attempt, &question).await?
        };

        let told_early = account
            .filter(|_| !refused_empty)
            .filter(|_| self.config.exact(attempt.protocol).has(ExactPoint::StateBeforePassword))
            .and_then(|account| state(realm, account));
        if let Some(refusal) = told_early {
            return Ok(Err(refusal));
        }
        let verified = match answer {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(_) if refused_empty => return Ok(Err(LoginError::Credentials(FailureReason::WrongPassword))),
            Ok(verified) => verified,
        };
        if !realm.active {
            return Ok(Err(LoginError::RealmInactive));
        }
        let account = match verified.entry {
            Some((directory, entry)) => {
                match self.account_of_entry(attempt.protocol, realm, &directory, &entry).await? {
                    Ok(account) => account,
                    Err(cause) => return Ok(Err(LoginError::Credentials(cause))),
                }
            }
            None => account.cloned().ok_or_else(|| broken("an accepted account"))?,
        };
        Ok(match state(realm, &account) {
            Some(refusal) => Err(refusal),
            // That the password is right is not told where a second factor is needed and can't be shown.
            None if verified.reset_required && !self.lacks_second_step(attempt, &account) => {
                Err(LoginError::PasswordResetRequired)
            }
            None => Ok(account),
        })
    }

    /// The stages after a right password. An app password stands for a second factor.
    async fn admit_account(
        &self,
        attempt: &LoginAttempt,
        realm: &Realm,
        account: &Account,
        by_app_password: bool,
    ) -> Result<LoginOutcome, InternalError> {
        if let Some(refusal) = self.protocol_rules(attempt.protocol, account) {
            return Ok(LoginOutcome::Refused(refusal));
        }
        if by_app_password {
            return self.grant(attempt, realm, account).await;
        }
        if self.lacks_second_step(attempt, account) {
            return Ok(LoginOutcome::Refused(LoginError::Credentials(FailureReason::NoSecondStep)));
        }
        // The first is asked for, and the client can't choose (rocketchat.md 2.1).
        if let (SecondStep::Offered(code), Some(method)) =
            (&attempt.second_step, active_factors(account).first())
        {
            let asked = Asked { realm, account, peer: &attempt.peer };
            if let Err(unproven) = self.prove(asked, *method, code.as_ref()).await? {
                return Ok(LoginOutcome::Refused(unproven.into()));
            }
        }
        self.grant(attempt, realm, account).await
    }

    /// Whether an account has a second factor at a protocol that has no second step.
    fn lacks_second_step(&self, attempt: &LoginAttempt, account: &Account) -> bool {
        matches!(attempt.second_step, SecondStep::NotOffered)
            && !self.config.allow_password_only_with_2fa
            && !active_factors(account).is_empty()
    }

    /// The end of the ways in that need no password: account state, then the grant, where it isn't held already.
    async fn settle(
        &self,
        attempt: &LoginAttempt,
        realm: &Realm,
        found: Result<(Account, Option<Grant>), LoginError>,
    ) -> Result<Judgement, InternalError> {
        let looked_up = self.now();
        let (account, held) = match found {
            Ok(found) => found,
            Err(refusal) => {
                return Ok(Judgement { outcome: LoginOutcome::Refused(refusal), account: None, looked_up });
            }
        };
        let refusal = state(realm, &account).or_else(|| self.protocol_rules(attempt.protocol, &account));
        let outcome = match (refusal, held) {
            (Some(refusal), _) => LoginOutcome::Refused(refusal),
            (None, Some(grant)) => granted(realm, &account, grant),
            (None, None) => self.grant(attempt, realm, &account).await?,
        };
        Ok(Judgement { outcome, account: Some(account), looked_up })
    }

    /// What a protocol refuses although the password is right (rocketchat.md 1.5).
    fn protocol_rules(&self, protocol: ProtocolName, account: &Account) -> Option<LoginError> {
        if protocol != ProtocolName::RocketChat {
            return None;
        }
        let user = &account.user;
        if user.bot == Some(BotKind::App) {
            return Some(LoginError::AppAccount);
        }
        if user.protocols.rocketchat_roles.as_ref().is_some_and(Vec::is_empty) {
            return Some(LoginError::NoRoles);
        }
        let unverified = user.email().is_some_and(|email| !email.verified);
        let administers = user.role <= auth_core::Role::Admin;
        (self.config.rocketchat.email_verification && unverified && !administers)
            .then_some(LoginError::EmailUnverified)
    }

    /// zulip.md 5.5: a system that holds the realm's key says who it is.
    async fn by_assertion(&self, realm: &Realm, token: &Token) -> Stage<Account> {
        let Some(rule) = self.config.zulip.assertions.get(&realm.slug) else {
            return Ok(Err(LoginError::AssertionDisabled));
        };
        let email = match assertion::verify(token.expose(), rule, self.now()) {
            Ok(Some(email)) => email,
            Ok(None) => return Ok(Err(LoginError::AssertionWithoutSubject)),
            Err(AssertionError::Malformed) => return Ok(Err(LoginError::AssertionMalformed)),
            Err(_) => return Ok(Err(LoginError::AssertionInvalid)),
        };
        let found = self.resolve(realm, &Identifier::email(email)).await?;
        Ok(found.ok_or(LoginError::Credentials(FailureReason::UnknownUser)))
    }

    /// zulip.md 3: a development server believes a name.
    async fn by_name_alone(&self, realm: &Realm, who: &Identifier) -> Stage<Account> {
        if !self.config.zulip.development {
            return Ok(Err(LoginError::Credentials(FailureReason::NotOffered)));
        }
        if let Some(account) = self.resolve(realm, who).await? {
            return Ok(Ok(account));
        }
        let elsewhere = match who {
            Identifier::Name { kind, typed } => self.store.realms_of(*kind, typed).await?,
            _ => Vec::new(),
        };
        Ok(Err(if elsewhere.is_empty() {
            LoginError::Credentials(FailureReason::UnknownUser)
        } else {
            LoginError::OtherRealm
        }))
    }

    async fn grant(
        &self,
        attempt: &LoginAttempt,
        realm: &Realm,
        account: &Account,
    ) -> Result<LoginOutcome, InternalError> {
        let grant = self.issue(attempt.grant, realm, account).await?;
        Ok(granted(realm, account, grant))
    }

    /// Whether this protocol doesn't take passwords at all: nothing is looked up, and so nothing counted (zulip.md 2.4).
    fn is_not_offered(&self, attempt: &LoginAttempt) -> bool {
        attempt.protocol == ProtocolName::Zulip
            && !self.config.zulip.password_login
            && matches!(attempt.proof, LoginMethod::Password { .. } | LoginMethod::Digest { .. })
    }

    /// Whether the answer to an attempt may have to wait, and so takes a place.
    async fn may_wait(&self, attempt: &LoginAttempt) -> bool {
        self.is_delayed(attempt) || self.may_wait_for_grid(attempt).await
    }

    fn is_delayed(&self, attempt: &LoginAttempt) -> bool {
        attempt.protocol == ProtocolName::Zettelstore && !self.config.zettelstore.login_delay.is_zero()
    }

    /// The moment before which the answer must not be sent (zettelstore.md 2, "The delay"): half a second after
    /// the look-up, or a tenth after the hash where hashing took longer, each with a jitter of −50 to +49 ms.
    fn answer_time(&self, attempt: &LoginAttempt, looked_up: Timestamp) -> Option<Timestamp> {
        const FLOOR: Duration = Duration::from_millis(100);
        const JITTER: Duration = Duration::from_millis(50);
        if !self.is_delayed(attempt) {
            return None;
        }
        let delay = self.config.zettelstore.login_delay;
        let mut random = [0];
        self.rng.fill(&mut random);
        // 256 values onto 100 milliseconds: the slight bias tells nobody anything.
        let jitter = Duration::from_millis(u64::from(random[0]) * 100 / 256);
        let base = (looked_up + delay).max(self.now() + FLOOR);
        Some(base - JITTER + jitter)
    }

    /// One line and one row per attempt.
    fn log(&self, attempt: &LoginAttempt, account: Option<&Account>, outcome: &'static str, at: Timestamp) {
        let typed: String = match &attempt.proof {
            LoginMethod::Password { who, .. }
            | LoginMethod::Digest { who, .. }
            | LoginMethod::Development { who } => cut(who.typed(), 256),
            _ => String::new(),
        };
        let network = attempt.peer.client_key();
        tracing::info!(
            target: "auth::attempt",
            protocol = attempt.protocol.as_str(),
            outcome,
            user = account.map(|account| account.user.id.to_string()),
            name = self.config.log_names.then_some(typed.as_str()),
            %network,
            ms = i64::try_from(self.now().since(at).as_millis()).unwrap_or(i64::MAX),
            "log-in attempt"
        );
        self.store.record(AttemptRecord {
            at,
            protocol: attempt.protocol,
            realm: attempt.realm,
            user: account.map(|account| account.user.id),
            // A password typed in the wrong field would be kept in clear.
            name: if self.config.log_names { typed } else { String::new() },
            network,
            outcome: outcome.into(),
        });
    }
}

/// Why an account can't be used now, the realm before the user (zulip.md 2.1).
pub(crate) fn state(realm: &Realm, account: &Account) -> Option<LoginError> {
    if !realm.active {
        return Some(LoginError::RealmInactive);
    }
    (!account.user.active).then_some(LoginError::UserInactive)
}

fn granted(realm: &Realm, account: &Account, grant: Grant) -> LoginOutcome {
    LoginOutcome::Granted(Box::new(Granted { profile: profile(realm, account), grant }))
}

pub(crate) fn profile(realm: &Realm, account: &Account) -> Profile {
    Profile {
        user: Arc::new(account.user.clone()),
        realm: Arc::new(realm.clone()),
        has_password: account.password.is_some(),
        totp: account.totp,
    }
}

/// The start of a text, at most `bytes` long.
fn cut(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().to_owned()
}
