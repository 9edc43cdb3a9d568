//! What an account is signed in with, and the web session of a caller.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Act, ActionError, ApiKey, AuditRecord, Caller, Credential, CredentialId, CredentialKind, Grant,
    NewAppPassword, OwnCredential, OwnCredentials, Password, ProtocolName, RealmId, Rng, Scope, Store, Token,
};
use auth_crypto::opaque;

use super::confirm::{Demand, StepUp};
use super::notices::Notices;
use super::password_reset::PasswordResetService;
use crate::audit::Auditor;
use crate::credentials::{CredentialFactory, has_ended, is_of_same_login};
use crate::grants::GrantIssuer;
use crate::lineage::Lineage;
use crate::mail_text::Notice;
use crate::named_credentials::{Added, add_named};
use crate::rules::RuleSet;
use crate::sealed_texts::SealedTextService;
use crate::token::uses::CredentialUses;

/// The kinds that owners see: what lets somebody in by itself.
const SHOWN: [CredentialKind; 6] = [
    CredentialKind::WEB_SESSION,
    CredentialKind::ROCKETCHAT_TOKEN,
    CredentialKind::ZETTELSTORE_TOKEN,
    CredentialKind::PERSONAL_TOKEN,
    CredentialKind::ZULIP_KEY,
    CredentialKind::APP_PASSWORD,
];

/// The longest name of an app password, in bytes.
const LONGEST_NAME: usize = 100;

/// Lists and ends what accounts are signed in with.
pub(crate) struct OwnCredentialService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) issuer: Arc<GrantIssuer>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) uses: Arc<CredentialUses>,
    pub(crate) texts: Arc<SealedTextService>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl OwnCredentialService {
    fn kinds(&self) -> impl Iterator<Item = CredentialKind> {
        SHOWN.into_iter().chain(self.rules.token_kinds())
    }

    /// The credentials of the caller that are good now.
    async fn of_caller(&self, caller: &Caller<'_>) -> Result<Vec<Credential>, ActionError> {
        let (user, now) = (caller.principal.profile.user.id, self.texts.now());
        let kinds: Vec<CredentialKind> = self.kinds().collect();
        let mut own = self.store.of_kinds(user, &kinds).await?;
        own.retain(|credential| !has_ended(credential, now) && !self.uses.is_idle(credential, now));
        Ok(own)
    }

    /// Puts a new web session in the place of one; it is made where the caller is.
    async fn replace_web_session(
        &self,
        caller: &Caller<'_>,
        old: CredentialId,
        (token, new): (Token, Credential),
    ) -> Result<Grant, ActionError> {
        let new = Credential { origin: Some(caller.peer.into()), ..new };
        if !self.store.replace(old, &new, None).await? {
            return Err(ActionError::NotPermitted);
        }
        Ok(Grant::Token { token, expires: new.expires })
    }
}

