//! Lost passwords: a token by mail, good once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, Clock, Credential, CredentialKind, Identifier, InternalError, Language,
    LoginError, NameKind, Password, PasswordReset, Peer, Profile, ProtocolName, RealmId, ResetLinkReply,
    ResetLinkRequest, Store, StoreError, Timestamp, Token,
};
use auth_crypto::opaque;

use super::notices::Notices;
use super::passwords::{PasswordError, PasswordService};
use crate::audit::Auditor;
use crate::credentials::{CredentialFactory, code_has_ended};
use crate::mail_text::{Message, Notice, ResetAnswer};
use crate::maintenance::outbox::{Letterhead, MailQueue};
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::rules::RuleSet;
use crate::timing::mail_step::next_step;
use crate::users::UserFinder;

/// How long a token is good.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How long a token of Zulip's pages is good.
const ZULIP_LIFETIME: Duration = Duration::from_secs(3 * 24 * 3600);

/// Tokens of Zulip's pages that an account has at a time: more are not mailed in their life.
const MOST_TOKENS: u32 = 15;

/// Browsers that stand for one token at a time.
const MOST_VISITS: u32 = 5;

/// Resets lost passwords by mail.
pub(crate) struct PasswordResetService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) realms: Arc<RealmCache>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) passwords: Arc<PasswordService>,
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rules: Arc<RuleSet>,
    /// Whether lost passwords are reset by mail.
    pub(crate) is_offered: bool,
}

impl PasswordResetService {
    /// The account of a realm whose password a mailed token would set now.
    pub(crate) async fn find(
        store: &dyn Store,
        realm: RealmId,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<(Credential, Account)>, StoreError> {
        Ok(Self::find_anywhere(store, token, now).await?.filter(|(_, account)| account.user.realm == realm))
    }

    /// The account of any realm whose password a mailed token, or a browser that opened its link, would set now.
    async fn find_anywhere(
        store: &dyn Store,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<(Credential, Account)>, StoreError> {
        let digest = opaque::digest(token.expose());
        let found = match store.by_digest(CredentialKind::PASSWORD_RESET, &digest).await? {
            Some(found) => Some(found),
            None => store.by_digest(CredentialKind::RESET_VISIT, &digest).await?,
        };
        Ok(found.filter(|(credential, account)| {
            account.user.active
                && account.user.name(NameKind::Directory).is_none()
                && !code_has_ended(credential, now)
        }))
    }

    /// Mails an account a link; `false` when it was sent too many of late.
    pub(crate) async fn mail_link(
        &self,
        account: &Account,
        language: Option<Language>,
        now: Timestamp,
    ) -> Result<bool, InternalError> {
        let (kind, user) = (CredentialKind::PASSWORD_RESET, account.user.id);
        if !self.limits.reserve_mail(kind, user, now).await? {
            return Ok(false);
        }
        let (token, stored) = self.credentials.token(user, kind, Some(now + LIFETIME));
        let message = Message::PasswordReset(&token);
        self.mail.post_with(&stored, &account.user, &message, language).await?;
        tracing::info!(target: "auth::account", %user, "password reset mailed");
        Ok(true)
    }

    /// Mails an account a link, or why it gets none.
    async fn mail_to_account(
        &self,
        asked: &ResetLinkRequest<'_>,
        account: &Account,
        now: Timestamp,
    ) -> Result<(), InternalError> {
        let user = &account.user;
        if user.name(NameKind::Directory).is_some() {
            // People of a directory have their passwords there.
            return Ok(());
        }
        let outcome = if user.active {
            let expires = Some(now + ZULIP_LIFETIME);
            let (token, stored) = self.credentials.token(user.id, CredentialKind::PASSWORD_RESET, expires);
            if !self.store.add(&stored, MOST_TOKENS, None).await? {
                return Ok(());
            }
            tracing::info!(target: "auth::account", user = %user.id, "link for a new password mailed");
            ResetAnswer::Link(asked.links.reset(asked.realm, user, &token))
        } else {
            ResetAnswer::Deactivated
        };
        let address = user.email().map(|email| email.address).unwrap_or_default();
        // To a deactivated account as to a stranger: by no name.
        let name = if user.active { user.full_name.as_str() } else { "" };
        self.answer(asked, (address, name), user.language, &outcome).await
    }

    /// Mails an address that no account of the realm has where it has accounts.
    async fn mail_to_stranger(&self, asked: &ResetLinkRequest<'_>) -> Result<(), InternalError> {
        let mut elsewhere = Vec::new();
        for id in self.store.realms_of(NameKind::Email, asked.address).await? {
            let Some(realm) = self.realms.by_id(id).await?.filter(|realm| realm.active) else { continue };
            let account = self.users.find(&realm, &Identifier::email(asked.address)).await?;
            if account.is_some_and(|account| account.user.active) {
                elsewhere.push(asked.links.realm(&realm));
            }
        }
        self.answer(asked, (asked.address, ""), None, &ResetAnswer::NoAccount { elsewhere }).await
    }

    /// Mails the answer to an address, with the name of its reader where that is told, and in the language of the account or
    /// else of the request. The head is as in Zulip's mails.
    async fn answer(
        &self,
        asked: &ResetLinkRequest<'_>,
        (address, name): (&str, &str),
        language: Option<Language>,
        answer: &ResetAnswer,
    ) -> Result<(), InternalError> {
        let (realm, url) = (asked.realm.name.as_str(), asked.links.realm(asked.realm));
        let host = url.split_once("://").map_or(url.as_str(), |(_, host)| host);
        let letterhead = Letterhead {
            sender: format!("{} account security", asked.links.host()),
            recipient: name.to_owned(),
            list: format!("{realm} <{host}>"),
        };
        let message = Message::ResetAnswer { typed: asked.address, realm, url: &url, answer };
        self.mail.post_letter(address, &letterhead, &message, [language, asked.peer.language]).await
    }
}

#[async_trait]
impl PasswordReset for PasswordResetService {
    async fn forgot_password(
        &self,
        realm: RealmId,
        address: &str,
        language: Option<Language>,
    ) -> Result<Timestamp, ActionError> {
        if !self.is_offered {
            return Err(ActionError::NotOffered);
        }
        let started = self.clock.now();
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("the realm of a protocol"))?;
        let account = self.users.find(&realm, &Identifier::email(address)).await?;
        // People of a directory have their passwords there.
        let account = account.filter(|account| {
            realm.active && account.user.active && account.user.name(NameKind::Directory).is_none()
        });
        if let Some(account) = account {
            self.mail_link(&account, language, started).await?;
        }
        Ok(next_step(started, self.clock.now()))
    }

    async fn mail_reset_link(&self, asked: &ResetLinkRequest<'_>) -> Result<ResetLinkReply, ActionError> {
        if !self.is_offered {
            return Err(ActionError::NotOffered);
        }
        let started = self.clock.now();
        let takes_passwords = self.rules.of(asked.protocol).takes_passwords() && asked.realm.password_login;
        if !asked.realm.active || !takes_passwords {
            return Ok(ResetLinkReply { rate_limit: None, not_before: started });
        }
        let client = asked.peer.client_key();
        let counted = self.limits.reserve_reset_link(asked.address, client, started).await;
        let rate_limit = counted.map_err(|error| match error {
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                ActionError::TooManyAttempts(retry_after)
            }
            LoginError::Internal(error) => error.into(),
            other => InternalError::defect(other).into(),
        })?;
        match self.users.find(asked.realm, &Identifier::email(asked.address)).await? {
            Some(account) => self.mail_to_account(asked, &account, started).await?,
            None => self.mail_to_stranger(asked).await?,
        }
        Ok(ResetLinkReply { rate_limit, not_before: next_step(started, self.clock.now()) })
    }

