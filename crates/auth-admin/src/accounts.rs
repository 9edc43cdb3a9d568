//! Accounts: found, listed, given a password, deactivated, deleted.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, Actor, AuditRecord, ClientKey, CredentialKind, LoginName, Lookup, NameKind, Password,
    ProfileUpdate, Realm, Revocation, Store, StoreError, Timestamp, Token, UserId, check_login_name,
};
use auth_engine::{
    Auditor, CredentialFactory, Engine, Outcome, PasswordService, ProfileChange, RevocationEvent,
    RevocationTable, change_profile, with_verified_addresses,
};

use crate::error::AdminError;

/// Links for a new password that an account has at a time.
const MOST_RESETS: u32 = 5;

/// Administers accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    passwords: Arc<PasswordService>,
    revocations: Arc<RevocationTable>,
    credentials: Arc<CredentialFactory>,
    auditor: Arc<Auditor>,
    /// Who acts, for the audit log.
    actor: Actor,
}

impl Accounts {
    /// Administers the accounts of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            store: Arc::clone(engine.store()),
            passwords: Arc::clone(engine.passwords()),
            revocations: Arc::clone(engine.revocations()),
            credentials: Arc::clone(engine.credentials()),
            auditor: Arc::clone(engine.auditor()),
            actor: Actor::Operator,
        }
    }

    /// Acts for a directory: the audit log names it in place of the operator.
    #[must_use]
    pub fn for_directory(self, name: &str) -> Self {
        Self { actor: Actor::Directory(name.to_owned()), ..self }
    }

    fn audit(&self, act: Act, account: &Account) -> AuditRecord {
        AuditRecord { actor: self.actor.clone(), ..self.auditor.by_command_on(act, &account.user, "") }
    }

    /// All realms, by slug.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn realms(&self) -> Result<Vec<Realm>, AdminError> {
        Ok(self.store.realms().await?)
    }

    /// The realm of that slug.
    ///
    /// # Errors
    /// [`AdminError::NoRealm`] or [`AdminError::Store`].
    pub async fn realm(&self, slug: &str) -> Result<Realm, AdminError> {
        let realms = self.store.realms().await?;
        realms.into_iter().find(|realm| realm.slug == slug).ok_or(AdminError::NoRealm)
    }

    /// The account that an operator means: by user name, e-mail address or id, in one realm or in all.
    ///
    /// # Errors
    /// [`AdminError`] when no account or more than one is meant, or the store can't tell.
    pub async fn find(&self, realm: Option<&str>, name: &str) -> Result<Account, AdminError> {
        if let Ok(id) = name.parse::<UserId>()
            && let Some(account) = self.store.user(id).await?
        {
            return Ok(account);
        }
        let realms = match realm {
            Some(slug) => vec![self.realm(slug).await?],
            None => self.store.realms().await?,
        };
        let mut found = None;
        for realm in realms {
            for kind in NameKind::ALL {
                let Some(account) = self.store.find(realm.id, &Lookup::Name(kind, name)).await? else {
                    continue;
                };
                if found.is_some() {
                    return Err(AdminError::SeveralRealms);
                }
                found = Some(account);
                break;
            }
        }
        found.ok_or(AdminError::NoUser)
    }

    /// Up to `limit` accounts of a realm by id, from the first after `after` on.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn list(
        &self,
        realm: &Realm,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, AdminError> {
        Ok(self.store.users(realm.id, after, limit).await?)
    }

    /// Checks that a new password is strong enough for a realm, or for one to be made. `names` are the user's own, which
    /// make a password weaker.
    ///
    /// # Errors
    /// [`AdminError::Password`].
    pub fn check_strength(
        &self,
        realm: Option<&Realm>,
        password: &Password,
        names: &[&str],
    ) -> Result<(), AdminError> {
        Ok(self.passwords.check_strength(realm, password, names)?)
    }

    /// Sets a password and revokes what was signed in before.
    ///
    /// # Errors
    /// [`AdminError`] when the password is too weak (unless `allow_weak`) or too long, or the store can't.
    pub async fn set_password(
        &self,
        account: &Account,
        password: &Password,
        allow_weak: bool,
    ) -> Result<(), AdminError> {
        let audit = self.audit(Act::PasswordSet, account);
        Ok(self.passwords.set(account, password, allow_weak, ClientKey::default(), &audit).await?)
    }

    /// Makes a token with which the owner of an account sets a new password, once, until a moment. The second factor stays.
    ///
    /// # Errors
    /// [`AdminError::OfDirectory`] when the account's password is kept elsewhere, [`AdminError::Inactive`] when the account is
    /// deactivated, [`AdminError::NoUser`] when it is gone, or [`AdminError::Store`].
    pub async fn make_reset_token(&self, account: &Account, until: Timestamp) -> Result<Token, AdminError> {
        if account.user.name(NameKind::Directory).is_some() {
            return Err(AdminError::OfDirectory);
        }
        if !account.user.active {
            return Err(AdminError::Inactive);
        }
        let user = account.user.id;
        let (token, stored) = self.credentials.token(user, CredentialKind::PASSWORD_RESET, Some(until));
        let audit = self.audit(Act::ResetLinkMade, account);
        // A link that was mailed before stays good: its owner may have it open.
        let is_there = self.store.add(&stored, MOST_RESETS, Some(&audit)).await?;
        if is_there { Ok(token) } else { Err(AdminError::NoUser) }
    }

    /// Takes an account's addresses for verified, by the operator's word; `false` when each of them was.
    ///
    /// # Errors
    /// [`AdminError::NoAddress`] when the account has none, [`AdminError::NoUser`] when it is gone, or
    /// [`AdminError::Store`].
    pub async fn verify_addresses(&self, account: &Account) -> Result<bool, AdminError> {
        let user = &account.user;
        if user.email().is_none() {
            return Err(AdminError::NoAddress);
        }
        let outcome = change_profile(&*self.store, user.id, |account| {
            let update = with_verified_addresses(&account.user, |_| true);
            if update.names == account.user.names {
                return Ok::<_, StoreError>(None);
            }
            let audit = self.audit(Act::AddressVerified, account);
            Ok(Some(ProfileChange { update, kinds: Vec::new(), valid_from: None, audit }))
        });
        match outcome.await? {
            Outcome::Done => Ok(true),
            Outcome::Unchanged => Ok(false),
            Outcome::NoUser => Err(AdminError::NoUser),
            Outcome::Taken(what) => Err(StoreError::Conflict(what).into()),
        }
    }

    /// Deactivates an account, which refuses everything at once and ends its sessions but keeps its keys sealed, or
    /// activates it again. The bots that it owns go with it, and don't come back with it.
    ///
    /// # Errors
    /// [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn set_active(&self, account: &Account, active: bool) -> Result<(), AdminError> {
        let kinds = self.revocations.kinds(RevocationEvent::Deactivated);
        let revocation = if active { Revocation::NOTHING } else { self.deactivation(&kinds) };
        let audit = self.audit(if active { Act::Activated } else { Act::Deactivated }, account);
        let is_there = self.store.set_active(account.user.id, active, &revocation, Some(&audit)).await?;
        if is_there { Ok(()) } else { Err(AdminError::NoUser) }
    }

    /// What a deactivation revokes.
    fn deactivation<'k>(&self, kinds: &'k [CredentialKind]) -> Revocation<'k> {
        Revocation { valid_from: Some(self.passwords.next_valid_from()), kinds, except: None }
    }

    /// Gives an account to an entry of its directory, by the entry's id, and takes it from the one that it belonged to.
    ///
    /// # Errors
    /// [`AdminError::BadEntry`] when no entry can have the id, [`AdminError::EntryOfAnother`] when another account belongs to
    /// the entry, [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn relink(&self, account: &Account, entry: &str) -> Result<(), AdminError> {
        if entry.trim() != entry || check_login_name(NameKind::Directory, entry).is_err() {
            return Err(AdminError::BadEntry);
        }
        let outcome = change_profile(&*self.store, account.user.id, |account| {
            let user = &account.user;
            let former = user.name(NameKind::Directory).map(|name| name.exact.as_str());
            let (act, event) = RevocationEvent::of_link(former);
            let detail = former.unwrap_or_default().to_owned();
            let mut names: Vec<LoginName> =
                user.names.iter().filter(|name| name.kind != NameKind::Directory).cloned().collect();
            names.push(LoginName { kind: NameKind::Directory, exact: entry.to_owned(), verified: false });
            Ok::<_, StoreError>(Some(ProfileChange {
                update: ProfileUpdate::with_names(user, names),
                kinds: self.revocations.kinds(event),
                valid_from: former.map(|_| self.passwords.next_valid_from()),
                audit: AuditRecord { detail, ..self.audit(act, account) },
            }))
        });
        match outcome.await? {
            Outcome::Done | Outcome::Unchanged => Ok(()),
            Outcome::NoUser => Err(AdminError::NoUser),
            Outcome::Taken(_) => Err(AdminError::EntryOfAnother),
        }
    }

    /// Deletes an account with all that belongs to it, and deactivates the bots that it owns.
    ///
    /// # Errors
    /// [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn delete(&self, account: &Account) -> Result<(), AdminError> {
        let audit = self.audit(Act::Deleted, account);
        let kinds = self.revocations.kinds(RevocationEvent::Deactivated);
        let revocation = self.deactivation(&kinds);
        let is_there = self.store.delete(account.user.id, &revocation, Some(&audit)).await?;
        if is_there { Ok(()) } else { Err(AdminError::NoUser) }
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
