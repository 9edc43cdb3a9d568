//! What a successful login gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, ApiKey, AuditRecord, Clock, Credential, CredentialId, CredentialKind, Grant, GrantKind,
    InternalError, Peer, ProtocolName, Realm, Store, StoreError, Timestamp, TokenForm, User, UserId, fold,
};
use auth_crypto::opaque;
use auth_crypto::zettel_token::{Claims, TokenKind};

use crate::config::ZettelstoreConfig;
use crate::credentials::{CredentialFactory, has_ended, is_of_same_login};
use crate::keys::Keys;
use crate::lineage::Lineage;
use crate::rules::RuleSet;

/// The seconds that are tried for a signed token, where another chain of the user has the token of the first.
const SECONDS: u64 = 16;

/// Issues keys and tokens.
pub(crate) struct GrantIssuer {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    keys: Arc<Keys>,
    rules: Arc<RuleSet>,
    clock: Arc<dyn Clock>,
    zettelstore: ZettelstoreConfig,
}

/// A login and its renewals: signed tokens of one user, each of which succeeds another.
#[derive(Clone, Debug)]
struct Chain {
    /// The second in which the first token counts as issued.
    begun: Timestamp,
    lineage: Lineage,
    /// The token to be succeeded; `None` at the login.
    predecessor: Option<CredentialId>,
}

/// What became of a signed token that was asked for.
#[derive(Debug)]
pub(crate) enum SignedGrant {
    /// It is issued.
    Issued(Grant),
    /// The chain has reached its longest age, or its user has no second without a token.
    NoRoom,
    /// The user, the app password or the predecessor is gone.
    Revoked,
}

