//! The check of presented credentials.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    ApiKey, BotKind, CheckReply, CredentialCheck, CredentialKind, Grant, InternalError, LoginName, Lookup,
    NameKind, PresentedCredential, Principal, Profile, RateLimitStatus, Realm, RealmId, Timestamp, Token,
    TokenError, TokenForm, User, fold,
};
use auth_crypto::opaque;
use auth_crypto::zettel_token::{Claims, TokenKind};

use crate::Engine;
use crate::grant::{has_ended, nearest_second, zettelstore_name};
use crate::known::{Key, Known};

type Checked = Result<Box<Principal>, TokenError>;

impl Engine {
    pub(crate) async fn checked(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        let realm = presentation.realm;
        let (outcome, rate_limit) = match &presentation.credential {
            PresentedCredential::ZulipKey { email, key } => {
                let outcome = self.zulip_principal(realm, email, key).await?;
                self.count_call(outcome)
            }
            PresentedCredential::RocketChatToken { user_id, token } => {
                (self.rocketchat_principal(realm, user_id, token).await?, None)
            }
            PresentedCredential::ZettelstoreToken(token) => {
                let found = self.zettelstore_principal(realm, token, TokenKind::Api).await?;
                (found.map(|(principal, ..)| principal), None)
            }
            PresentedCredential::ZettelstoreCookie(token) => {
                let found = self.zettelstore_principal(realm, token, TokenKind::WebPages).await?;
                (found.map(|(principal, ..)| principal), None)
            }
            _ => (Err(TokenError::Invalid), None),
        };
        if let Err(refusal) = &outcome {
            tracing::debug!(
                target: "auth::check",
                protocol = presentation.protocol.as_str(),
                outcome = refusal.as_str(),
                network = %presentation.peer.client_key(),
                "credential refused"
            );
        }
        Ok(CheckReply { outcome, rate_limit })
    }

    /// A good token for a good token (zettelstore.md 3). A young one comes back as it is, of whichever kind.
    pub(crate) async fn renewed(
        &self,
        presentation: CredentialCheck,
        form: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        let (token, kind) = match &presentation.credential {
            PresentedCredential::ZettelstoreToken(token) => (token, TokenKind::Api),
            PresentedCredential::ZettelstoreCookie(token) => (token, TokenKind::WebPages),
            _ => return Ok(Err(TokenError::Invalid)),
        };
        let found = self.zettelstore_principal(presentation.realm, token, kind).await?;
        let (principal, known, claims) = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if claims.issued == Timestamp::default() {
            // A token that doesn't say when it was issued renews to itself, with nothing left.
            let grant = Grant::ZettelstoreToken { token: token.clone(), lifetime: Duration::ZERO };
            return Ok(Ok(grant));
        }
        let age = nearest_second(self.now()).since(claims.issued);
        let life = claims.expires.since(claims.issued);
        if age * 4 < life {
            let grant = Grant::ZettelstoreToken { token: token.clone(), lifetime: life - age };
            return Ok(Ok(grant));
        }
        Ok(Ok(self.zettelstore_token(form, &principal.profile.realm, &known.user)))
    }

    /// zulip.md 5.1: looked up by the key alone; the e-mail address merely has to match.
    async fn zulip_principal(
        &self,
        realm: RealmId,
        email: &str,
        key: &ApiKey,
    ) -> Result<Checked, InternalError> {
        let digest = opaque::digest(key.expose());
        let read =
            async { Ok(self.store.by_digest(CredentialKind::ZulipKey, &digest).await?.map(Known::from)) };
        let Some(known) = self.known(Key::Zulip(*digest.as_bytes()), read).await? else {
            return Ok(Err(TokenError::Invalid));
        };
        let user = &known.user;
        let same = |name: &LoginName| name.exact == email || fold(&name.exact) == fold(email);
        if !user.name(NameKind::Email).is_some_and(same) {
            return Ok(Err(TokenError::Invalid));
        }
        let Some(own_realm) = self.realm_by_id(user.realm).await? else {
            return Ok(Err(TokenError::Invalid));
        };
        Ok(if let Some(refusal) = refused_state(&own_realm, user) {
            Err(refusal)
        } else if user.realm != realm {
            Err(TokenError::OtherRealm)
        } else if user.bot == Some(BotKind::IncomingWebhook) {
            Err(TokenError::WebhookBot)
        } else {
            Ok(principal(own_realm, &known))
        })
    }

