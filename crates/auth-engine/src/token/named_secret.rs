//! A name with a secret that may be any of the account's: a Zulip key, an app password, or the password.
//!
//! Keys and app passwords have so many random bits that a digest finds them, and the credential cache keeps them. A password
//! costs a slow hash and a row in the log of attempts, so one that was right is remembered: a keyed digest of it leads to the
//! token of the login that it opened. That token is checked like any other, so that whatever ends it ends what is remembered.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    ApiKey, CredentialCheck, CredentialKind, Digest, FailureReason, Grant, GrantKind, Identifier,
    InternalError, LoginAttempt, LoginError, LoginMethod, LoginReply, NamedSecrets, PresentedCredential,
    Profile, SecondStep, SecretCheck, SecretInput, SecretReply, Token, TokenError,
};
use auth_crypto::keyring::Purpose;
use quick_cache::sync::Cache;

use super::check::CredentialChecker;
use crate::keys::Keys;
use crate::login::pipeline::LoginPipeline;

/// The kind of token that a password opens.
const KIND: CredentialKind = CredentialKind::FORWARD_LOGIN;

/// The passwords that are remembered at most.
const REMEMBERED: usize = 16_384;

/// The length of a Zulip key. Such a secret is looked up among the keys first, which spares a look-up in the store.
const KEY_LENGTH: usize = 32;

/// Judges names with secrets.
pub(crate) struct NamedSecretChecker {
    checker: Arc<CredentialChecker>,
    pipeline: Arc<LoginPipeline>,
    keys: Arc<Keys>,
    remembered: Cache<[u8; 32], Token>,
}

impl NamedSecretChecker {
    pub(crate) fn new(
        checker: Arc<CredentialChecker>,
        pipeline: Arc<LoginPipeline>,
        keys: Arc<Keys>,
    ) -> Self {
        Self { checker, pipeline, keys, remembered: Cache::new(REMEMBERED) }
    }

    /// Checks one credential; `None` where it is none that was issued.
    async fn one(
        &self,
        check: &SecretCheck,
        credential: PresentedCredential,
    ) -> Result<Option<Profile>, LoginError> {
        let check = CredentialCheck {
            protocol: check.protocol,
            realm: Some(Arc::clone(&check.realm)),
            credential,
            peer: check.peer.clone(),
        };
        match self.checker.check(&check).await.result {
            Ok(principal) => Ok(Some(principal.profile)),
            Err(TokenError::Invalid) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    /// The owner of a key or an app password.
    async fn issued(&self, check: &SecretCheck) -> Result<Option<Profile>, LoginError> {
        let key = PresentedCredential::ApiKey {
            email: check.name.clone(),
            key: ApiKey::new(check.secret.expose()),
        };
        let password =
            PresentedCredential::AppPassword { name: check.name.clone(), password: check.secret.clone() };
        let is_like_a_key = check.secret.expose().len() == KEY_LENGTH;
        let (first, second) = if is_like_a_key { (key, password) } else { (password, key) };
        match self.one(check, first).await? {
            Some(found) => Ok(Some(found)),
            None => self.one(check, second).await,
        }
    }

    /// The owner of a password that was right of late.
    async fn remembered(&self, check: &SecretCheck, digest: &Digest) -> Result<Option<Profile>, LoginError> {
        let Some(token) = self.remembered.get(digest.as_bytes()) else { return Ok(None) };
        let found =
            self.one(check, PresentedCredential::Token { kinds: &[KIND], owner: None, token }).await?;
        if found.is_none() {
            self.remembered.remove(digest.as_bytes());
        }
        Ok(found)
    }

    /// Logs in by the password, and remembers it.
    async fn log_in(&self, check: &SecretCheck, digest: &Digest) -> SecretReply {
        let who = match check.name.contains('@') {
            true => Identifier::email(check.name.clone()),
            false => Identifier::user_name(check.name.clone()),
        };
        let attempt = LoginAttempt {
            protocol: check.protocol,
            realm: Arc::clone(&check.realm),
            method: LoginMethod::Password { who, secret: SecretInput::Password(check.secret.clone()) },
            second_step: SecondStep::NotOffered,
            grant: GrantKind::Token(KIND),
            peer: check.peer.clone(),
        };
        let LoginReply { result, not_before, .. } = self.pipeline.log_in(attempt).await;
        let result = result.and_then(|login| match login.grant {
            Grant::Token { token, .. } => {
                self.remembered.insert(*digest.as_bytes(), token);
                Ok(login.profile)
            }
            _ => Err(InternalError::defect("a password was granted something else than a token").into()),
        });
        SecretReply { result, not_before }
    }

    /// The digest by which a password is remembered: of its realm, its name, its client key and itself.
    fn digest(&self, check: &SecretCheck) -> Digest {
        let client = check.peer.client_key().to_string();
        let parts = [check.realm.slug.as_str(), &client, &check.name];
        // Each part with its length, so that no two lists are one text.
        let context: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        let ring = self.keys.ring();
        ring.mac(Purpose::RememberedPassword, context.as_bytes(), check.secret.expose().as_bytes())
    }

    async fn judge(&self, check: &SecretCheck) -> Result<SecretReply, LoginError> {
        let digest = check.takes_passwords.then(|| self.digest(check));
        if let Some(digest) = &digest
            && let Some(found) = self.remembered(check, digest).await?
        {
            return Ok(at_once(Ok(found)));
        }
        match (self.issued(check).await?, digest) {
            (Some(found), _) => Ok(at_once(Ok(found))),
            (None, Some(digest)) => Ok(self.log_in(check, &digest).await),
            (None, None) => Err(LoginError::Credentials(FailureReason::UnknownToken)),
        }
    }
}

#[async_trait]
impl NamedSecrets for NamedSecretChecker {
    async fn check_secret(&self, check: SecretCheck) -> SecretReply {
        self.judge(&check).await.unwrap_or_else(|error| at_once(Err(error)))
    }
}

fn at_once(result: Result<Profile, LoginError>) -> SecretReply {
    SecretReply { result, not_before: None }
}

/// The refusal of a login that stands for that of a credential.
fn refusal(error: TokenError) -> LoginError {
    match error {
        TokenError::RealmInactive => LoginError::RealmInactive,
        TokenError::UserInactive => LoginError::UserInactive,
        TokenError::OtherRealm => LoginError::OtherRealm,
        TokenError::Internal(error) => LoginError::Internal(error),
        _ => LoginError::Forbidden,
    }
}

impl fmt::Debug for NamedSecretChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSecretChecker")
            .field("remembered", &self.remembered.len())
            .finish_non_exhaustive()
    }
}
