//! The local password backend: passwords that this server's store keeps.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Accepted, Account, BackendAnswer, FailureReason, Identifier, InternalError, NameKind, PasswordBackend,
    PasswordString, Realm, SecretInput, Store, VerifyRequest,
};
use auth_crypto::password::{HashingRule, NameContext, Secret, StoredPassword, Unreadable, Upgrade, Verdict};
use auth_crypto::pool::{Busy, HashingPool, Turn, Verification};
use auth_crypto::strength;

use crate::config::{Config, PasswordConfig};
use crate::priority::Priorities;

/// Verifies against stored passwords, and brings them up to date.
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
        config: &Config,
    ) -> Self {
        Self { store, pool, priorities, passwords: config.passwords }
    }

    async fn judge(&self, question: &VerifyRequest<'_>) -> Result<BackendAnswer, Busy> {
        let rule = HashingRule { params: self.passwords.params, digest_ready: question.realm.digest_logins };
        // Whoever can't match still costs one hash: `stored: None` is equal work.
        let (stored, otherwise) = match question.account {
            None => (None, FailureReason::UnknownUser),
            Some(account) => match account.password.as_ref().map(StoredPassword::parse) {
                None | Some(Err(Unreadable::Unusable)) => (None, FailureReason::NoPassword),
                Some(Err(why)) => {
                    tracing::warn!(user = %account.user.id, %why, "a stored password can't be read");
                    (None, FailureReason::BrokenPassword)
                }
                Some(Ok(stored)) => (Some(stored), FailureReason::WrongPassword),
            },
        };
        let secret = Secret::from(question.secret);
        let job = Verification {
            stored,
            secret: secret.clone(),
            rule,
            context: name_context(question),
            turn: self.turn(question),
        };
        let Verdict::Match { upgrade } = self.pool.verify(job).await? else {
            return Ok(BackendAnswer::Reject(otherwise));
        };
        let Some(account) = question.account else { return Ok(BackendAnswer::Reject(otherwise)) };
        if upgrade == Upgrade::Obsolete && is_too_weak(question) {
            return Ok(BackendAnswer::Accept(Accepted::reset_required()));
        }
        if upgrade != Upgrade::None
            && let Some(old) = &account.password
        {
            self.rehash(account, old, secret, rule, question).await;
        }
        Ok(BackendAnswer::Accept(Accepted::new()))
    }

    fn turn(&self, question: &VerifyRequest<'_>) -> Turn {
        let network = question.peer.client_key();
        self.priorities.turn(question.realm.id, question.who, question.account, network)
    }

    /// A failed re-hash never fails the log-in: the next one tries again.
    async fn rehash(
        &self,
        account: &Account,
        old: &PasswordString,
        secret: Secret,
        rule: HashingRule,
        question: &VerifyRequest<'_>,
    ) {
        let user = account.user.id;
        match self.pool.hash(secret, rule, self.turn(question)).await {
            Ok(new) => match self.store.rehash(user, old, &new).await {
                Ok(true) => tracing::info!(%user, "password hash brought up to date"),
                Ok(false) => {}
                Err(error) => tracing::warn!(%user, %error, "password hash could not be brought up to date"),
            },
            Err(_) => tracing::warn!(%user, "no room to bring a password hash up to date"),
        }
    }
}

#[async_trait]
impl PasswordBackend for LocalBackend {
    fn name(&self) -> &str {
        Realm::LOCAL
    }

    async fn verify(&self, question: &VerifyRequest<'_>) -> BackendAnswer {
        match self.judge(question).await {
            Ok(answer) => answer,
            Err(busy) => BackendAnswer::Unavailable(InternalError::busy(busy.retry_after)),
        }
    }
}

/// Whether what is asked of a password with an out-of-date hash is not met.
fn is_too_weak(question: &VerifyRequest<'_>) -> bool {
    match (question.demand, question.secret) {
        (Some(rule), SecretInput::Password(password)) => strength::check(rule, password, &[]).is_err(),
        _ => false,
    }
}

/// What Zettelstore's hashes mix in: the user name as typed where one was typed, else as stored
/// (zettelstore.md 7).
fn name_context(question: &VerifyRequest<'_>) -> NameContext {
    let typed = match question.who {
        Identifier::Name { kind: NameKind::UserName, typed } => Some(typed.as_str()),
        _ => None,
    };
    let user = question.account.map(|account| &account.user);
    NameContext {
        zettelstore_id: user.map_or(0, |user| user.protocols.zettelstore),
        user_name: typed.or_else(|| user.and_then(|user| user.user_name())).unwrap_or_default().to_owned(),
    }
}
