//! What a successful log-in gives.

use std::time::Duration;

use auth_core::{
    Account, ApiKey, Credential, CredentialId, CredentialKind, Digest, FailureReason, Grant, GrantKind,
    InternalError, LoginError, Realm, Scope, StoreError, Timestamp, Token, TokenForm, User, UserId, fold,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::opaque;
use auth_crypto::zettel_token::{Claims, TokenKind};

use crate::Engine;
use crate::engine::broken;

impl Engine {
    pub(crate) async fn issue(
        &self,
        kind: GrantKind,
        realm: &Realm,
        account: &Account,
    ) -> Result<Grant, InternalError> {
        match kind {
            GrantKind::ZulipKey => Ok(Grant::ZulipKey(self.zulip_key(account).await?)),
            GrantKind::RocketChatToken => self.rocketchat_token(account).await,
            GrantKind::ZettelstoreToken(form) => Ok(self.zettelstore_token(form, realm, &account.user)),
            _ => Err(broken("a grant this engine does not know")),
        }
    }

    /// The account's key; the first log-in of an account without one makes it.
    async fn zulip_key(&self, account: &Account) -> Result<ApiKey, InternalError> {
        let user = account.user.id;
        let kind = CredentialKind::ZulipKey;
        let stored = match self.store.of_user(user, kind).await?.pop() {
            Some(credential) => credential,
            None => {
                let new = self.new_zulip_key(user, &opaque::zulip_api_key(&*self.rng));
                self.store.ensure(&new).await?.ok_or_else(|| broken("the account of a new key"))?
            }
        };
        self.open_zulip_key(&stored)
    }

    pub(crate) fn open_zulip_key(&self, stored: &Credential) -> Result<ApiKey, InternalError> {
        let sealed = stored.sealed.as_deref().ok_or_else(|| broken("a Zulip key without its secret"))?;
        let opened = self
            .ring()
            .open(Purpose::ZulipKey, stored.user.as_bytes(), sealed)
            .map_err(|_| broken("a sealed Zulip key"))?;
        let key = std::str::from_utf8(&opened).map_err(|_| broken("a sealed Zulip key"))?;
        Ok(ApiKey::new(key))
    }

    pub(crate) fn new_zulip_key(&self, user: UserId, key: &ApiKey) -> Credential {
        let sealed =
            self.ring().seal(Purpose::ZulipKey, user.as_bytes(), key.expose().as_bytes(), &*self.rng);
        Credential {
            sealed: Some(sealed),
            ..self.new_credential(user, CredentialKind::ZulipKey, Some(opaque::digest(key.expose())))
        }
    }

    pub(crate) async fn rocketchat_token(&self, account: &Account) -> Result<Grant, InternalError> {
        let token = opaque::rocketchat_token(&*self.rng);
        let rules = &self.config.rocketchat;
        let expires = Some(self.now() + rules.token_lifetime);
        let credential = Credential {
            expires,
            ..self.new_credential(
                account.user.id,
                CredentialKind::RocketChatToken,
                Some(opaque::digest(token.expose())),
            )
        };
        if !self.store.add(&credential, rules.max_tokens).await? {
            return Err(InternalError::unavailable("the user is gone"));
        }
        Ok(Grant::RocketChatToken { token, expires })
    }

    /// The account that holds a log-in token or a personal one, which it keeps (rocketchat.md 3).
    pub(crate) async fn resume(
        &self,
        realm: &Realm,
        token: &Token,
    ) -> Result<Result<(Account, Option<Grant>), LoginError>, InternalError> {
        Ok(match self.holder(token).await? {
            Some((credential, _)) if has_ended(&credential, self.now()) => {
                Err(LoginError::Credentials(FailureReason::ExpiredToken))
            }
            Some((credential, account)) if account.user.realm == realm.id => {
                let grant = Grant::RocketChatToken { token: token.clone(), expires: credential.expires };
                Ok((account, Some(grant)))
            }
            _ => Err(LoginError::Credentials(FailureReason::UnknownToken)),
        })
    }

    /// The credential and account behind a Rocket.Chat token of either kind.
    pub(crate) async fn holder(&self, token: &Token) -> Result<Option<(Credential, Account)>, StoreError> {
        let digest = opaque::digest(token.expose());
        for kind in [CredentialKind::RocketChatToken, CredentialKind::PersonalToken] {
            if let Some(found) = self.store.by_digest(kind, &digest).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    pub(crate) fn zettelstore_token(&self, form: TokenForm, realm: &Realm, user: &User) -> Grant {
        let lifetime = self.config.zettelstore.token_lifetime;
        let issued = issue_second(self.now(), user.valid_from);
        let claims = Claims {
            kind: TokenKind::Api,
            user: zettelstore_name(user),
            zid: user.protocols.zettelstore,
            issued,
            expires: issued + lifetime,
        };
        Grant::ZettelstoreToken { token: self.token_keys(realm).issue(form, &claims), lifetime }
    }

    pub(crate) fn new_credential(
        &self,
        user: UserId,
        kind: CredentialKind,
        digest: Option<Digest>,
    ) -> Credential {
        Credential {
            id: CredentialId::random(&*self.rng),
            user,
            kind,
            digest,
            sealed: None,
            scope: Scope::default(),
            label: None,
            created: self.now(),
            expires: None,
            last_used: None,
            counter: 0,
        }
    }
}

/// The whole second in which a token counts as issued: the nearest one (zettelstore.md 6), and none in which
/// an earlier token would be refused.
fn issue_second(now: Timestamp, valid_from: Timestamp) -> Timestamp {
    let ceiling = Timestamp::from_secs((valid_from + Duration::from_millis(999)).as_secs());
    nearest_second(now).max(ceiling)
}

/// Now, rounded to the nearest second.
pub(crate) fn nearest_second(now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now + Duration::from_millis(500)).as_secs())
}

/// Zettelstore's `user-id`: lower case; an account without a user name goes by its e-mail address.
pub(crate) fn zettelstore_name(user: &User) -> String {
    fold(user.user_name().or_else(|| user.email().map(|email| email.address)).unwrap_or_default())
}

pub(crate) fn has_ended(credential: &Credential, now: Timestamp) -> bool {
    credential.expires.is_some_and(|end| end <= now)
}
