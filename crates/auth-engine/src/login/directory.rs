//! Accounts of a directory's people: found, linked, made, and updated.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, AuditRecord, ByProtocol, Clock, Entry, FailureReason, InternalError, LoginError, LoginName,
    Lookup, NameKind, NewUser, Peer, ProfileUpdate, ProtocolName, ProtocolRules, Realm, Store, StoreError,
    User, check_login_name, fold,
};

use crate::audit::Auditor;
use crate::config::DirectoryConfig;
use crate::directories::Directories;
use crate::profile::{Outcome, ProfileChange, change_profile};
use crate::revocation::{RevocationEvent, RevocationTable};
use crate::users::UserFactory;

use super::backends::BackendChain;
use super::entry_groups;
use super::second_factor::active_factors;

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

/// The account of an entry whose password is right.
#[derive(Debug)]
pub(crate) enum EntryAccount {
    /// It belongs to the entry.
    Own(Account),
    /// It becomes the entry's once the login is through.
    ToBeLinked(Account),
}

/// Makes the row of the audit log for an act of the directory on a user.
type Audit<'a> = dyn Fn(Act, &User) -> AuditRecord + Sync + 'a;

/// Finds and makes the accounts of directory entries.
pub struct DirectoryAccounts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directories: Arc<Directories>,
    /// The directories themselves, which are asked whether an entry is there.
    pub(crate) backends: Arc<BackendChain>,
    pub(crate) users: Arc<UserFactory>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) revocations: Arc<RevocationTable>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether new users with an address are asked for mailed codes.
    pub(crate) mailed_codes: bool,
}

