//! What a successful login gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, ApiKey, Clock, CredentialKind, Grant, GrantKind, InternalError, ProtocolName, Realm, Store,
    Timestamp, TokenForm, User, fold,
};
use auth_crypto::zettel_token::{Claims, TokenKind};

use crate::credentials::CredentialFactory;
use crate::keys::Keys;
use crate::rules::RuleSet;

/// Issues keys and tokens.
pub(crate) struct GrantIssuer {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    keys: Arc<Keys>,
    rules: Arc<RuleSet>,
    clock: Arc<dyn Clock>,
    /// How long signed tokens live.
    signed_lifetime: Duration,
}

impl GrantIssuer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        credentials: Arc<CredentialFactory>,
        keys: Arc<Keys>,
        rules: Arc<RuleSet>,
        clock: Arc<dyn Clock>,
        signed_lifetime: Duration,
    ) -> Self {
        Self { store, credentials, keys, rules, clock, signed_lifetime }
    }

    /// Issues a grant of a kind. What it stores is durable when this returns.
    pub(crate) async fn issue(
        &self,
        protocol: ProtocolName,
        kind: GrantKind,
        realm: &Realm,
        account: &Account,
    ) -> Result<Grant, InternalError> {
        match kind {
            GrantKind::ApiKey => Ok(Grant::ApiKey(self.api_key(account).await?)),
            GrantKind::Token(kind) => self.token(protocol, kind, account).await,
            GrantKind::SignedToken(form) => Ok(self.signed_token(form, realm, &account.user)),
            _ => Err(InternalError::defect("a kind of grant that the engine doesn't know")),
        }
    }

    /// The account's API key; the first login of an account without one makes it.
    async fn api_key(&self, account: &Account) -> Result<ApiKey, InternalError> {
        let user = account.user.id;
        let stored = match self.store.of_user(user, CredentialKind::ZULIP_KEY).await?.pop() {
            Some(credential) => credential,
            None => {
                let new = self.credentials.zulip_key(user, &self.credentials.new_zulip_key());
                let ensured = self.store.ensure(&new).await?;
                ensured.ok_or_else(|| InternalError::corrupt("the account of a new key"))?
            }
        };
        self.credentials.open_zulip_key(&stored)
    }

    /// A new opaque token.
    pub(crate) async fn token(
        &self,
        protocol: ProtocolName,
        kind: CredentialKind,
        account: &Account,
    ) -> Result<Grant, InternalError> {
        let policy = self.rules.of(protocol).token_policy(kind);
        let expires = Some(self.clock.now() + policy.lifetime);
        let (token, stored) = self.credentials.token(account.user.id, kind, expires);
        if !self.store.add(&stored, policy.keep).await? {
            return Err(InternalError::unavailable("the user is gone"));
        }
        Ok(Grant::Token { token, expires })
    }

    /// A new signed token, of which nothing is stored.
    pub(crate) fn signed_token(&self, form: TokenForm, realm: &Realm, user: &User) -> Grant {
        let lifetime = self.signed_lifetime;
        let issued = issue_second(self.clock.now(), user.valid_from);
        let claims = Claims {
            kind: TokenKind::Api,
            user: zettelstore_name(user),
            zid: user.external_number(ProtocolName::ZETTELSTORE),
            issued,
            expires: issued + lifetime,
        };
        Grant::SignedToken { token: self.keys.token_keys(realm).issue(form, &claims), lifetime }
    }
}

impl fmt::Debug for GrantIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantIssuer").finish_non_exhaustive()
    }
}

/// The whole second in which a token counts as issued: the nearest one, and none in which an earlier token would be
/// refused.
fn issue_second(now: Timestamp, valid_from: Timestamp) -> Timestamp {
    let ceiling = Timestamp::from_secs((valid_from + Duration::from_millis(999)).as_secs());
    nearest_second(now).max(ceiling)
}

/// A moment rounded to the nearest second.
pub(crate) fn nearest_second(now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now + Duration::from_millis(500)).as_secs())
}

/// Zettelstore's `user-id`: lower case; an account without a user name goes by its e-mail address.
pub(crate) fn zettelstore_name(user: &User) -> String {
    fold(user.user_name().or_else(|| user.email().map(|email| email.address)).unwrap_or_default())
}
