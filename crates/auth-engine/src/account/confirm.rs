//! Step-up: whether a signed-in caller must show a second factor before a change, and has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, ActionError, Caller, Clock, Credential, CredentialKind, Digest, FactorMethod, Identifier,
    Password, PasswordReply, Permission, Principal, Realm, Store, StoreError, User, UserId,
};
use auth_crypto::password::StoredPassword;

use super::present_password::PresentPassword;
use crate::config::SecondFactorConfig;
use crate::credentials::CredentialFactory;
use crate::directories::Directories;
use crate::login::second_factor::{SecondFactorCheck, Subject, active_factors};
use crate::users::UserFinder;

/// Programs and client keys for which a second factor shown with a token is remembered.
const REMEMBERED: u32 = 50;

/// How long after it signed in, or showed a factor anew, a web session may do what asks for a second factor.
const FRESH: Duration = Duration::from_secs(15 * 60);

/// How much a change asks for. A web session that [is fresh](StepUp::is_fresh) has shown what `Remembered` and `Anew` ask for.
///
/// | demand | accounts and tokens that are exempt | a factor shown before | remembers the factor |
/// | --- | --- | --- | --- |
/// | `Remembered` | new accounts without a factor; tokens that stand for one | is enough | yes |
/// | `Anew` | the same | is not enough | no |
/// | `Always` | none | is not enough | yes |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A second factor, once in a while.
    Remembered,
    /// A second factor at each call.
    Anew,
    /// A second factor at each call, of every account; its password where it has none.
    Always,
}

impl Demand {
    /// Whether new accounts and tokens that stand for a second factor are exempt.
    fn has_exemptions(self) -> bool {
        self != Self::Always
    }

    /// Whether a factor that was shown before is enough.
    fn takes_remembered(self) -> bool {
        self == Self::Remembered
    }

    /// Whether a factor that is shown now is remembered.
    fn remembers(self) -> bool {
        self != Self::Anew
    }

    /// Whether an account without a factor must show its password.
    fn needs_password(self) -> bool {
        self == Self::Always
    }
}

/// Confirms callers.
pub(crate) struct StepUp {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) directories: Arc<Directories>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) second_factor: Arc<SecondFactorCheck>,
    pub(crate) present_password: PresentPassword,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: SecondFactorConfig,
}

impl StepUp {
    /// The caller's account, once the caller has shown what is demanded.
    pub(crate) async fn confirm(&self, caller: &Caller<'_>, demand: Demand) -> Result<Account, ActionError> {
        let principal = caller.principal;
        let account = self.own_account(caller).await?;
        if principal.kind == Some(CredentialKind::WEB_SESSION) {
            return self.confirm_web(caller, account, demand).await;
        }
        if demand.has_exemptions() && (principal.bypass_second_factor || self.is_new(&account)) {
            return Ok(account);
        }
        if demand.takes_remembered() && self.is_remembered(caller).await? {
            return Ok(account);
        }
        let Some(method) = self.factor(caller, &account, demand) else { return Ok(account) };
        self.show(caller, &account, method).await?;
        if demand.remembers()
            && let Err(error) = self.remember(caller).await
        {
            // The factor was right: that it will be asked for again is no reason to refuse.
            tracing::warn!(user = %account.user.id, %error, "a second factor could not be remembered");
        }
        Ok(account)
    }

    /// Confirms a caller with a web session: it is fresh, or shows a factor now, or its password where it has no factor.
    async fn confirm_web(
        &self,
        caller: &Caller<'_>,
        account: Account,
        demand: Demand,
    ) -> Result<Account, ActionError> {
        if demand != Demand::Always && self.is_fresh(caller.principal) {
            return Ok(account);
        }
        let method = active_factors(&account).first().copied().unwrap_or(FactorMethod::Password);
        self.show(caller, &account, method).await?;
        Ok(account)
    }

    /// Judges a factor that came along with a call.
    async fn show(
        &self,
        caller: &Caller<'_>,
        account: &Account,
        method: FactorMethod,
    ) -> Result<(), ActionError> {
        let subject = Subject {
            realm: &caller.principal.profile.realm,
            account,
            peer: caller.peer,
            protocol: caller.protocol,
            takes_codes_again: self.config.takes_codes_again,
        };
        match &caller.factor.password {
            Some(password) if method == FactorMethod::Password => {
                self.present_password.verify(caller, account, password).await
            }
            _ => Ok(self.second_factor.verify(subject, method, caller.factor.code.as_ref()).await?),
        }
    }

    /// The caller's account, once the caller has shown its present password.
    pub(crate) async fn confirm_password(&self, caller: &Caller<'_>) -> Result<Account, ActionError> {
        let account = self.own_account(caller).await?;
        let Some(password) = &caller.factor.password else {
            return Err(ActionError::SecondFactorRequired(PresentPassword::challenge(&account)));
        };
        self.present_password.verify(caller, &account, password).await?;
        Ok(account)
    }

