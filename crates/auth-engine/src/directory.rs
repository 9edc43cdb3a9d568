//! Accounts of a directory's people: found, linked, made, and brought up to date.

use std::collections::HashSet;

use auth_core::{
    Account, Entry, ExternalIds, FailureReason, ImportError, ImportMode, InternalError, LoginName, Lookup,
    NameKind, NewRecord, NewUser, ProfileUpdate, ProtocolName, Realm, StoreError, Timestamp, User, UserId,
    fold,
};
use auth_crypto::opaque;

use crate::Engine;
use crate::accounts::PAGE;
use crate::config::DirectoryRules;
use crate::engine::broken;
use crate::operator::OperatorError;
use crate::transfer::{is_login_name, zettel_id};

/// What becomes of an entry whose password is right.
#[derive(Debug)]
#[non_exhaustive]
pub enum EntryFate {
    /// Its account is there.
    Known(Account),
    /// An account of its name becomes its own.
    Linked(Account),
    /// An account is made.
    Made,
    /// It has none and gets none.
    Refused(FailureReason),
}

/// The account, or why there is none.
type Found = Result<Result<Account, FailureReason>, InternalError>;

impl Engine {
    /// The account of a person that a directory has just vouched for.
    pub(crate) async fn account_of_entry(
        &self,
        protocol: ProtocolName,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
    ) -> Found {
        let rules = self.config.directories.get(directory).ok_or_else(|| broken("a directory's rules"))?;
        // A Zulip account is shown by its address (zulip.md 7).
        if protocol == ProtocolName::Zulip && entry.email.is_none() {
            return Ok(Err(FailureReason::EntryIncomplete));
        }
        match self.fate(realm, rules, entry).await? {
            EntryFate::Known(account) => self.brought_up_to_date(rules, account, entry).await.map(Ok),
            EntryFate::Linked(account) => self.linked(&account, entry).await,
            EntryFate::Made => self.made(realm, entry).await,
            EntryFate::Refused(cause) => {
                if cause == FailureReason::AccountOfAnother {
                    tracing::warn!(
                        target: "auth::account",
                        directory,
                        entry = entry.id,
                        "an account that isn't the directory's has the name of one of its entries: merge_existing \
                         would link them"
                    );
                }
                Ok(Err(cause))
            }
        }
    }

    /// What a log-in with the right password comes to, with nothing changed.
    ///
    /// # Errors
    /// The store's.
    pub async fn entry_fate(
        &self,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
    ) -> Result<EntryFate, OperatorError> {
        let rules = self.config.directories.get(directory).cloned().unwrap_or_default();
        Ok(self.fate(realm, &rules, entry).await?)
    }

    async fn fate(
        &self,
        realm: &Realm,
        rules: &DirectoryRules,
        entry: &Entry,
    ) -> Result<EntryFate, StoreError> {
        if !is_login_name(NameKind::Directory, &entry.id) {
            return Ok(EntryFate::Refused(FailureReason::EntryIncomplete));
        }
        if let Some(account) = self.by_entry(realm, entry).await? {
            return Ok(EntryFate::Known(account));
        }
        let mut namesakes = self.namesakes(realm, entry).await?;
        // Another log-in of the same person may have made or linked it meanwhile.
        if let Some(own) = namesakes.iter().position(|account| is_of_entry(account, entry)) {
            return Ok(EntryFate::Known(namesakes.swap_remove(own)));
        }
        Ok(match (namesakes.pop(), namesakes.is_empty()) {
            (None, _) if !rules.create || !is_of_domains(&rules.email_domains, entry.email.as_deref()) => {
                EntryFate::Refused(FailureReason::NoAccount)
            }
            (None, _) if !has_login_name(entry) => EntryFate::Refused(FailureReason::EntryIncomplete),
            (None, _) => EntryFate::Made,
            (Some(account), true) if rules.merge_existing && is_free(&account) => EntryFate::Linked(account),
            (Some(_), _) => EntryFate::Refused(FailureReason::AccountOfAnother),
        })
    }

