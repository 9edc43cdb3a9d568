//! Accounts of a directory's people: found, linked, made, and updated.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, AuditRecord, ByProtocol, Clock, Entry, FailureReason, LoginError, LoginName, Lookup,
    NameKind, NewUser, Peer, ProfileUpdate, ProtocolRules, Realm, Revocation, Store, StoreError, User,
    check_login_name, fold,
};

use crate::audit::Auditor;
use crate::config::DirectoryConfig;
use crate::directories::Directories;
use crate::revocation::{RevocationEvent, RevocationTable};
use crate::users::UserFactory;

/// What becomes of an entry whose password is right.
#[derive(Debug)]
#[non_exhaustive]
pub enum EntryMatch {
    /// The entry has an account.
    Known(Account),
    /// An account of the entry's name becomes its own.
    Linked(Account),
    /// An account of the entry's name, which belongs to another entry, becomes its own.
    Relinked(Account),
    /// An account is made for the entry.
    Made,
    /// The entry has no account and gets none.
    Refused(FailureReason),
}

/// Makes the row of the audit log for an act of the directory on a user.
type Audit<'a> = dyn Fn(Act, &User) -> AuditRecord + Sync + 'a;

/// Finds and makes the accounts of directory entries.
pub struct DirectoryAccounts {
    store: Arc<dyn Store>,
    directories: Arc<Directories>,
    users: Arc<UserFactory>,
    auditor: Arc<Auditor>,
    revocations: Arc<RevocationTable>,
    clock: Arc<dyn Clock>,
    /// Whether new users with an address are asked for mailed codes.
    mailed_codes: bool,
}

