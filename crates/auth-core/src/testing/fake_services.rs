//! A fake of every service that protocols ask.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    ActionError, ApiKey, ApiKeys, Authenticator, Caller, CheckReply, CredentialCheck, DevelopmentUsers,
    Enrolment, FailureReason, Grant, Identifier, InternalError, LoginAttempt, LoginError, LoginReply,
    OneTimeCode, Peer, PersonalToken, PersonalTokens, Principal, Profile, ProtocolName, RateLimitStatus,
    Realm, RealmId, RealmName, Realms, RequestLimits, SecondFactors, SecretCheck, SecretReply, Sessions,
    Timestamp, Token, TokenError, TokenForm, TokenRenewal, UserId,
};

type OnLogIn = dyn Fn(&LoginAttempt) -> LoginReply + Send + Sync;
type OnCheck = dyn Fn(&CredentialCheck) -> CheckReply + Send + Sync;
type OnRenew = dyn Fn(&CredentialCheck, TokenForm) -> Result<Grant, TokenError> + Send + Sync;
type OnAdmit = dyn Fn(ProtocolName, &'static str, &Peer) -> Option<RateLimitStatus> + Send + Sync;
type OnAdmitUser = dyn Fn(ProtocolName, &Principal) -> Option<RateLimitStatus> + Send + Sync;
type OnRevoke = dyn Fn(&Principal) -> Result<(), InternalError> + Send + Sync;
type OnSecret = dyn Fn(&SecretCheck) -> SecretReply + Send + Sync;
type OnGroups = dyn Fn(UserId) -> Result<Arc<[String]>, InternalError> + Send + Sync;
type OnAction = dyn Fn(&Action) -> Result<ActionResult, ActionError> + Send + Sync;

/// A service that answers as a test tells it to, and remembers what it was asked.
///
/// Without being told otherwise, it knows no realm, refuses every login and credential, limits no call and offers no
/// action.
///
/// ```
/// use auth_core::testing::{FakeServices, RealmBuilder};
/// use auth_core::{LoginError, LoginReply};
///
/// let services = FakeServices::new()
///     .realm(RealmBuilder::new("main").build())
///     .on_log_in(|_| LoginReply::refused(LoginError::UserInactive));
/// assert!(services.attempts().is_empty());
/// ```
#[derive(Default)]
pub struct FakeServices {
    realms: Vec<Arc<Realm>>,
    /// Answered in place of every realm.
    outage: Option<InternalError>,
    log_in: Option<Box<OnLogIn>>,
    check: Option<Box<OnCheck>>,
    renew: Option<Box<OnRenew>>,
    admit: Option<Box<OnAdmit>>,
    admit_user: Option<Box<OnAdmitUser>>,
    revoke: Option<Box<OnRevoke>>,
    action: Option<Box<OnAction>>,
    /// When the device of every account is to be removed.
    removal: Option<Timestamp>,
    secret: Option<Box<OnSecret>>,
    groups: Option<Box<OnGroups>>,
    asked: Mutex<Asked>,
}

/// What a fake was asked.
#[derive(Debug, Default)]
struct Asked {
    attempts: Vec<LoginAttempt>,
    checks: Vec<CredentialCheck>,
    secrets: Vec<SecretCheck>,
    actions: Vec<Action>,
    admitted: Vec<&'static str>,
    revoked: Vec<Principal>,
    tokens: usize,
    spent: Vec<Token>,
}

impl FakeServices {
    /// A service that refuses everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows a realm, by its slug and its subdomain.
    #[must_use]
    pub fn realm(mut self, realm: Realm) -> Self {
        self.realms.push(Arc::new(realm));
        self
    }

    /// Answers every look-up of a realm with an error.
    #[must_use]
    pub fn outage(mut self, error: InternalError) -> Self {
        self.outage = Some(error);
        self
    }

    /// Answers logins.
    #[must_use]
    pub fn on_log_in(mut self, answer: impl Fn(&LoginAttempt) -> LoginReply + Send + Sync + 'static) -> Self {
        self.log_in = Some(Box::new(answer));
        self
    }

    /// Answers checks of credentials.
    #[must_use]
    pub fn on_check(
        mut self,
        answer: impl Fn(&CredentialCheck) -> CheckReply + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Box::new(answer));
        self
    }

    /// Answers renewals.
    #[must_use]
    pub fn on_renew(
        mut self,
        answer: impl Fn(&CredentialCheck, TokenForm) -> Result<Grant, TokenError> + Send + Sync + 'static,
    ) -> Self {
        self.renew = Some(Box::new(answer));
        self
    }

    /// Limits calls.
    #[must_use]
    pub fn on_admit(
        mut self,
        answer: impl Fn(ProtocolName, &'static str, &Peer) -> Option<RateLimitStatus> + Send + Sync + 'static,
    ) -> Self {
        self.admit = Some(Box::new(answer));
        self
    }

    /// Limits calls of users.
    #[must_use]
    pub fn on_admit_user(
        mut self,
        answer: impl Fn(ProtocolName, &Principal) -> Option<RateLimitStatus> + Send + Sync + 'static,
    ) -> Self {
        self.admit_user = Some(Box::new(answer));
        self
    }

    /// Answers revocations; without it they succeed.
    #[must_use]
    pub fn on_revoke(
        mut self,
        answer: impl Fn(&Principal) -> Result<(), InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.revoke = Some(Box::new(answer));
        self
    }

    /// Answers actions on accounts.
    #[must_use]
    pub fn on_action(
        mut self,
        answer: impl Fn(&Action) -> Result<ActionResult, ActionError> + Send + Sync + 'static,
    ) -> Self {
        self.action = Some(Box::new(answer));
        self
    }

    /// Says that the device of every account is to be removed then.
    #[must_use]
    pub fn device_removal(mut self, until: Timestamp) -> Self {
        self.removal = Some(until);
        self
    }

    /// Answers checks of names and secrets.
    #[must_use]
    pub fn on_secret(mut self, answer: impl Fn(&SecretCheck) -> SecretReply + Send + Sync + 'static) -> Self {
        self.secret = Some(Box::new(answer));
        self
    }

    /// Tells the groups of users; without it they are in none.
    #[must_use]
    pub fn on_groups(
        mut self,
        answer: impl Fn(UserId) -> Result<Arc<[String]>, InternalError> + Send + Sync + 'static,
    ) -> Self {
        self.groups = Some(Box::new(answer));
        self
    }

    /// The login attempts so far.
    #[must_use]
    pub fn attempts(&self) -> Vec<LoginAttempt> {
        self.asked().attempts.clone()
    }

    /// The checks and renewals so far.
    #[must_use]
    pub fn checks(&self) -> Vec<CredentialCheck> {
        self.asked().checks.clone()
    }

    /// The checks of names and secrets so far.
    #[must_use]
    pub fn secrets(&self) -> Vec<SecretCheck> {
        self.asked().secrets.clone()
    }

    /// The actions so far.
    #[must_use]
    pub fn actions(&self) -> Vec<Action> {
        self.asked().actions.clone()
    }

    /// The routes that were counted against a limit so far.
    #[must_use]
    pub fn admitted(&self) -> Vec<&'static str> {
        self.asked().admitted.clone()
    }

    /// The principals whose credentials were revoked so far.
    #[must_use]
    pub fn revoked(&self) -> Vec<Principal> {
        self.asked().revoked.clone()
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn act(&self, caller: Option<&Caller<'_>>, kind: ActionKind) -> Result<ActionResult, ActionError> {
        let action = Action {
            principal: caller.map(|caller| caller.principal.clone()),
            peer: caller.map(|caller| caller.peer.clone()),
            factor: caller.map(|caller| caller.factor.clone()).unwrap_or_default(),
            kind,
        };
        self.asked().actions.push(action.clone());
        self.action.as_ref().map_or(Err(ActionError::NotOffered), |answer| answer(&action))
    }
}

impl fmt::Debug for FakeServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeServices").field("realms", &self.realms).finish_non_exhaustive()
    }
}