    fn count_call(&self, outcome: Checked) -> (Checked, Option<RateLimitStatus>) {
        let Ok(principal) = outcome else { return (outcome, None) };
        let rate_limit = self.limits.zulip_call(principal.profile.user.id, self.now());
        if rate_limit.is_some_and(|rate_limit| rate_limit.retry_after.is_some()) {
            return (Err(TokenError::Limited), rate_limit);
        }
        (Ok(principal), rate_limit)
    }

    /// rocketchat.md 3.1: token and id must belong to the same user.
    async fn rocketchat_principal(
        &self,
        realm: RealmId,
        user_id: &str,
        token: &Token,
    ) -> Result<Checked, InternalError> {
        let key = Key::RocketChat(*opaque::digest(token.expose()).as_bytes());
        let read = async { Ok(self.holder(token).await?.map(Known::from)) };
        let Some(known) = self.known(key, read).await? else {
            return Ok(Err(TokenError::Invalid));
        };
        let user = &known.user;
        let now = self.now();
        let fits = user.protocols.rocketchat == user_id
            && user.realm == realm
            && known.credential.as_ref().is_some_and(|credential| !has_ended(credential, now));
        let Some(realm) = self.realm_by_id(realm).await?.filter(|_| fits) else {
            return Ok(Err(TokenError::Invalid));
        };
        Ok(match refused_state(&realm, &known.user) {
            Some(refusal) => Err(refusal),
            None => Ok(principal(realm, &known)),
        })
    }

    /// zettelstore.md 5 and 6: signature, kind, end, then the user: there, of that name, and not told to log in
    /// again since.
    async fn zettelstore_principal(
        &self,
        realm: RealmId,
        token: &Token,
        kind: TokenKind,
    ) -> Result<Result<(Box<Principal>, Arc<Known>, Claims), TokenError>, InternalError> {
        let Some(realm) = self.realm_by_id(realm).await? else {
            return Ok(Err(TokenError::Invalid));
        };
        let now = nearest_second(self.now());
        let claims = self.token_keys(&realm).verify(token.expose()).ok();
        let Some(claims) = claims.filter(|claims| claims.kind == kind && now <= claims.expires) else {
            return Ok(Err(TokenError::Invalid));
        };
        let lookup = Lookup::ZettelstoreId(claims.zid);
        let read = async { Ok(self.store.find(realm.id, &lookup).await?.map(Known::from)) };
        let found = self.known(Key::Zettelstore(realm.id, claims.zid), read).await?;
        let Some(known) = found.filter(|known| {
            zettelstore_name(&known.user) == claims.user && claims.issued >= known.user.valid_from
        }) else {
            return Ok(Err(TokenError::Invalid));
        };
        if let Some(refusal) = refused_state(&realm, &known.user) {
            return Ok(Err(refusal));
        }
        let principal = Principal {
            profile: profile(realm, &known),
            credential: None,
            kind: None,
            issued: claims.issued,
            expires: Some(claims.expires),
            bypass_second_factor: false,
        };
        Ok(Ok((Box::new(principal), known, claims)))
    }
}

/// Whoever holds a stored credential.
fn principal(realm: Arc<Realm>, known: &Known) -> Box<Principal> {
    let credential = known.credential.as_ref();
    Box::new(Principal {
        profile: profile(realm, known),
        credential: credential.map(|credential| credential.id),
        kind: credential.map(|credential| credential.kind),
        issued: credential.map(|credential| credential.created).unwrap_or_default(),
        expires: credential.and_then(|credential| credential.expires),
        bypass_second_factor: credential.is_some_and(|credential| credential.scope.bypass_second_factor),
    })
}

fn profile(realm: Arc<Realm>, known: &Known) -> Profile {
    let Known { user, has_password, totp, .. } = known;
    Profile { user: Arc::clone(user), realm, has_password: *has_password, totp: *totp }
}

fn refused_state(realm: &Realm, user: &User) -> Option<TokenError> {
    if !realm.active {
        return Some(TokenError::RealmInactive);
    }
    (!user.active).then_some(TokenError::UserInactive)
}
