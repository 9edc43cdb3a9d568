//! Accounts: found, listed, given a password, deactivated, deleted.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, AuditRecord, ClientKey, CredentialKind, Language, LoginName, Lookup, NameKind, Password,
    ProfileUpdate, ProtocolName, Realm, Revocation, Role, Store, StoreError, Timestamp, Token, UserId,
    check_login_name, is_control,
};
use auth_crypto::password::{NameContext, StoredPassword};
use auth_engine::{
    CredentialFactory, Engine, Notices, Outcome, PasswordService, ProfileChange, RevocationEvent,
    RevocationTable, change_profile, with_verified_addresses,
};

use crate::error::AdminError;
use crate::scribe::{Author, Scribe};

/// The longest display name, in characters.
const LONGEST_FULL_NAME: usize = 100;

/// Links for a new password that an account has at a time.
const MOST_RESETS: u32 = 5;

/// Administers accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    passwords: Arc<PasswordService>,
    revocations: Arc<RevocationTable>,
    credentials: Arc<CredentialFactory>,
    notices: Arc<Notices>,
    scribe: Scribe,
}

/// What is to be changed of an account: what is named, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct AccountChange {
    /// The user name.
    pub user_name: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The first e-mail address, which then counts as verified; an empty text for none.
    pub address: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// The language of mails; `Some(None)` for none.
    pub language: Option<Option<Language>>,
    /// Whether the user must choose a new password after the next login.
    pub must_change_password: Option<bool>,
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
            notices: Arc::clone(engine.notices()),
            scribe: Scribe::new(engine),
        }
    }

    /// Sets whom the audit log names in place of the operator: an [`Actor`](auth_core::Actor), such as a directory, or an
    /// [`Author`].
    #[must_use]
    pub fn acting_as(self, author: impl Into<Author>) -> Self {
        Self { scribe: self.scribe.acting_as(author), ..self }
    }

    fn audit(&self, act: Act, account: &Account) -> AuditRecord {
        self.scribe.row(act, account, "")
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
        let realms = match realm {
            Some(slug) => vec![self.realm(slug).await?],
            None => self.store.realms().await?,
        };
        self.find_in(&realms, name).await
    }

    /// The account that an operator means, in one of some realms.
    ///
    /// # Errors
    /// [`AdminError`] when no account or more than one is meant, or the store can't tell.
    pub async fn find_in(&self, realms: &[Realm], name: &str) -> Result<Account, AdminError> {
        if let Ok(id) = name.parse::<UserId>()
            && let Some(account) = self.store.user(id).await?
            && realms.iter().any(|realm| realm.id == account.user.realm)
        {
            return Ok(account);
        }
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
                audit: self.scribe.row(act, account, detail),
            }))
        });
        match outcome.await? {
            Outcome::Done | Outcome::Unchanged => Ok(()),
            Outcome::NoUser => Err(AdminError::NoUser),
            Outcome::Taken(_) => Err(AdminError::EntryOfAnother),
        }
    }

    /// Writes the fields that `change` names; returns `false` when the account had these values already. The row of the audit
    /// log lists each field with its old and its new value. A notice of a new address is mailed to the old one.
    ///
    /// Ids, keys and tokens survive another user name, but for Zettelstore's tokens, which name their user. A hash that a
    /// Zettelstore made goes on matching.
    ///
    /// # Errors
    /// [`AdminError::OfDirectory`] when a directory keeps what is to be changed, [`AdminError::NotAName`] when a name can't be
    /// one, [`AdminError::Taken`] when another account of the realm has it, [`AdminError::NoUser`] when the account is gone, or
    /// [`AdminError::Store`].
    pub async fn change(&self, account: &Account, change: &AccountChange) -> Result<bool, AdminError> {
        let change = change.checked()?;
        let user = &account.user;
        let names_change =
            change.user_name.is_some() || change.full_name.is_some() || change.address.is_some();
        if names_change && user.name(NameKind::Directory).is_some() {
            return Err(AdminError::OfDirectory);
        }
        if change.address.as_deref() == Some("") && user.user_name().is_none() && change.user_name.is_none() {
            // The account would have no name.
            return Err(AdminError::NotAName("e-mail address"));
        }
        if change.user_name.as_deref().is_some_and(|name| user.user_name() != Some(name)) {
            self.keep_name_in_hash(account).await?;
        }
        let outcome = change_profile(&*self.store, user.id, |account| {
            let (update, changed) = change.update_of(account);
            if changed.is_empty() {
                return Ok::<_, StoreError>(None);
            }
            let mut kinds = Vec::new();
            if changed.iter().any(|changed| changed.starts_with("email")) {
                kinds.extend(self.revocations.kinds(RevocationEvent::AddressChanged));
            }
            let is_renamed = changed.iter().any(|changed| changed.starts_with("user_name"));
            if is_renamed {
                kinds.push(CredentialKind::ZETTELSTORE_TOKEN);
            }
            let valid_from = is_renamed.then(|| self.passwords.next_valid_from());
            let audit = self.scribe.row(Act::ProfileUpdated, account, changed.join("; "));
            Ok(Some(ProfileChange { update, kinds, valid_from, audit }))
        });
        match outcome.await? {
            Outcome::Done => {}
            Outcome::Unchanged => return Ok(false),
            Outcome::NoUser => return Err(AdminError::NoUser),
            Outcome::Taken(_) => return Err(AdminError::Taken),
        }
        let former = user.email().map(|email| email.address);
        if let Some(address) =
            change.address.as_deref().filter(|address| Some(*address) != former && !address.is_empty())
        {
            self.notices.tell_of_address(user, address).await;
        }
        Ok(true)
    }

    /// Has a hash that covers the user's name say which name that is, before the user gets another.
    async fn keep_name_in_hash(&self, account: &Account) -> Result<(), AdminError> {
        let user = &account.user;
        let context = NameContext {
            zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
            user_name: user.user_name().unwrap_or_default().to_owned(),
        };
        if let Some(stored) = &account.password
            && let Some(named) = StoredPassword::before_renaming(stored, &context)
        {
            self.store.rehash(user.id, stored, &named).await?;
        }
        Ok(())
    }

    /// Ends all sessions of an account. Keys, personal tokens and app passwords stay.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn end_sessions(&self, account: &Account) -> Result<(), AdminError> {
        let kinds = self.revocations.kinds(RevocationEvent::SessionsEnded);
        let audit = self.audit(Act::SessionsEnded, account);
        self.store.remove_of_user(account.user.id, &kinds, None, Some(&audit)).await?;
        Ok(())
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