impl DirectoryAccounts {
    /// The account of a person whose password a directory has just accepted. One that is to become the entry's is given as
    /// it is, and [linked](Self::link) by the caller once its own second factor was shown.
    pub(crate) async fn account_of(
        &self,
        rules: &dyn ProtocolRules,
        realm: &Realm,
        peer: &Peer,
        directory: &str,
        entry: &Entry,
    ) -> Result<EntryAccount, LoginError> {
        rules.check_entry(entry).map_err(LoginError::Credentials)?;
        warn_of_names(directory, entry);
        let config = self.directories.get(directory).cloned().unwrap_or_default();
        let audit =
            |act, user: &User| self.auditor.by_directory(directory, act, user, rules.protocol(), peer);
        match self.match_entry_by(&config, realm, directory, entry).await? {
            EntryMatch::Known(account) => {
                let account = self.update(&config, account, entry, &audit).await?;
                if config.sync_on_login && account.user.active {
                    entry_groups::follow(&*self.store, directory, entry, &account.user, &audit).await?;
                }
                Ok(EntryAccount::Own(account))
            }
            EntryMatch::Linked(account) | EntryMatch::Relinked(account) => {
                Ok(EntryAccount::ToBeLinked(account))
            }
            EntryMatch::Made => {
                let account = self.make(realm, entry, &audit).await?;
                entry_groups::follow(&*self.store, directory, entry, &account.user, &audit).await?;
                Ok(EntryAccount::Own(account))
            }
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
    /// [`InternalError`] when the store can't be read, or the directory can't tell whether a former entry is still there.
    pub async fn match_entry(
        &self,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
    ) -> Result<EntryMatch, InternalError> {
        let config = self.directories.get(directory).cloned().unwrap_or_default();
        self.match_entry_by(&config, realm, directory, entry).await
    }

    async fn match_entry_by(
        &self,
        config: &DirectoryConfig,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
    ) -> Result<EntryMatch, InternalError> {
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
        let namesake = namesakes.pop();
        Ok(match (namesake, namesakes.is_empty()) {
            (None, _) if !is_creatable => EntryMatch::Refused(FailureReason::NoAccount),
            (None, _) if !has_login_name(entry) => EntryMatch::Refused(FailureReason::EntryIncomplete),
            (None, _) => EntryMatch::Made,
            (Some(account), true) if config.merge_existing && is_free(&account) => {
                EntryMatch::Linked(account)
            }
            (Some(account), true)
                if config.relink_by_name
                    && self.directories.of(realm).count() == 1
                    && may_be_relinked(&account, entry)
                    && self.has_lost_its_entry(directory, &account).await? =>
            {
                EntryMatch::Relinked(account)
            }
            (Some(_), _) => EntryMatch::Refused(FailureReason::AccountOfAnother),
        })
    }

    /// Whether the entry that an account belongs to is gone from its directory: a person whose entry is still there keeps the
    /// account, whoever has the name now.
    async fn has_lost_its_entry(&self, directory: &str, account: &Account) -> Result<bool, InternalError> {
        let Some(former) = account.user.name(NameKind::Directory) else { return Ok(false) };
        Ok(!self.backends.has_entry(directory, &former.exact).await?)
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

    /// Gives an account to the directory: from now on the directory judges its password. `shown` is the account as it was
    /// when its second factor was shown; where something else is asked for by now, the login is refused.
    pub(crate) async fn link(
        &self,
        protocol: ProtocolName,
        peer: &Peer,
        directory: &str,
        entry: &Entry,
        shown: &Account,
    ) -> Result<Account, LoginError> {
        let user = shown.user.id;
        let former = shown.user.name(NameKind::Directory).map(|name| name.exact.clone());
        let (act, event) = RevocationEvent::of_link(former.as_deref());
        let outcome = change_profile(&*self.store, user, |account| {
            if account.user.valid_from != shown.user.valid_from
                || active_factors(account) != active_factors(shown)
            {
                return Err(LoginError::Credentials(FailureReason::WrongPassword));
            }
            if account.user.name(NameKind::Directory).map(|name| &name.exact) != former.as_ref() {
                return Err(LoginError::Credentials(FailureReason::AccountOfAnother));
            }
            let audit = self.auditor.by_directory(directory, act, &account.user, protocol, peer);
            Ok(Some(ProfileChange {
                update: profile_update(&account.user, entry),
                kinds: self.revocations.kinds(event),
                valid_from: former.as_ref().map(|_| self.clock.now()),
                audit: AuditRecord { detail: former.clone().unwrap_or_default(), ..audit },
            }))
        });
        match outcome.await? {
            Outcome::Done | Outcome::Unchanged => {
                tracing::info!(target: "auth::account", %user, "account linked with its directory entry");
                let account = self.read_again(user).await?;
                let audit =
                    |act, user: &User| self.auditor.by_directory(directory, act, user, protocol, peer);
                entry_groups::follow(&*self.store, directory, entry, &account.user, &audit).await?;
                Ok(account)
            }
            Outcome::NoUser => Err(LoginError::Credentials(FailureReason::NoAccount)),
            Outcome::Taken(_) => Err(LoginError::Credentials(FailureReason::AccountOfAnother)),
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
        if !config.sync_on_login || !differs(&account.user, &profile_update(&account.user, entry)) {
            return Ok(account);
        }
        let user = account.user.id;
        let outcome = change_profile(&*self.store, user, |account| {
            let update = profile_update(&account.user, entry);
            if !differs(&account.user, &update) || !account.user.active {
                return Ok::<_, StoreError>(None);
            }
            // What was mailed to a former address is good no longer.
            let has_moved = !addresses(&update.names).eq(addresses(&account.user.names));
            let event = has_moved.then_some(RevocationEvent::AddressChanged);
            let kinds = event.map(|event| self.revocations.kinds(event)).unwrap_or_default();
            let audit = audit(Act::ProfileUpdated, &account.user);
            Ok(Some(ProfileChange { update, kinds, valid_from: None, audit }))
        });
        match outcome.await? {
            Outcome::Done => {
                tracing::info!(target: "auth::account", %user, "account updated from the directory");
            }
            Outcome::Taken(what) => {
                tracing::warn!(target: "auth::account", %user, %what, "account not updated");
            }
            Outcome::Unchanged | Outcome::NoUser => return Ok(account),
        }
        Ok(self.store.user(user).await?.unwrap_or(account))
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
        let ProfileUpdate { names, full_name, role, .. } = profile_update(&new.user, entry);
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
        version: user.version,
        names,
        full_name: full_name.unwrap_or_default().to_owned(),
        role: entry.role.unwrap_or(user.role),
        language: user.language,
        must_change_password: user.must_change_password,
    }
}

/// Whether an update would change something.
fn differs(user: &User, update: &ProfileUpdate) -> bool {
    (&update.names, &update.full_name, update.role) != (&user.names, &user.full_name, user.role)
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
pub(crate) fn is_of_entry(account: &Account, entry: &Entry) -> bool {
    let mut names = account.user.names.iter();
    names.any(|name| name.kind == NameKind::Directory && fold(&name.exact) == fold(&entry.id))
}

/// Whether an account may become the directory's: a person's, and no other entry's.
fn is_free(account: &Account) -> bool {
    account.user.name(NameKind::Directory).is_none() && account.user.bot.is_none()
}

/// Whether an account that is another entry's may become an entry's: a person's, with the entry's user name, or with its
/// address where it has no user name. The name that counts is the account's first, which its directory gave; others were
/// given to it besides.
fn may_be_relinked(account: &Account, entry: &Entry) -> bool {
    let (kind, name) = match (&entry.user_name, &entry.email) {
        (Some(name), _) => (NameKind::UserName, name),
        (None, Some(email)) => (NameKind::Email, email),
        (None, None) => return false,
    };
    account.user.name(NameKind::Directory).is_some()
        && account.user.bot.is_none()
        && account.user.name(kind).is_some_and(|own| fold(&own.exact) == fold(name))
}

fn is_of_domains(domains: &[String], email: Option<&str>) -> bool {
    let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| fold(domain));
    domains.is_empty() || domain.is_some_and(|domain| domains.iter().any(|listed| fold(listed) == domain))
}
