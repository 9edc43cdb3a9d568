//! The check of presented credentials.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    ApiKey, BotKind, CheckReply, Clock, CredentialCheck, CredentialKind, Digest, ExternalId, InternalError,
    LoginName, NameKind, Password, PresentedCredential, Principal, Profile, ProtocolName, RateLimitStatus,
    Realm, RequestLimits, Store, Timestamp, Token, TokenError, TokenPlace, User, fold,
};
use auth_crypto::opaque;
use auth_crypto::zettel_token::{Claims, TokenKind};

use super::cache::{CredentialCache, Holder};
use super::uses::CredentialUses;
use crate::credentials::has_ended;
use crate::grants::{nearest_second, zettelstore_name};
use crate::keys::Keys;
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;

/// Checks presented credentials.
pub(crate) struct CredentialChecker {
    store: Arc<dyn Store>,
    cache: Arc<CredentialCache>,
    realms: Arc<RealmCache>,
    keys: Arc<Keys>,
    limits: Arc<AttemptLimits>,
    uses: Arc<CredentialUses>,
    clock: Arc<dyn Clock>,
}

/// A signed token that is good, and its user.
pub(crate) struct SignedHolder {
    pub(crate) realm: Arc<Realm>,
    pub(crate) holder: Arc<Holder>,
    pub(crate) claims: Arc<Claims>,
}

