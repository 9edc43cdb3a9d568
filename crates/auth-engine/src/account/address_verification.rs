//! Addresses are verified: with a link by mail, which is good until its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, AddressVerification, Clock, Credential, CredentialKind, Identifier,
    InternalError, Language, LoginName, NameKind, Peer, ProfileUpdate, ProtocolName, Realm, RealmId, Store,
    Timestamp, Token, User,
};
use auth_crypto::opaque;

use super::notices::Notices;
use crate::audit::Auditor;
use crate::credentials::{CredentialFactory, code_has_ended};
use crate::mail_text::{Message, Notice};
use crate::maintenance::outbox::MailQueue;
use crate::profile::{Outcome, ProfileChange, change_profile};
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::{RevocationEvent, RevocationTable};
use crate::timing::mail_step::next_step;
use crate::users::UserFinder;

/// How long a link is good.
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Verifies addresses by mail.
pub(crate) struct AddressVerificationService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) realms: Arc<RealmCache>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) revocations: Arc<RevocationTable>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl AddressVerification for AddressVerificationService {
    async fn mail_address_proof(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError> {
        let started = self.clock.now();
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("the realm of a protocol"))?;
        let account = self.users.find(&realm, &Identifier::email(address)).await?;
        let account = account.filter(|account| realm.active && account.user.active);
        // Mails go to the account's own address, which is the one that logins look at.
        let own = account.as_ref().and_then(|account| account.user.email());
        let unverified = own
            .filter(|own| !own.verified && auth_core::fold(own.address) == auth_core::fold(address.trim()));
        if let (Some(account), Some(own)) = (&account, unverified)
            && self.limits.reserve_mail(CredentialKind::ADDRESS_PROOF, account.user.id, started).await?
        {
            let user = account.user.id;
            let (token, stored) =
                self.credentials.token(user, CredentialKind::ADDRESS_PROOF, Some(started + LIFETIME));
            let stored = Credential { label: Some(own.address.to_owned()), ..stored };
            let message = Message::AddressProof(&token);
            self.mail.post_with(&stored, &account.user, &message, None).await?;
            tracing::info!(target: "auth::account", %user, "link to verify an address mailed");
        }
        Ok(next_step(started, self.clock.now()))
    }

    async fn verify_address(
        &self,
        realm: RealmId,
        token: &Token,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<(), ActionError> {
        let (credential, account) = self.find(realm, token).await?.ok_or(ActionError::WrongToken)?;
        if credential.kind == CredentialKind::ADDRESS_CHANGE {
            return self.change_address(&credential, &account, peer, protocol).await;
        }
        let (user, proved) = (account.user.id, credential.label.as_deref().unwrap_or_default());
        let outcome = change_profile(&*self.store, user, |account| {
            let user = &account.user;
            if !user.names.iter().any(|name| name.kind == NameKind::Email && name.exact == proved) {
                return Err(ActionError::WrongToken);
            }
            let update = with_verified_addresses(user, |address| address == proved);
            // A link that is opened again, by a scanner of mails or by its reader, has nothing more to do.
            if update.names == user.names {
                return Ok(None);
            }
            let audit = self.auditor.by_link(Act::AddressVerified, user, protocol, peer)?;
            Ok(Some(ProfileChange { update, kinds: Vec::new(), valid_from: None, audit }))
        });
        match outcome.await? {
            Outcome::Done => {
                tracing::info!(target: "auth::account", event = Act::AddressVerified.as_str(), %user, "address verified");
            }
            Outcome::Unchanged => {}
            Outcome::NoUser | Outcome::Taken(_) => return Err(ActionError::WrongToken),
        }
        Ok(())
    }
}

impl AddressVerificationService {
    /// The credential of a mailed link that is good now.
    async fn find(
        &self,
        realm: RealmId,
        token: &Token,
    ) -> Result<Option<(Credential, Account)>, ActionError> {
        let (digest, now) = (opaque::digest(token.expose()), self.clock.now());
        for kind in [CredentialKind::ADDRESS_PROOF, CredentialKind::ADDRESS_CHANGE] {
            let found = self.store.by_digest(kind, &digest).await?;
            let found = found.filter(|(credential, account)| {
                account.user.realm == realm && account.user.active && !code_has_ended(credential, now)
            });
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Mails a link to an address that is to become the account's. Nothing is mailed where another account has it, and the
    /// caller isn't told.
    pub(crate) async fn mail_address_change(
        &self,
        account: &Account,
        realm: &Realm,
        address: &str,
        language: Option<Language>,
    ) -> Result<(), ActionError> {
        let (user, now) = (account.user.id, self.clock.now());
        let is_taken = self.users.find(realm, &Identifier::email(address)).await?.is_some();
        let kind = CredentialKind::ADDRESS_CHANGE;
        if is_taken || !self.limits.reserve_mail(kind, user, now).await? {
            return Ok(());
        }
        let (token, stored) = self.credentials.token(user, kind, Some(now + LIFETIME));
        let stored = Credential { label: Some(address.to_owned()), ..stored };
        // An address that waits to be confirmed makes room for the next.
        self.store.remove_of_user(user, &[kind], None, None).await?;
        let message = Message::AddressChange(&token);
        self.mail.post_to(&stored, (&account.user, address), &message, language).await?;
        tracing::info!(target: "auth::account", %user, "link to change an address mailed");
        Ok(())
    }

    /// Gives an account the address to which a link was mailed, in the place of its first one.
    async fn change_address(
        &self,
        credential: &Credential,
        account: &Account,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<(), ActionError> {
        let (user, address) = (account.user.id, credential.label.as_deref().unwrap_or_default());
        let outcome = change_profile(&*self.store, user, |account| {
            let user = &account.user;
            if user.email().is_some_and(|own| own.address == address && own.verified) {
                return Ok::<_, ActionError>(None);
            }
            let own = LoginName { kind: NameKind::Email, exact: address.to_owned(), verified: true };
            let mut names = user.names.clone();
            names.retain(|name| name.kind != NameKind::Email || name.exact != address);
            match names.iter_mut().find(|name| name.kind == NameKind::Email) {
                Some(first) => *first = own,
                None => names.push(own),
            }
            let audit = self.auditor.by_link(Act::AddressChanged, user, protocol, peer)?;
            let kinds = self.revocations.kinds(RevocationEvent::AddressChanged);
            let update = ProfileUpdate::with_names(user, names);
            Ok(Some(ProfileChange { update, kinds, valid_from: None, audit }))
        });
        match outcome.await? {
            Outcome::Done => {
                tracing::info!(target: "auth::account", event = Act::AddressChanged.as_str(), %user, "address changed");
                let notice = Notice::AddressChanged(address.to_owned());
                self.notices.tell(&account.user, notice, protocol, peer).await;
                Ok(())
            }
            Outcome::Unchanged => Ok(()),
            Outcome::NoUser | Outcome::Taken(_) => Err(ActionError::WrongToken),
        }
    }
}

/// The update that verifies those addresses of a user that are meant.
#[must_use]
pub fn with_verified_addresses(user: &User, is_meant: impl Fn(&str) -> bool) -> ProfileUpdate {
    let mut names = user.names.clone();
    for name in names.iter_mut().filter(|name| name.kind == NameKind::Email && is_meant(&name.exact)) {
        name.verified = true;
    }
    ProfileUpdate::with_names(user, names)
}

impl fmt::Debug for AddressVerificationService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressVerificationService").finish_non_exhaustive()
    }
}
