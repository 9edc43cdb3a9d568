//! Accounts whose person is gone from the directory.

use std::collections::HashSet;

use auth_core::{Account, NameKind, Realm, fold};
use auth_engine::{Engine, USERS_PER_PAGE};

use crate::error::AdminError;

/// The accounts of a directory, compared with its entries.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DirectoryComparison {
    /// The number of accounts that belong to the directory.
    pub accounts: u64,
    /// The active ones among them whose entry is not present.
    pub missing: Vec<Account>,
}

/// Finds the active accounts of a directory whose entries are not among those `present`, by the directory's ids.
///
/// # Errors
/// [`AdminError::Store`].
pub async fn compare_directory(
    engine: &Engine,
    realm: &Realm,
    present: &HashSet<String>,
) -> Result<DirectoryComparison, AdminError> {
    let present: HashSet<String> = present.iter().map(|id| fold(id)).collect();
    let mut found = DirectoryComparison::default();
    let mut after = None;
    loop {
        let page = engine.store().users(realm.id, after, USERS_PER_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.user.id);
        for account in page {
            let Some(name) = account.user.name(NameKind::Directory) else { continue };
            found.accounts += 1;
            if account.user.active && !present.contains(&fold(&name.exact)) {
                found.missing.push(account);
            }
        }
    }
    Ok(found)
}