impl CredentialChecker {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        cache: Arc<CredentialCache>,
        realms: Arc<RealmCache>,
        keys: Arc<Keys>,
        limits: Arc<AttemptLimits>,
        uses: Arc<CredentialUses>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, cache, realms, keys, limits, uses, clock }
    }

    /// Finds the owner of a presented credential.
    pub(crate) async fn check(&self, check: &CredentialCheck) -> CheckReply {
        let (result, rate_limit) = match &check.credential {
            PresentedCredential::ApiKey { email, key } => {
                let result = self.api_key(check.realm.as_deref(), email, key).await;
                self.count_call(check.protocol, result)
            }
            PresentedCredential::AppPassword { name, password } => {
                (self.app_password(check, name, password).await, None)
            }
            PresentedCredential::Token { kinds, owner, token } => {
                (self.token(check, kinds, owner.as_ref(), token).await, None)
            }
            PresentedCredential::SignedToken { token, place } => {
                let found = self.signed_token(check.realm.as_ref(), token, *place).await;
                (found.map(SignedHolder::principal), None)
            }
            _ => (Err(TokenError::Invalid), None),
        };
        if let Err(error) = &result {
            tracing::debug!(
                target: "auth::check",
                protocol = check.protocol.as_str(),
                outcome = error.as_str(),
                client = %check.peer.client_key(),
                "credential refused"
            );
        }
        CheckReply { result, rate_limit }
    }

    /// Looks an API key up by the key alone; the e-mail address merely has to match.
    async fn api_key(
        &self,
        realm: Option<&Realm>,
        email: &str,
        key: &ApiKey,
    ) -> Result<Box<Principal>, TokenError> {
        let digest = opaque::digest(key.expose());
        let read =
            async { Ok(self.store.by_digest(CredentialKind::ZULIP_KEY, &digest).await?.map(Holder::from)) };
        let wanted = |holder: &Holder| holder.is_of(&[CredentialKind::ZULIP_KEY]);
        let found = self.cache.get_or_read(*digest.as_bytes(), wanted, read).await?;
        let now = self.clock.now();
        let holder = found.filter(|holder| !has_ended(&holder.credential, now)).ok_or(TokenError::Invalid)?;
        let user = &holder.user;
        if !user.name(NameKind::Email).is_some_and(|name| is_same(name, email)) {
            return Err(TokenError::Invalid);
        }
        let own_realm = self.realms.by_id(user.realm).await?.ok_or(TokenError::Invalid)?;
        check_state(&own_realm, user)?;
        if realm.is_none_or(|realm| realm.id != user.realm) {
            return Err(TokenError::OtherRealm);
        }
        if user.bot == Some(BotKind::IncomingWebhook) {
            return Err(TokenError::WebhookBot);
        }
        self.uses.note(holder.credential.id, &holder.noted, now);
        Ok(holder.principal(own_realm))
    }

    /// Looks an app password up by itself alone; the name merely has to be one of its owner's.
    async fn app_password(
        &self,
        check: &CredentialCheck,
        name: &str,
        password: &Password,
    ) -> Result<Box<Principal>, TokenError> {
        let realm = check.realm.as_ref().ok_or(TokenError::Invalid)?;
        let digest = opaque::app_password_digest(&opaque::digest(password.expose()));
        let kind = CredentialKind::APP_PASSWORD;
        let read = async { Ok(self.store.by_digest(kind, &digest).await?.map(Holder::from)) };
        let wanted = |holder: &Holder| holder.is_of(&[kind]);
        let found = self.cache.get_or_read(*digest.as_bytes(), wanted, read).await?;
        let now = self.clock.now();
        let holder =
            found.filter(|holder| holder.is_good_at(check.protocol, now)).ok_or(TokenError::Invalid)?;
        let user = &holder.user;
        let is_login_name = |own: &&LoginName| matches!(own.kind, NameKind::UserName | NameKind::Email);
        let is_of_owner = user.names.iter().filter(is_login_name).any(|own| is_same(own, name));
        if user.realm != realm.id || !is_of_owner {
            return Err(TokenError::Invalid);
        }
        check_state(realm, user)?;
        self.uses.note(holder.credential.id, &holder.noted, now);
        Ok(holder.principal(Arc::clone(realm)))
    }

    fn count_call(
        &self,
        protocol: ProtocolName,
        result: Result<Box<Principal>, TokenError>,
    ) -> (Result<Box<Principal>, TokenError>, Option<RateLimitStatus>) {
        let Ok(principal) = &result else { return (result, None) };
        let status = self.limits.admit_user(protocol, principal);
        if status.is_some_and(|status| status.retry_after.is_some()) {
            return (Err(TokenError::Limited), status);
        }
        (result, status)
    }

    /// Looks an opaque token up; token and id must belong to the same user.
    async fn token(
        &self,
        check: &CredentialCheck,
        kinds: &[CredentialKind],
        owner: Option<&ExternalId>,
        token: &Token,
    ) -> Result<Box<Principal>, TokenError> {
        let realm = check.realm.as_ref().ok_or(TokenError::Invalid)?;
        let holder = self.holder(kinds, token).await?.ok_or(TokenError::Invalid)?;
        let user = &holder.user;
        let now = self.clock.now();
        let fits = owner.is_none_or(|owner| user.external_ids.get(check.protocol) == Some(owner))
            && holder.is_good_at(check.protocol, now);
        if !fits || self.uses.is_idle_since(&holder.credential, &holder.noted, now).await? {
            return Err(TokenError::Invalid);
        }
        if user.realm != realm.id {
            // Pages tell a browser so; programs learn nothing of other realms.
            let is_of_pages = holder.is_of(&[CredentialKind::WEB_SESSION]);
            return Err(if is_of_pages { TokenError::OtherRealm } else { TokenError::Invalid });
        }
        check_state(realm, user)?;
        self.uses.note_of(&holder.credential, &holder.noted, now);
        Ok(holder.principal(Arc::clone(realm)))
    }

    /// The holder of an opaque token of one of these kinds: from the cache, else from the store.
    pub(crate) async fn holder(
        &self,
        kinds: &[CredentialKind],
        token: &Token,
    ) -> Result<Option<Arc<Holder>>, InternalError> {
        self.holder_by(kinds, &opaque::digest(token.expose())).await
    }

    async fn holder_by(
        &self,
        kinds: &[CredentialKind],
        digest: &Digest,
    ) -> Result<Option<Arc<Holder>>, InternalError> {
        let read = async {
            for kind in kinds {
                if let Some(found) = self.store.by_digest(*kind, digest).await? {
                    return Ok(Some(Holder::from(found)));
                }
            }
            Ok(None)
        };
        let wanted = |holder: &Holder| holder.is_of(kinds);
        self.cache.get_or_read(*digest.as_bytes(), wanted, read).await
    }

    /// Checks a signed token: signature, kind, end; then that it was issued here and not revoked since, and that its user
    /// still goes by that name.
    pub(crate) async fn signed_token(
        &self,
        realm: Option<&Arc<Realm>>,
        token: &Token,
        place: TokenPlace,
    ) -> Result<SignedHolder, TokenError> {
        let realm = realm.ok_or(TokenError::Invalid)?;
        let kind = match place {
            TokenPlace::Header => TokenKind::Api,
            TokenPlace::Cookie => TokenKind::WebPages,
        };
        const KINDS: &[CredentialKind] = &[CredentialKind::ZETTELSTORE_TOKEN];
        let now = self.clock.now();
        let (keys, digest) = (self.keys.token_keys(realm), opaque::digest(token.expose()));
        let known = self.cache.cached(digest.as_bytes()).filter(|holder| holder.is_of(KINDS));
        let claims = match known.as_ref().and_then(|holder| holder.claims(&keys)) {
            Some(claims) => claims,
            None => Arc::new(keys.verify(token.expose()).map_err(|_| TokenError::Invalid)?),
        };
        if claims.kind != kind || nearest_second(now) > claims.expires {
            return Err(TokenError::Invalid);
        }
        let found = match known {
            Some(holder) => Some(holder),
            None => self.holder_by(KINDS, &digest).await?,
        };
        if let Some(holder) = &found {
            holder.keep_claims(&keys, &claims);
        }
        let is_good = |holder: &Arc<Holder>| {
            let Holder { user, credential: stored, .. } = &**holder;
            let is_timeless = claims.issued == Timestamp::default();
            let issued = if is_timeless { stored.created } else { claims.issued };
            user.realm == realm.id
                && user.external_number(ProtocolName::ZETTELSTORE) == claims.zid
                && zettelstore_name(user) == claims.user
                && issued >= user.valid_from
                && !has_ended(stored, now)
        };
        let holder = found.filter(is_good).ok_or(TokenError::Invalid)?;
        check_state(realm, &holder.user)?;
        self.uses.note(holder.credential.id, &holder.noted, now);
        Ok(SignedHolder { realm: Arc::clone(realm), holder, claims })
    }
}