impl GrantIssuer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        credentials: Arc<CredentialFactory>,
        keys: Arc<Keys>,
        rules: Arc<RuleSet>,
        clock: Arc<dyn Clock>,
        zettelstore: ZettelstoreConfig,
    ) -> Self {
        Self { store, credentials, keys, rules, clock, zettelstore }
    }

    /// Issues a grant of a kind. What it stores is durable when this returns.
    pub(crate) async fn issue(
        &self,
        protocol: ProtocolName,
        kind: GrantKind,
        realm: &Realm,
        account: &Account,
        lineage: Lineage,
    ) -> Result<Grant, InternalError> {
        match kind {
            GrantKind::ApiKey => Ok(Grant::ApiKey(self.api_key(account, lineage).await?)),
            GrantKind::Token(kind) => self.token(protocol, kind, account.user.id, lineage, None).await,
            GrantKind::SignedToken(form) => self.signed_token(form, realm, &account.user, lineage).await,
            _ => Err(InternalError::defect("a kind of grant that the engine doesn't know")),
        }
    }

    /// The account's API key, or that of the app password; the first login without one makes it.
    pub(crate) async fn api_key(&self, account: &Account, lineage: Lineage) -> Result<ApiKey, InternalError> {
        let user = account.user.id;
        let keys = self.store.of_user(user, CredentialKind::ZULIP_KEY).await?;
        let stored = match keys.into_iter().find(|key| key.parent == lineage.parent) {
            Some(credential) => credential,
            None => {
                let new = self.credentials.zulip_key(user, &self.credentials.new_zulip_key());
                let ensured = self.store.ensure(&lineage.apply(new)).await?;
                ensured.ok_or_else(gone)?
            }
        };
        self.credentials.open_zulip_key(&stored)
    }

    /// A new opaque token. That a login gives one is no act of the audit log.
    pub(crate) async fn token(
        &self,
        protocol: ProtocolName,
        kind: CredentialKind,
        user: UserId,
        lineage: Lineage,
        audit: Option<&AuditRecord>,
    ) -> Result<Grant, InternalError> {
        let policy = self.rules.of(protocol).token_policy(kind);
        let expires = lineage.end(Some(self.clock.now() + policy.lifetime));
        let (token, stored) = self.credentials.token(user, kind, expires);
        if !self.store.add(&lineage.apply(stored), policy.keep, audit).await? {
            return Err(gone());
        }
        Ok(Grant::Token { token, expires })
    }

    /// The first signed token of a login.
    async fn signed_token(
        &self,
        form: TokenForm,
        realm: &Realm,
        user: &User,
        lineage: Lineage,
    ) -> Result<Grant, InternalError> {
        let begun = issue_second(self.clock.now(), user.valid_from);
        let chain = Chain { begun, lineage, predecessor: None };
        match self.issue_signed(form, realm, user, chain).await? {
            SignedGrant::Issued(grant) => Ok(grant),
            SignedGrant::NoRoom => Err(InternalError::busy(Duration::from_secs(1))),
            SignedGrant::Revoked => Err(gone()),
        }
    }

    /// The signed token that succeeds another, which stays good until it ends.
    pub(crate) async fn successor(
        &self,
        form: TokenForm,
        realm: &Realm,
        user: &User,
        old: &Credential,
        peer: &Peer,
    ) -> Result<SignedGrant, InternalError> {
        let Some(lineage) = Lineage::of_session(&*self.store, peer, user.id, old.parent).await? else {
            return Ok(SignedGrant::Revoked);
        };
        let chain = Chain { begun: old.created, lineage, predecessor: Some(old.id) };
        self.issue_signed(form, realm, user, chain).await
    }

    /// Issues a signed token and stores its digest.
    ///
    /// A token says no more than its user, a second and its end, so that all tokens of a user from one second are the same.
    /// Those of one login are one; another login's token is issued for the next second that has none.
    async fn issue_signed(
        &self,
        form: TokenForm,
        realm: &Realm,
        user: &User,
        chain: Chain,
    ) -> Result<SignedGrant, InternalError> {
        let now = self.clock.now();
        let first = issue_second(now, user.valid_from);
        let last = chain.lineage.end(Some(chain.begun + self.zettelstore.session_lifetime));
        let last = last.map_or(first, |last| Timestamp::from_secs(last.as_secs()));
        for later in 0..SECONDS {
            let issued = first + Duration::from_secs(later);
            let expires = last.min(issued + self.zettelstore.token_lifetime);
            if expires < issued {
                return Ok(SignedGrant::NoRoom);
            }
            let claims = Claims {
                kind: TokenKind::Api,
                user: zettelstore_name(user),
                zid: user.external_number(ProtocolName::ZETTELSTORE),
                issued,
                expires,
            };
            let token = self.keys.token_keys(realm).issue(form, &claims);
            let digest = opaque::digest(token.expose());
            let kind = CredentialKind::ZETTELSTORE_TOKEN;
            let stored = Credential {
                created: chain.begun,
                // A token is good through its last second, and clocks are rounded to the nearest.
                expires: Some(expires + Duration::from_secs(1)),
                ..self.credentials.credential(user.id, kind, Some(digest))
            };
            let stored = chain.lineage.apply(stored);
            let added = match chain.predecessor {
                Some(predecessor) => self.store.succeed(predecessor, &stored).await,
                None => self.store.add(&stored, u32::MAX, None).await,
            };
            let is_there = match added {
                Ok(false) => return Ok(SignedGrant::Revoked),
                Ok(true) => true,
                Err(StoreError::Conflict(_)) => {
                    let other = self.store.by_digest(kind, &digest).await?;
                    other.is_some_and(|(other, _)| {
                        is_of_same_login(&other, &stored) && !has_ended(&other, now)
                    })
                }
                Err(error) => return Err(error.into()),
            };
            if is_there {
                let lifetime = expires.since(issued);
                return Ok(SignedGrant::Issued(Grant::SignedToken { token, lifetime }));
            }
        }
        Ok(SignedGrant::NoRoom)
    }
}

/// The error of a grant whose account or app password ended while it was made.
fn gone() -> InternalError {
    InternalError::unavailable("the account or the app password is gone")
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