impl DirectoryAccounts {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        directories: Arc<Directories>,
        users: Arc<UserFactory>,
        auditor: Arc<Auditor>,
        revocations: Arc<RevocationTable>,
        clock: Arc<dyn Clock>,
        mailed_codes: bool,
    ) -> Self {
        Self { store, directories, users, auditor, revocations, clock, mailed_codes }
    }

    /// The account of a person whose password a directory has just accepted.
    pub(crate) async fn account_of(
        &self,
        rules: &dyn ProtocolRules,
        realm: &Realm,
        peer: &Peer,
        directory: &str,
        entry: &Entry,
    ) -> Result<Account, LoginError> {
        rules.check_entry(entry).map_err(LoginError::Credentials)?;
        warn_of_names(directory, entry);
        let config = self.directories.get(directory).cloned().unwrap_or_default();
        let audit =
            |act, user: &User| self.auditor.by_directory(directory, act, user, rules.protocol(), peer);
        match self.match_entry_by(&config, realm, entry).await? {
            EntryMatch::Known(account) => Ok(self.update(&config, account, entry, &audit).await?),
            EntryMatch::Linked(account) | EntryMatch::Relinked(account) => {
                self.link(&account, entry, &audit).await
            }
            EntryMatch::Made => self.make(realm, entry, &audit).await,
            EntryMatch::Refused(reason) => {
                if reason == FailureReason::AccountOfAnother {
                    tracing::warn!(
                        target: "auth::account",
                        directory,
                        entry = entry.id,
                        "an account that isn't the entry's has its name: merge_existing would link them if it is no \
                         directory's, relink_by_name or `auth-server user relink` if it is another entry's"
                    );
                }
                Err(LoginError::Credentials(reason))
            }
        }
    }

    /// What a login with the right password comes to, with nothing changed.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub async fn match_entry(
        &self,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
    ) -> Result<EntryMatch, StoreError> {
        let config = self.directories.get(directory).cloned().unwrap_or_default();
        self.match_entry_by(&config, realm, entry).await
    }

    async fn match_entry_by(
        &self,
        config: &DirectoryConfig,
        realm: &Realm,
        entry: &Entry,
    ) -> Result<EntryMatch, StoreError> {
        if check_login_name(NameKind::Directory, &entry.id).is_err() {
            return Ok(EntryMatch::Refused(FailureReason::EntryIncomplete));
        }
        if let Some(account) = self.by_entry(realm, entry).await? {
            return Ok(EntryMatch::Known(account));
        }
        let mut namesakes = self.namesakes(realm, entry).await?;
        // Another login of the same person may have made or linked it meanwhile.
        if let Some(own) = namesakes.iter().position(|account| is_of_entry(account, entry)) {
            return Ok(EntryMatch::Known(namesakes.swap_remove(own)));
        }
        let is_creatable = config.create && is_of_domains(&config.email_domains, entry.email.as_deref());
        Ok(match (namesakes.pop(), namesakes.is_empty()) {
            (None, _) if !is_creatable => EntryMatch::Refused(FailureReason::NoAccount),
            (None, _) if !has_login_name(entry) => EntryMatch::Refused(FailureReason::EntryIncomplete),
            (None, _) => EntryMatch::Made,
            (Some(account), true) if config.merge_existing && is_free(&account) => {
                EntryMatch::Linked(account)
            }
            (Some(account), true)
                if config.relink_by_name
                    && self.directories.of(realm).count() == 1
                    && may_be_relinked(&account, entry) =>
            {
                EntryMatch::Relinked(account)
            }
            (Some(_), _) => EntryMatch::Refused(FailureReason::AccountOfAnother),
        })
    }

    async fn by_entry(&self, realm: &Realm, entry: &Entry) -> Result<Option<Account>, StoreError> {
        self.store.find(realm.id, &Lookup::Name(NameKind::Directory, &entry.id)).await
    }

    /// Accounts with one of an entry's names: none, one, or two.
    async fn namesakes(&self, realm: &Realm, entry: &Entry) -> Result<Vec<Account>, StoreError> {
        let mut found: Vec<Account> = Vec::new();
        for (kind, name) in [(NameKind::Email, &entry.email), (NameKind::UserName, &entry.user_name)] {
            let Some(name) = name else { continue };
            if let Some(account) = self.store.find(realm.id, &Lookup::Name(kind, name)).await?
                && found.iter().all(|other| other.user.id != account.user.id)
            {
                found.push(account);
            }
        }
        Ok(found)
    }

    /// Gives an account to the directory: from now on the directory judges its password.
    async fn link(&self, account: &Account, entry: &Entry, audit: &Audit<'_>) -> Result<Account, LoginError> {
        let user = account.user.id;
        let former = account.user.name(NameKind::Directory).map(|name| name.exact.as_str());
        let (act, event) = RevocationEvent::of_link(former);
        let kinds = self.revocations.kinds(event);
        let valid_from = former.map(|_| self.clock.now());
        let detail = former.unwrap_or_default().to_owned();
        let audit = AuditRecord { detail, ..audit(act, &account.user) };
        let revocation = Revocation { valid_from, kinds: &kinds, except: None };
        let update = profile_update(&account.user, entry);
        match self.store.update_profile(user, &update, &revocation, Some(&audit)).await {
            Ok(true) => {
                tracing::info!(target: "auth::account", %user, "account linked with its directory entry");
                self.read_again(user).await
            }
            Ok(false) => Err(LoginError::Credentials(FailureReason::NoAccount)),
            Err(StoreError::Conflict(_)) => Err(LoginError::Credentials(FailureReason::AccountOfAnother)),
            Err(error) => Err(error.into()),
        }
    }

    /// Updates an account's attributes. An update that conflicts fails no login.
    async fn update(
        &self,
        config: &DirectoryConfig,
        account: Account,
        entry: &Entry,
        audit: &Audit<'_>,
    ) -> Result<Account, StoreError> {
        let user = account.user.id;
        let update = profile_update(&account.user, entry);
        let is_same = update.names == account.user.names
            && update.full_name == account.user.full_name
            && update.role == account.user.role;
        if is_same || !config.sync_on_login || !account.user.active {
            return Ok(account);
        }
        let audit = audit(Act::ProfileUpdated, &account.user);
        // What was mailed to a former address is good no longer.
        let kinds = self.revocations.kinds(RevocationEvent::AddressChanged);
        let kinds =
            if addresses(&update.names).eq(addresses(&account.user.names)) { &[] } else { &kinds[..] };
        let revocation = Revocation { kinds, ..Revocation::NOTHING };
        match self.store.update_profile(user, &update, &revocation, Some(&audit)).await {
            Ok(true) => {
                tracing::info!(target: "auth::account", %user, "account updated from the directory");
                Ok(self.store.user(user).await?.unwrap_or(account))
            }
            Ok(false) => Ok(account),
            Err(StoreError::Conflict(what)) => {
                tracing::warn!(target: "auth::account", %user, %what, "account not updated");
                Ok(account)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes an account for a person who logs in for the first time.
    async fn make(&self, realm: &Realm, entry: &Entry, audit: &Audit<'_>) -> Result<Account, LoginError> {
        let new = self.new_account(realm, entry);
        let user = new.user.id;
        match self.store.create_user(&new, Some(&audit(Act::UserCreated, &new.user))).await {
            Ok(()) => {
                tracing::info!(target: "auth::account", %user, "account made from a directory entry");
                self.read_again(user).await
            }
            // Another login of the same person was faster, or of a person with the same name.
            Err(StoreError::Conflict(_)) => {
                let taken = LoginError::Credentials(FailureReason::AccountOfAnother);
                self.by_entry(realm, entry).await?.ok_or(taken)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read_again(&self, user: auth_core::UserId) -> Result<Account, LoginError> {
        let account = self.store.user(user).await?;
        account.ok_or(LoginError::Credentials(FailureReason::NoAccount))
    }

    fn new_account(&self, realm: &Realm, entry: &Entry) -> NewUser {
        let mut new = self.users.new_user(realm, self.clock.now(), ByProtocol::new());
        let ProfileUpdate { names, full_name, role } = profile_update(&new.user, entry);
        let email_second_factor = self.mailed_codes && entry.email.is_some();
        new.user = User { names, full_name, role, email_second_factor, ..new.user };
        new
    }
}

impl fmt::Debug for DirectoryAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryAccounts").field("directories", &self.directories).finish_non_exhaustive()
    }
}

/// An account's attributes as the directory has them, where it has any. The first name of each kind is the directory's;
/// others, which the account was given besides, stay.
fn profile_update(user: &User, entry: &Entry) -> ProfileUpdate {
    let said = [
        (NameKind::UserName, entry.user_name.as_deref()),
        (NameKind::Email, entry.email.as_deref()),
        (NameKind::Directory, Some(entry.id.as_str())),
    ];
    let mut names = Vec::new();
    for (kind, said) in said {
        let mut known = user.names.iter().filter(|name| name.kind == kind).cloned().peekable();
        if let Some(exact) = said.filter(|name| check_login_name(kind, name).is_ok()) {
            // An address that a directory keeps needs no mail to prove it.
            let verified = kind == NameKind::Email;
            names.push(LoginName { kind, exact: exact.to_owned(), verified });
            known.next();
        }
        for name in known {
            if !names.iter().any(|other| other.kind == name.kind && other.exact == name.exact) {
                names.push(name);
            }
        }
    }
    let own_name = (!user.full_name.is_empty()).then_some(user.full_name.as_str());
    let full_name = entry.full_name.as_deref().or(own_name);
    let full_name = full_name.or(entry.user_name.as_deref()).or(entry.email.as_deref());
    ProfileUpdate {
        names,
        full_name: full_name.unwrap_or_default().to_owned(),
        role: entry.role.unwrap_or(user.role),
    }
}

/// The addresses among names.
fn addresses(names: &[LoginName]) -> impl Iterator<Item = &str> {
    names.iter().filter(|name| name.kind == NameKind::Email).map(|name| name.exact.as_str())
}

/// Logs the names of an entry that its account doesn't get, with the reason.
fn warn_of_names(directory: &str, entry: &Entry) {
    for (kind, what, name) in
        [(NameKind::UserName, "user name", &entry.user_name), (NameKind::Email, "address", &entry.email)]
    {
        let refused = name.as_deref().and_then(|name| check_login_name(kind, name).err());
        if let Some(why) = refused {
            tracing::warn!(target: "auth::account", directory, entry = entry.id, "not taken: the {what} {why}");
        }
    }
}

/// Whether an entry has a name to log in by.
fn has_login_name(entry: &Entry) -> bool {
    let is_one =
        |kind, name: &Option<String>| name.as_ref().is_some_and(|name| check_login_name(kind, name).is_ok());
    is_one(NameKind::UserName, &entry.user_name) || is_one(NameKind::Email, &entry.email)
}

/// Whether an account belongs to an entry.
fn is_of_entry(account: &Account, entry: &Entry) -> bool {
    let mut names = account.user.names.iter();
    names.any(|name| name.kind == NameKind::Directory && fold(&name.exact) == fold(&entry.id))
}

/// Whether an account may become the directory's: a person's, and no other entry's.
fn is_free(account: &Account) -> bool {
    account.user.name(NameKind::Directory).is_none() && account.user.bot.is_none()
}

/// Whether an account that is another entry's may become an entry's: a person's, with the entry's user name, or with its
/// address where it has no user name.
fn may_be_relinked(account: &Account, entry: &Entry) -> bool {
    let (kind, name) = match (&entry.user_name, &entry.email) {
        (Some(name), _) => (NameKind::UserName, name),
        (None, Some(email)) => (NameKind::Email, email),
        (None, None) => return false,
    };
    let mut names = account.user.names.iter();
    account.user.name(NameKind::Directory).is_some()
        && account.user.bot.is_none()
        && names.any(|own| own.kind == kind && fold(&own.exact) == fold(name))
}

fn is_of_domains(domains: &[String], email: Option<&str>) -> bool {
    let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| fold(domain));
    domains.is_empty() || domain.is_some_and(|domain| domains.iter().any(|listed| fold(listed) == domain))
}