/// Takes one kind of result out of an action's, or says that the test's answer doesn't fit.
macro_rules! expect_result {
    ($result:expr, $pattern:pat => $value:expr) => {
        match $result? {
            $pattern => Ok($value),
            _ => Err(ActionError::Internal(InternalError::defect(
                "the fake was told an answer of another action",
            ))),
        }
    };
}

mod action;
mod forward;
mod own_account;
mod password_reset;
mod web;

pub use action::{Action, ActionKind, ActionResult};
pub use web::FAKE_NOW;

#[async_trait]
impl Authenticator for FakeServices {
    async fn log_in(&self, attempt: LoginAttempt) -> LoginReply {
        let refused = || LoginReply::refused(LoginError::Credentials(FailureReason::UnknownUser));
        let reply = self.log_in.as_ref().map_or_else(refused, |answer| answer(&attempt));
        self.asked().attempts.push(attempt);
        reply
    }

    async fn check(&self, check: CredentialCheck) -> CheckReply {
        let refused = || CheckReply::refused(TokenError::Invalid);
        let reply = self.check.as_ref().map_or_else(refused, |answer| answer(&check));
        self.asked().checks.push(check);
        reply
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        self.asked().revoked.push(principal.clone());
        self.revoke.as_ref().map_or(Ok(()), |answer| answer(principal))
    }
}