    /// Active accounts of a directory that are not among those `present`, by what the directory calls them.
    ///
    /// # Errors
    /// The store's.
    pub async fn missing_from_directory(
        &self,
        realm: &Realm,
        present: &HashSet<String>,
    ) -> Result<(u64, Vec<Account>), OperatorError> {
        let present: HashSet<String> = present.iter().map(|id| fold(id)).collect();
        let (mut looked_at, mut missing) = (0, Vec::new());
        let mut after = None;
        loop {
            let page = self.store.users(realm.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.user.id);
            for account in page {
                let Some(name) = account.user.name(NameKind::Directory) else { continue };
                looked_at += 1;
                if account.user.active && !present.contains(&fold(&name.exact)) {
                    missing.push(account);
                }
            }
        }
        Ok((looked_at, missing))
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

    /// Gives an account to the directory: from now on its password counts.
    async fn linked(&self, account: &Account, entry: &Entry) -> Found {
        let user = account.user.id;
        match self.store.update_profile(user, &facts(&account.user, entry)).await {
            Ok(true) => {
                tracing::info!(target: "auth::account", %user, "account linked with its directory entry");
                Ok(self.store.user(user).await?.ok_or(FailureReason::NoAccount))
            }
            Ok(false) => Ok(Err(FailureReason::NoAccount)),
            Err(StoreError::Conflict(_)) => Ok(Err(FailureReason::AccountOfAnother)),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes over an account what the directory says otherwise. What can't be written fails no log-in.
    async fn brought_up_to_date(
        &self,
        rules: &DirectoryRules,
        account: Account,
        entry: &Entry,
    ) -> Result<Account, InternalError> {
        let user = account.user.id;
        let facts = facts(&account.user, entry);
        let is_same = facts.names == account.user.names
            && facts.full_name == account.user.full_name
            && facts.role == account.user.role;
        if is_same || !rules.sync_on_login || !account.user.active {
            return Ok(account);
        }
        match self.store.update_profile(user, &facts).await {
            Ok(true) => {
                tracing::info!(target: "auth::account", %user, "account brought up to date from the directory");
                Ok(self.store.user(user).await?.unwrap_or(account))
            }
            Ok(false) => Ok(account),
            Err(StoreError::Conflict(what)) => {
                tracing::warn!(target: "auth::account", %user, %what, "account not brought up to date");
                Ok(account)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes an account for somebody who logs in for the first time.
    async fn made(&self, realm: &Realm, entry: &Entry) -> Found {
        let new = self.new_account(realm, entry);
        let user = new.user.id;
        let records = Box::new(std::iter::once(Some(NewRecord::User(Box::new(new)))));
        match self.store.import(records, ImportMode::Write).await {
            Ok(_) => {
                tracing::info!(target: "auth::account", %user, "account made from a directory entry");
                Ok(self.store.user(user).await?.ok_or(FailureReason::NoAccount))
            }
            // Another log-in of the same person was faster, or of somebody with the same name.
            Err(ImportError { error: Some(StoreError::Conflict(_)), .. }) => {
                Ok(self.by_entry(realm, entry).await?.ok_or(FailureReason::AccountOfAnother))
            }
            Err(ImportError { error, .. }) => {
                Err(error.map_or_else(|| broken("an account that was to be made"), InternalError::from))
            }
        }
    }

    fn new_account(&self, realm: &Realm, entry: &Entry) -> NewUser {
        let joined = self.now();
        let user = User {
            id: UserId::random(&*self.rng),
            realm: realm.id,
            names: Vec::new(),
            full_name: String::new(),
            role: entry.role.unwrap_or_default(),
            bot: None,
            active: true,
            joined,
            valid_from: Timestamp::default(),
            email_second_factor: self.config.rocketchat.email_2fa_auto_opt_in && entry.email.is_some(),
            must_change_password: false,
            protocols: ExternalIds {
                zulip: 0,
                rocketchat: opaque::rocketchat_id(&*self.rng),
                rocketchat_roles: None,
                zettelstore: zettel_id(joined),
                zettelstore_role: None,
            },
            version: 0,
        };
        let ProfileUpdate { names, full_name, .. } = facts(&user, entry);
        NewUser {
            user: User { names, full_name, ..user },
            assign_zulip_id: true,
            assign_zettelstore_id: true,
            password: None,
            credentials: Vec::new(),
        }
    }
}

/// An account as the directory says, where it says anything. The first name of each kind is its own; others, which
/// somebody gave the account besides, stay.
fn facts(user: &User, entry: &Entry) -> ProfileUpdate {
    let said = [
        (NameKind::UserName, entry.user_name.as_deref()),
        (NameKind::Email, entry.email.as_deref()),
        (NameKind::Directory, Some(entry.id.as_str())),
    ];
    let mut names = Vec::new();
    for (kind, said) in said {
        let mut known = user.names.iter().filter(|name| name.kind == kind).cloned().peekable();
        if let Some(exact) = said.filter(|name| is_login_name(kind, name)) {
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

/// Whether an entry has a name to log in with.
fn has_login_name(entry: &Entry) -> bool {
    let is_one = |kind, name: &Option<String>| name.as_ref().is_some_and(|name| is_login_name(kind, name));
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

fn is_of_domains(domains: &[String], email: Option<&str>) -> bool {
    let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| fold(domain));
    domains.is_empty() || domain.is_some_and(|domain| domains.iter().any(|listed| fold(listed) == domain))
}
