//! The operation that gives an account to another entry of its directory.

use auth_core::{Account, Entry, FailureReason, Lookup, NameKind, Realm, fold};
use auth_engine::NoEntry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::accounts;
use super::{AccountName, Admin, Operation, Scope};
use crate::error::AdminError;

/// Gives an account to another entry of its directory: to that of an id, or to the one that has the account's user name. The
/// server asks the directories of the realm for it, and for the e-mail address where none knows the user name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RelinkUser {
    /// The user.
    pub user: AccountName,
    /// The entry's id; without one the directories are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Whether only to tell what would be, and to change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// To which entry an account belongs, and to which it belonged before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Relinked {
    /// The id of the entry.
    pub entry: String,
    /// The name of the directory that showed the entry; nothing where the id was given.
    pub directory: Option<String>,
    /// The full name of the person, as the directory has it.
    pub full_name: Option<String>,
    /// The id of the former entry; `None` where the account belonged to no directory.
    pub former: Option<String>,
    /// Whether the account belonged to another entry, or to none, before.
    pub changed: bool,
}

impl Operation for RelinkUser {
    const NAME: &'static str = "user.relink";
    const SUMMARY: &'static str = "Gives an account to another entry of its directory.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Relinked;

    async fn run(self, admin: &Admin) -> Result<Relinked, AdminError> {
        let (account, realm) = admin.account_to_change(&self.user).await?;
        let former = account.user.name(NameKind::Directory).map(|name| name.exact.clone());
        let (directory, entry, full_name) = match self.entry {
            Some(entry) => (None, entry, None),
            None => {
                let (directory, entry) = entry_of(admin, &realm, &account).await?;
                (Some(directory), entry.id, entry.full_name)
            }
        };
        let is_same = |former: &String| fold(former) == fold(&entry);
        let changed = !former.as_ref().is_some_and(is_same);
        if self.dry_run {
            let who = Lookup::Name(NameKind::Directory, &entry);
            let owner = admin.engine().store().find(realm.id, &who).await?;
            if owner.is_some_and(|owner| owner.user.id != account.user.id) {
                return Err(AdminError::EntryOfAnother);
            }
        } else if changed {
            accounts(admin).relink(&account, &entry).await?;
        }
        Ok(Relinked { entry, directory, full_name, former, changed })
    }
}

/// The one entry that has the account's user name, or else its address, with the name of its directory.
async fn entry_of(admin: &Admin, realm: &Realm, account: &Account) -> Result<(String, Entry), AdminError> {
    if !realm.asks_a_directory() {
        return Err(AdminError::NoDirectory);
    }
    let user = &account.user;
    for name in user.user_name().into_iter().chain(user.email().map(|email| email.address)) {
        let found =
            admin.engine().backends().find_entries(realm, name).await.map_err(|error| match error.why {
                NoEntry::Refused(reason) => AdminError::EntryRefused(error.directory, reason),
                NoEntry::Unavailable(cause) => AdminError::DirectoryUnavailable(error.directory, cause),
                _ => AdminError::EntryRefused(error.directory, FailureReason::EntryNotAllowed),
            })?;
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(entry), None) => return Ok(entry),
            (Some((one, _)), Some((other, _))) => return Err(AdminError::SeveralEntries(one, other)),
            (None, _) => {}
        }
    }
    Err(AdminError::NoEntry)
}