#[async_trait]
impl TokenRenewal for FakeServices {
    async fn renew(&self, check: CredentialCheck, form: TokenForm) -> Result<Grant, TokenError> {
        let renewed = self.renew.as_ref().map_or(Err(TokenError::Invalid), |answer| answer(&check, form));
        self.asked().checks.push(check);
        renewed
    }
}

impl RequestLimits for FakeServices {
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus> {
        self.asked().admitted.push(route);
        self.admit.as_ref().and_then(|answer| answer(protocol, route, peer))
    }

    fn admit_user(&self, protocol: ProtocolName, principal: &Principal) -> Option<RateLimitStatus> {
        self.admit_user.as_ref().and_then(|answer| answer(protocol, principal))
    }
}

#[async_trait]
impl Realms for FakeServices {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        if let Some(error) = &self.outage {
            return Err(error.clone());
        }
        let found = self.realms.iter().find(|realm| match name {
            RealmName::Slug(slug) => realm.slug == slug,
            RealmName::Subdomain(subdomain) => realm.subdomain.as_deref() == Some(subdomain),
        });
        Ok(found.cloned())
    }
}

#[async_trait]
impl ApiKeys for FakeServices {
    async fn regenerate_api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::RegenerateApiKey), ActionResult::ApiKey(key) => key)
    }
}

#[async_trait]
impl DevelopmentUsers for FakeServices {
    async fn development_users(&self) -> Result<Vec<Profile>, ActionError> {
        expect_result!(self.act(None, ActionKind::DevelopmentUsers), ActionResult::Profiles(users) => users)
    }
}

#[async_trait]
impl Sessions for FakeServices {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::EndOtherSessions), ActionResult::Done => ())
    }

    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError> {
        let kind = ActionKind::EndSessions { of: of.cloned() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Profile(profile) => profile)
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Result<(Profile, Grant), ActionError> {
        let kind = ActionKind::CreateSession { of: of.clone(), secret: secret.clone() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Session(profile, grant) => (profile, grant))
    }

    async fn another_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::AnotherSession), ActionResult::Grant(grant) => grant)
    }
}

#[async_trait]
impl PersonalTokens for FakeServices {
    async fn create_personal_token(
        &self,
        caller: &Caller<'_>,
        name: &str,
        bypass: bool,
    ) -> Result<Token, ActionError> {
        let kind = ActionKind::CreatePersonalToken { name: name.to_owned(), bypass };
        expect_result!(self.act(Some(caller), kind), ActionResult::Token(token) => token)
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError> {
        let kind = ActionKind::ReplacePersonalToken { name: name.to_owned() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Token(token) => token)
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Result<Vec<PersonalToken>, ActionError> {
        let asked = self.act(Some(caller), ActionKind::PersonalTokens);
        expect_result!(asked, ActionResult::PersonalTokens(tokens) => tokens)
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<(), ActionError> {
        let kind = ActionKind::RemovePersonalToken { name: name.to_owned() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Done => ())
    }
}

#[async_trait]
impl SecondFactors for FakeServices {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Result<Enrolment, ActionError> {
        let asked = self.act(Some(caller), ActionKind::EnrolDevice);
        expect_result!(asked, ActionResult::Enrolment(enrolment) => enrolment)
    }

    async fn confirm_device(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        let kind = ActionKind::ConfirmDevice { code: code.clone() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Codes(codes) => codes)
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Result<bool, ActionError> {
        let kind = ActionKind::RemoveDevice { code: code.clone() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Flag(removed) => removed)
    }

    async fn renew_backup_codes(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        let kind = ActionKind::RenewBackupCodes { code: code.clone() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Codes(codes) => codes)
    }

    async fn device_removal(&self, _: &Caller<'_>) -> Result<Option<Timestamp>, ActionError> {
        Ok(self.removal)
    }

    async fn keep_device(&self, caller: &Caller<'_>) -> Result<bool, ActionError> {
        let asked = self.act(Some(caller), ActionKind::KeepDevice);
        expect_result!(asked, ActionResult::Flag(kept) => kept)
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Result<usize, ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::BackupCodesLeft), ActionResult::Count(left) => left)
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Result<(), ActionError> {
        let kind = ActionKind::ResetDevice { of: of.cloned() };
        expect_result!(self.act(Some(caller), kind), ActionResult::Done => ())
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::RequireMailedCodes), ActionResult::Done => ())
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::WaiveMailedCodes), ActionResult::Done => ())
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Result<Timestamp, ActionError> {
        let kind = ActionKind::MailCode { realm, who: who.clone() };
        expect_result!(self.act(None, kind), ActionResult::NotBefore(moment) => moment)
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        expect_result!(self.act(Some(caller), ActionKind::Confirm), ActionResult::Done => ())
    }
}