    async fn open_reset_link(
        &self,
        token: &Token,
        cookie: Option<&Token>,
    ) -> Result<Option<Token>, ActionError> {
        let found = Self::find_anywhere(&*self.store, token, self.clock.now()).await?;
        let Some((link, _)) = found.filter(|(found, _)| found.kind == CredentialKind::PASSWORD_RESET) else {
            return Ok(None);
        };
        let kind = CredentialKind::RESET_VISIT;
        let cookie = cookie.cloned().unwrap_or_else(|| self.credentials.new_token(kind));
        let digest = opaque::digest(cookie.expose());
        // A browser stands for the link that it opened last.
        if let Some((earlier, _)) = self.store.by_digest(kind, &digest).await? {
            self.store.remove(earlier.id, None).await?;
        }
        let visit = Credential {
            parent: Some(link.id),
            expires: link.expires,
            ..self.credentials.credential(link.user, kind, Some(digest))
        };
        Ok(self.store.add(&visit, MOST_VISITS, None).await?.then_some(cookie))
    }

    async fn owner_of_reset_link(&self, token: &Token) -> Result<Option<Profile>, ActionError> {
        let found = Self::find_anywhere(&*self.store, token, self.clock.now()).await?;
        let Some((_, account)) = found else { return Ok(None) };
        let realm = self.realms.by_id(account.user.realm).await?;
        Ok(realm.map(|realm| Profile::new(account, realm)))
    }

    fn judge_new_password(&self, owner: &Profile, new: &Password) -> Result<(), ActionError> {
        Ok(self.passwords.check_new(&owner.realm, &owner.user, new)?)
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<Profile, ActionError> {
        let found = Self::find(&*self.store, realm, token, self.clock.now()).await?;
        let (credential, account) = found.ok_or(ActionError::WrongToken)?;
        let hashed = self.passwords.hash(&account, new, false, peer.client_key()).await?;
        let audit = self.auditor.by_link(Act::PasswordReset, &account.user, protocol, peer)?;
        // Of two requests with one token one sets its password.
        let link = credential.parent.unwrap_or(credential.id);
        if !self.store.remove(link, None).await? {
            return Err(ActionError::WrongToken);
        }
        let user = account.user.id;
        let set = self.passwords.store(&account.user, &hashed, None, &audit).await?;
        if !set {
            return Err(ActionError::WrongToken);
        }
        tracing::info!(target: "auth::account", event = Act::PasswordReset.as_str(), %user, "password reset");
        self.notices.tell(&account.user, Notice::PasswordReset, protocol, peer).await;
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("an account's realm"))?;
        Ok(Profile::new(account, realm))
    }
}

impl From<PasswordError> for ActionError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Empty | PasswordError::TooWeak(_) | PasswordError::TooLong => {
                Self::WeakPassword(Vec::new())
            }
            PasswordError::AgainstPolicy(rules) => Self::WeakPassword(rules),
            PasswordError::NoUser => Self::NoSuchUser,
            PasswordError::NoRealm => InternalError::corrupt("an account's realm").into(),
            PasswordError::Internal(error) => error.into(),
        }
    }
}

impl fmt::Debug for PasswordResetService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordResetService").field("is_offered", &self.is_offered).finish_non_exhaustive()
    }
}
