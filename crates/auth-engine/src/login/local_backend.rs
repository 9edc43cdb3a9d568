//! The local password backend: passwords in this server's store.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Accepted, Account, BackendAnswer, FailureReason, Identifier, InternalError, NameKind, PasswordBackend,
    PasswordString, ProtocolName, Realm, SecretInput, Store, VerifyRequest,
};
use auth_crypto::password::{
    HashingRule, NameContext, StoredPassword, StoredPasswordError, Upgrade, Verdict,
};
use auth_crypto::pool::{Busy, HashingPool, JobClass, Verification};
use auth_crypto::strength;

use crate::config::PasswordConfig;
use crate::rate_limit::priority::Priorities;

/// Verifies stored passwords, and hashes obsolete ones anew.
pub(crate) struct LocalBackend {
    store: Arc<dyn Store>,
    pool: Arc<HashingPool>,
    priorities: Arc<Priorities>,
    passwords: PasswordConfig,
}

impl LocalBackend {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        pool: Arc<HashingPool>,
        priorities: Arc<Priorities>,
        passwords: PasswordConfig,
    ) -> Self {
        Self { store, pool, priorities, passwords }
    }

    async fn judge(&self, request: &VerifyRequest<'_>) -> Result<BackendAnswer, Busy> {
        let rule = HashingRule { params: self.passwords.params, digest_ready: request.realm.digest_logins };
        // A request that can't match still costs one hash: `stored: None` is equal work.
        let (stored, otherwise) = match request.account {
            None => (None, FailureReason::UnknownUser),
            Some(account) => match account.password.as_ref().map(StoredPassword::parse) {
                None | Some(Err(StoredPasswordError::Unusable)) => (None, FailureReason::NoPassword),
                Some(Err(why)) => {
                    tracing::warn!(user = %account.user.id, %why, "a stored password can't be read");
                    (None, FailureReason::BrokenPassword)
                }
                Some(Ok(stored)) => match self.pool.check(&stored) {
                    Ok(()) => (Some(stored), FailureReason::WrongPassword),
                    Err(why) => {
                        tracing::error!(
                            user = %account.user.id, %why,
                            "a stored password needs more memory than [passwords] memory_budget_mib allows"
                        );
                        (None, FailureReason::BrokenPassword)
                    }
                },
            },
        };
        let secret = request.secret.clone();
        // Rocket.Chat's clients send digests, also of the passwords that a Rocket.Chat hashed; else a realm has to take
        // them. Refused after the hash, as any that doesn't match.
        let is_taken = matches!(secret, SecretInput::Password(_))
            || stored.as_ref().is_some_and(|stored| stored.accepts_digest(request.realm.digest_logins));
        let may_be_empty = stored.as_ref().is_some_and(StoredPassword::is_of_zettelstore);
        let job = Verification {
            stored,
            secret: secret.clone(),
            rule,
            context: name_context(request),
            class: self.job_class(request),
        };
        let Verdict::Match { upgrade } = self.pool.verify(job).await? else {
            return Ok(BackendAnswer::Reject(otherwise));
        };
        let Some(account) = request.account else { return Ok(BackendAnswer::Reject(otherwise)) };
        if !is_taken {
            return Ok(BackendAnswer::Reject(FailureReason::DigestNotAccepted));
        }
        if secret.is_empty() {
            // Of a Zettelstore alone: its hash is kept, for a new one could not be told from those of other systems.
            let accepted = || BackendAnswer::Accept(Accepted::new());
            return Ok(if may_be_empty { accepted() } else { BackendAnswer::Reject(otherwise) });
        }
        if upgrade == Upgrade::Obsolete && is_too_weak(request) {
            return Ok(BackendAnswer::Accept(Accepted::reset_required()));
        }
        if upgrade != Upgrade::None
            && let Some(old) = &account.password
        {
            self.rehash(account, old, secret, rule, request).await;
        }
        Ok(BackendAnswer::Accept(Accepted::new()))
    }

    fn job_class(&self, request: &VerifyRequest<'_>) -> JobClass {
        let client = request.peer.client_key();
        self.priorities.job_class(request.realm.id, request.who, request.account, client)
    }

    /// A failed re-hash never fails the login: the next one tries again.
    async fn rehash(
        &self,
        account: &Account,
        old: &PasswordString,
        secret: SecretInput,
        rule: HashingRule,
        request: &VerifyRequest<'_>,
    ) {
        let user = account.user.id;
        match self.pool.hash(secret, rule, self.job_class(request)).await {
            Ok(new) => match self.store.rehash(user, old, &new).await {
                Ok(true) => tracing::info!(%user, "password hashed anew"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%user, %error, "password could not be hashed anew"),
            },
            Err(_) => tracing::warn!(%user, "no room to hash a password anew"),
        }
    }
}

#[async_trait]
impl PasswordBackend for LocalBackend {
    fn name(&self) -> &str {
        Realm::LOCAL
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        match self.judge(request).await {
            Ok(answer) => answer,
            Err(busy) => BackendAnswer::Unavailable(InternalError::busy(busy.retry_after)),
        }
    }
}

/// Whether a password is too weak for what is demanded of one whose hash is obsolete.
fn is_too_weak(request: &VerifyRequest<'_>) -> bool {
    match (request.demand, request.secret) {
        (Some(rule), SecretInput::Password(password)) => strength::check(rule, password, &[]).is_err(),
        _ => false,
    }
}

/// The names that Zettelstore's hashes mix in: the user name as typed where one was typed, else as stored.
fn name_context(request: &VerifyRequest<'_>) -> NameContext {
    let typed = match request.who {
        Identifier::Name { kind: NameKind::UserName, typed } => Some(typed.as_str()),
        _ => None,
    };
    let user = request.account.map(|account| &account.user);
    NameContext {
        zettelstore_id: user.map_or(0, |user| user.external_number(ProtocolName::ZETTELSTORE)),
        user_name: typed.or_else(|| user.and_then(|user| user.user_name())).unwrap_or_default().to_owned(),
    }
}