impl AccountChange {
    /// The change with its texts as they are kept.
    fn checked(&self) -> Result<Self, AdminError> {
        let mut change = self.clone();
        if let Some(name) = &change.user_name {
            check_login_name(NameKind::UserName, name)
                .map_err(|why| AdminError::BadLoginName("user name", why))?;
        }
        if let Some(address) = &mut change.address {
            *address = address.trim().to_owned();
            if !address.is_empty() {
                check_login_name(NameKind::Email, address)
                    .map_err(|why| AdminError::BadLoginName("e-mail address", why))?;
            }
        }
        if let Some(name) = &mut change.full_name {
            *name = name.trim().to_owned();
            if name.chars().count() > LONGEST_FULL_NAME || name.contains(is_control) {
                return Err(AdminError::NotAName("full name"));
            }
        }
        Ok(change)
    }

    /// The update of an account, and what it changes: each as `KEY: BEFORE → AFTER`.
    fn update_of(&self, account: &Account) -> (ProfileUpdate, Vec<String>) {
        let user = &account.user;
        let mut update = ProfileUpdate::with_names(user, user.names.clone());
        let mut changed = Vec::new();
        let mut note =
            |key: &str, before: &str, after: &str| changed.push(format!("{key}: {before} → {after}"));
        if let Some(name) = self.user_name.as_deref().filter(|name| user.user_name() != Some(name)) {
            note("user_name", user.user_name().unwrap_or("none"), name);
            put(&mut update.names, NameKind::UserName, name, false);
        }
        let own = user.email();
        let address = self.address.as_deref();
        if let (Some(""), Some(own)) = (address, own) {
            note("email", own.address, "none");
            update.names.retain(|name| name.kind != NameKind::Email);
        }
        let address = address.filter(|address| !address.is_empty());
        if let Some(address) = address.filter(|address| own.is_none_or(|own| own.address != *address)) {
            note("email", own.map_or("none", |own| own.address), address);
            put(&mut update.names, NameKind::Email, address, true);
        }
        if let Some(name) = self.full_name.as_ref().filter(|name| **name != user.full_name) {
            note("full_name", &user.full_name, name);
            update.full_name.clone_from(name);
        }
        if let Some(role) = self.role.filter(|role| *role != user.role) {
            note("role", user.role.as_str(), role.as_str());
            update.role = role;
        }
        if let Some(must) = self.must_change_password.filter(|must| *must != user.must_change_password) {
            note("must_change_password", yes(user.must_change_password), yes(must));
            update.must_change_password = must;
        }
        if let Some(language) = self.language.filter(|language| *language != user.language) {
            let tag = |language: Option<Language>| language.map_or("none", Language::tag);
            note("language", tag(user.language), tag(language));
            update.language = language;
        }
        (update, changed)
    }
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// Puts a name in the place of the first of its kind.
fn put(names: &mut Vec<LoginName>, kind: NameKind, exact: &str, verified: bool) {
    let new = LoginName { kind, exact: exact.to_owned(), verified };
    names.retain(|name| name.kind != kind || name.exact != exact);
    match names.iter_mut().find(|name| name.kind == kind) {
        Some(first) => *first = new,
        None => names.push(new),
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