impl fmt::Debug for CredentialChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialChecker").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Holder {
    /// The user's profile.
    pub(crate) fn profile(&self, realm: Arc<Realm>) -> Profile {
        Profile { user: Arc::clone(&self.user), realm, has_password: self.has_password, totp: self.totp }
    }

    /// Whether the credential is of one of these kinds.
    fn is_of(&self, kinds: &[CredentialKind]) -> bool {
        kinds.contains(&self.credential.kind)
    }

    /// Whether the credential is for a protocol, and has not ended.
    fn is_good_at(&self, protocol: ProtocolName, now: Timestamp) -> bool {
        let protocols = &self.credential.scope.protocols;
        !has_ended(&self.credential, now) && (protocols.is_empty() || protocols.contains(&protocol))
    }

    /// The holder of a stored credential.
    fn principal(&self, realm: Arc<Realm>) -> Box<Principal> {
        let credential = &self.credential;
        Box::new(Principal {
            profile: self.profile(realm),
            credential: Some(credential.id),
            kind: Some(credential.kind),
            parent: credential.parent,
            issued: credential.created,
            expires: credential.expires,
            bypass_second_factor: credential.scope.bypass_second_factor,
        })
    }
}

impl SignedHolder {
    fn principal(self) -> Box<Principal> {
        let Claims { issued, expires, .. } = *self.claims;
        Box::new(Principal { issued, expires: Some(expires), ..*self.holder.principal(self.realm) })
    }
}

/// Whether a name was typed, in any case.
fn is_same(name: &LoginName, typed: &str) -> bool {
    name.exact == typed || fold(&name.exact) == fold(typed)
}

fn check_state(realm: &Realm, user: &User) -> Result<(), TokenError> {
    if !realm.active {
        return Err(TokenError::RealmInactive);
    }
    if user.active { Ok(()) } else { Err(TokenError::UserInactive) }
}
