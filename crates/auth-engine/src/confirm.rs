//! Whether a signed-in caller must show a second factor before a change, and has (rocketchat.md 2.1, 2.4).

use auth_core::{
    Account, ActionError, Caller, Credential, CredentialKind, Digest, Done, FactorMethod, StoreError,
    Timestamp, UserId,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::password::StoredPassword;

use crate::Engine;
use crate::factor::{Asked, active_factors};

/// Programs and networks that an account's second factor is remembered for.
const REMEMBERED: u32 = 50;

/// How much a change asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A second factor, once in a while; none of new accounts that have not set one up, nor of tokens that
    /// stand for one.
    Remembered,
    /// The same at each call, whatever was shown before.
    Anew,
    /// A second factor at each call, of everybody.
    Always,
}

impl Engine {
    /// The caller's account, once it has shown what is asked for.
    pub(crate) async fn confirmed(&self, caller: &Caller<'_>, demand: Demand) -> Done<Account> {
        let principal = caller.principal;
        let Some(account) = self.store.user(principal.profile.user.id).await? else {
            return Ok(Err(ActionError::NoSuchUser));
        };
        let is_let_off = demand != Demand::Always
            && (principal.bypass_second_factor
                || self.is_new(&account)
                || (demand == Demand::Remembered && self.is_remembered(caller).await?));
        let Some(method) = self.factor(caller, &account, demand).filter(|_| !is_let_off) else {
            return Ok(Ok(account));
        };
        let realm = &principal.profile.realm;
        let asked = Asked { realm, account: &account, peer: caller.peer };
        if let Err(unproven) = self.prove(asked, method, caller.proof.code.as_ref()).await? {
            return Ok(Err(unproven.into()));
        }
        if demand != Demand::Anew
            && let Err(error) = self.remember(caller).await
        {
            // The factor was right: that it will be asked for again is no reason to refuse.
            tracing::warn!(user = %account.user.id, %error, "a second factor could not be remembered");
        }
        Ok(Ok(account))
    }

    /// The factor that the caller names, else the first that the account has, else its password, where its digest
    /// can be verified: that is what clients send.
    fn factor(&self, caller: &Caller<'_>, account: &Account, demand: Demand) -> Option<FactorMethod> {
        let named = caller.proof.method.filter(|method| *method != FactorMethod::Password);
        let falls_back = demand == Demand::Always
            || (self.config.rocketchat.password_fallback
                && verifies_digest(account)
                && self.counts_stored_password(&caller.principal.profile.realm, account));
        named
            .or_else(|| active_factors(account).first().copied())
            .or_else(|| falls_back.then_some(FactorMethod::Password))
    }

    /// Whether an account is so young that its owner may not have got round to a second factor.
    fn is_new(&self, account: &Account) -> bool {
        let grace = self.config.rocketchat.remember_second_factor;
        !grace.is_zero() && active_factors(account).is_empty() && account.user.joined + grace >= self.now()
    }

    async fn is_remembered(&self, caller: &Caller<'_>) -> Result<bool, StoreError> {
        let Some((user, digest)) = self.fingerprint(caller) else { return Ok(false) };
        let found = self.store.by_digest(CredentialKind::RememberedFactor, &digest).await?;
        let now = self.now();
        Ok(found.is_some_and(|(remembered, _)| {
            remembered.user == user && remembered.expires.is_some_and(|end| end >= now)
        }))
    }

    async fn remember(&self, caller: &Caller<'_>) -> Result<(), StoreError> {
        let period = self.config.rocketchat.remember_second_factor;
        let Some((user, digest)) = self.fingerprint(caller).filter(|_| !period.is_zero()) else {
            return Ok(());
        };
        if let Some((old, _)) = self.store.by_digest(CredentialKind::RememberedFactor, &digest).await? {
            self.store.remove(old.id).await?;
        }
        let remembered = Credential {
            expires: Some(self.now() + period),
            ..self.new_credential(user, CredentialKind::RememberedFactor, Some(digest))
        };
        match self.store.add(&remembered, REMEMBERED).await {
            // Another request of the same program was faster.
            Ok(_) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A token in a program in a network, and whose it is: a factor that was shown with one counts for no other.
    fn fingerprint(&self, caller: &Caller<'_>) -> Option<(UserId, Digest)> {
        let credential = caller.principal.credential?;
        let place = format!("{}\n{}", caller.peer.client_key(), caller.agent);
        let digest = self.ring().mac(Purpose::ShortCode, credential.as_bytes(), place.as_bytes());
        Some((caller.principal.profile.user.id, digest))
    }

    /// The account as the store has it now.
    pub(crate) async fn own_account(&self, caller: &Caller<'_>) -> Done<Account> {
        let account = self.store.user(caller.principal.profile.user.id).await?;
        Ok(account.ok_or(ActionError::NoSuchUser))
    }

    /// Answers are released in steps that are longer than what a mail costs, so that they don't tell whether
    /// one was written.
    pub(crate) fn next_step(&self, started: Timestamp) -> Timestamp {
        const STEP: i64 = 250;
        let passed = i64::try_from(self.now().since(started).as_millis()).unwrap_or(i64::MAX);
        let steps = passed / STEP + 1;
        Timestamp::from_millis(started.as_millis().saturating_add(steps.saturating_mul(STEP)))
    }
}

/// Whether an account's record can tell of a digest whether it is its password's.
fn verifies_digest(account: &Account) -> bool {
    let stored = account.password.as_ref().and_then(|stored| StoredPassword::parse(stored).ok());
    stored.is_some_and(|stored| stored.verifies_digest())
}