#[async_trait]
impl OwnCredentials for OwnCredentialService {
    async fn renew_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let old = web_session(caller)?;
        let account = self.step_up.confirm(caller, Demand::Always).await?;
        let policy = self.rules.of(caller.protocol).token_policy(CredentialKind::WEB_SESSION);
        let expires = Some(self.texts.now() + policy.lifetime);
        let (token, stored) = self.credentials.token(account.user.id, CredentialKind::WEB_SESSION, expires);
        self.replace_web_session(caller, old, (token, stored)).await
    }

    async fn rotate_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let (old, principal) = (web_session(caller)?, caller.principal);
        let (user, expires) = (principal.profile.user.id, principal.expires);
        let (token, stored) = self.credentials.token(user, CredentialKind::WEB_SESSION, expires);
        let stored = Credential {
            created: principal.issued,
            parent: principal.parent,
            last_used: Some(self.texts.now()),
            ..stored
        };
        self.replace_web_session(caller, old, (token, stored)).await
    }

    fn is_fresh(&self, caller: &Caller<'_>) -> bool {
        self.step_up.is_fresh(caller.principal)
    }

    async fn own_credentials(&self, caller: &Caller<'_>) -> Result<Vec<OwnCredential>, ActionError> {
        let own = self.of_caller(caller).await?;
        let mut shown: Vec<OwnCredential> = own
            .into_iter()
            .map(|credential| OwnCredential {
                is_presented: caller.principal.credential == Some(credential.id),
                last_used: self.uses.last_use(&credential),
                id: credential.id,
                kind: credential.kind,
                name: credential.label,
                protocols: credential.scope.protocols,
                created: credential.created,
                expires: credential.expires,
                origin: credential.origin,
            })
            .collect();
        shown.sort_by_key(|credential| (Reverse(credential.is_presented), Reverse(credential.created)));
        Ok(shown)
    }

    async fn end_credential(&self, caller: &Caller<'_>, id: CredentialId) -> Result<(), ActionError> {
        let mut others = self.of_caller(caller).await?;
        let at = others.iter().position(|credential| credential.id == id);
        let credential = others.swap_remove(at.ok_or(ActionError::NoSuchToken)?);
        others.retain(|other| other.kind == CredentialKind::ZETTELSTORE_TOKEN);
        let act = match credential.kind {
            CredentialKind::APP_PASSWORD => Act::AppPasswordRevoked,
            CredentialKind::PERSONAL_TOKEN => Act::PersonalTokenRemoved,
            _ => Act::TokenRevoked,
        };
        let detail = credential.label.clone().unwrap_or_else(|| credential.kind.as_str().to_owned());
        let audit = self.auditor.by_caller(caller, act, &caller.principal.profile.user)?;
        if !self.store.remove(id, Some(&AuditRecord { detail, ..audit })).await? {
            return Err(ActionError::NoSuchToken);
        }
        // Tokens that were renewed from one login are one to their owner.
        for other in others.iter().filter(|other| is_of_same_login(other, &credential)) {
            self.store.remove(other.id, None).await?;
        }
        Ok(())
    }

    fn app_password_protocols(&self, caller: &Caller<'_>) -> Vec<ProtocolName> {
        let is_bot = caller.principal.profile.user.bot.is_some();
        self.rules.app_password_protocols(is_bot, &[]).unwrap_or_default()
    }

    async fn create_app_password(
        &self,
        caller: &Caller<'_>,
        new: &NewAppPassword<'_>,
    ) -> Result<Password, ActionError> {
        let name = new.name.trim();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(auth_core::is_invisible) {
            return Err(ActionError::BadTokenName);
        }
        let is_bot = caller.principal.profile.user.bot.is_some();
        let protocols = self.rules.app_password_protocols(is_bot, new.protocols);
        let protocols = protocols.map_err(|_| ActionError::NotOffered)?;
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        let password = opaque::app_password(&*self.rng);
        let stored = self.credentials.app_password(account.user.id, name, &password);
        let stored = Credential {
            scope: Scope { protocols, ..stored.scope.clone() },
            expires: new.expires,
            origin: Some(caller.peer.into()),
            ..stored
        };
        let audit = self.auditor.by_caller(caller, Act::AppPasswordMade, &account.user)?;
        let audit = AuditRecord { detail: name.to_owned(), ..audit };
        match add_named(&*self.store, &stored, &audit, Act::AppPasswordRevoked).await? {
            Added::Yes => {
                let notice = Notice::AppPasswordMade(name.to_owned());
                self.notices.tell(&account.user, notice, caller.protocol, caller.peer).await;
                Ok(password)
            }
            Added::Taken => Err(ActionError::TokenExists),
            Added::TooMany => Err(ActionError::TooManyTokens),
        }
    }

    async fn api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        Ok(self.issuer.api_key(&account, Lineage::of(caller.peer, None)).await?)
    }

    async fn is_reset_link_good(&self, realm: RealmId, token: &Token) -> Result<bool, ActionError> {
        let found = PasswordResetService::find(&*self.store, realm, token, self.texts.now()).await?;
        Ok(found.is_some())
    }
}

/// The web session that a caller presented.
fn web_session(caller: &Caller<'_>) -> Result<CredentialId, ActionError> {
    let is_web_session = caller.principal.kind == Some(CredentialKind::WEB_SESSION);
    caller.principal.credential.filter(|_| is_web_session).ok_or(ActionError::NotOffered)
}

impl fmt::Debug for OwnCredentialService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCredentialService").finish_non_exhaustive()
    }
}