    /// Judges the present password of a caller, and tells the status of the limit of logins.
    pub(crate) async fn show_password(&self, caller: &Caller<'_>, password: &Password) -> PasswordReply {
        match self.own_account(caller).await {
            Ok(account) => self.present_password.judge(caller, &account, password).await,
            Err(error) => PasswordReply { result: Err(error), rate_limit: None },
        }
    }

    /// Whether a caller has a web session that signed in, or showed a factor anew, a short time ago: each time it gets a new
    /// token, so that the age of the token tells.
    pub(crate) fn is_fresh(&self, principal: &Principal) -> bool {
        let (issued, now) = (principal.issued, self.clock.now());
        principal.kind == Some(CredentialKind::WEB_SESSION)
            && !issued.is_ahead(now)
            && now.since(issued) < FRESH
    }

    /// The caller's account as the store has it now.
    pub(crate) async fn own_account(&self, caller: &Caller<'_>) -> Result<Account, ActionError> {
        let account = self.store.user(caller.principal.profile.user.id).await?;
        account.ok_or(ActionError::NoSuchUser)
    }

    /// The account that a call is about: the caller's own, or with a permission another one of its realm.
    pub(crate) async fn account_of(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
        permission: Permission,
    ) -> Result<Account, ActionError> {
        let user = &caller.principal.profile.user;
        let Some(of) = of.filter(|of| !means(of, user)) else { return self.own_account(caller).await };
        // A caller that may not ask is not told which accounts there are.
        if !user.may(permission) {
            return Err(ActionError::NotPermitted);
        }
        let account = self.users.find(&caller.principal.profile.realm, of).await?;
        account.ok_or(ActionError::NoSuchUser)
    }

    /// The factor that the caller names, else the first that the account has, else its password, where its digest can be
    /// verified: clients send the digest.
    fn factor(&self, caller: &Caller<'_>, account: &Account, demand: Demand) -> Option<FactorMethod> {
        let named = caller.factor.method.filter(|method| *method != FactorMethod::Password);
        let realm = &caller.principal.profile.realm;
        let falls_back = demand.needs_password()
            || (self.config.password_fallback
                && accepts_digest(realm, account)
                && self.directories.accept_stored_password(realm, account));
        named
            .or_else(|| active_factors(account).first().copied())
            .or_else(|| falls_back.then_some(FactorMethod::Password))
    }

    /// Whether an account is so young that its owner may not have set up a second factor yet.
    fn is_new(&self, account: &Account) -> bool {
        let (grace, joined, now) = (self.config.remember, account.user.joined, self.clock.now());
        // One that joins in the future, as after a clock was set back, would be new for longer.
        !grace.is_zero()
            && active_factors(account).is_empty()
            && !joined.is_ahead(now)
            && joined + grace >= now
    }

    async fn is_remembered(&self, caller: &Caller<'_>) -> Result<bool, StoreError> {
        let Some((user, digest)) = self.fingerprint(caller) else { return Ok(false) };
        let found = self.store.by_digest(CredentialKind::REMEMBERED_FACTOR, &digest).await?;
        let now = self.clock.now();
        Ok(found.is_some_and(|(remembered, _)| {
            let is_over = remembered.created.is_ahead(now) || remembered.expires.is_none_or(|end| end < now);
            remembered.user == user && !is_over
        }))
    }

    async fn remember(&self, caller: &Caller<'_>) -> Result<(), StoreError> {
        let period = self.config.remember;
        let Some((user, digest)) = self.fingerprint(caller).filter(|_| !period.is_zero()) else {
            return Ok(());
        };
        if let Some((old, _)) = self.store.by_digest(CredentialKind::REMEMBERED_FACTOR, &digest).await? {
            self.store.remove(old.id, None).await?;
        }
        let remembered = Credential {
            // A factor is remembered for a token, and no longer than that.
            parent: caller.principal.credential,
            expires: Some(self.clock.now() + period),
            ..self.credentials.credential(user, CredentialKind::REMEMBERED_FACTOR, Some(digest))
        };
        match self.store.add(&remembered, REMEMBERED, None).await {
            // Another request of the same program was faster.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The digest of a token in a program at a client key, and the token's user: a factor that was shown with one counts
    /// for no other.
    fn fingerprint(&self, caller: &Caller<'_>) -> Option<(UserId, Digest)> {
        let credential = caller.principal.credential?;
        let agent = caller.peer.agent.as_deref().unwrap_or_default();
        let place = format!("{}\n{agent}", caller.peer.client_key());
        Some((caller.principal.profile.user.id, self.credentials.fingerprint(credential, &place)))
    }
}

impl fmt::Debug for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUp").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Whether a user names itself.
fn means(of: &Identifier, user: &User) -> bool {
    match of {
        Identifier::External { protocol, id } => user.external_ids.get(*protocol) == Some(id),
        Identifier::Name { kind, typed } => {
            user.names.iter().any(|name| name.kind == *kind && name.exact == *typed)
        }
        _ => false,
    }
}

/// Whether a digest is accepted in place of an account's stored password.
fn accepts_digest(realm: &Realm, account: &Account) -> bool {
    let stored = account.password.as_ref().and_then(|stored| StoredPassword::parse(stored).ok());
    stored.is_some_and(|stored| stored.accepts_digest(realm.digest_logins))
}
