//! `auth-server user relink`: gives an account to another entry of its directory.

use anyhow::{bail, ensure};
use auth_admin::Accounts;
use auth_admin::operation::{AccountName, RelinkUser, ShowUser};
use auth_core::{Account, PasswordBackend};
use auth_ldap::VerifyError;

use crate::assemble::Assembled;
use crate::command::access::Access;
use crate::command::account::AccountArguments;
use crate::command::ldap::directories_of;
use crate::command::output::print_line;

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Relink {
    #[command(flatten)]
    account: AccountArguments,
    /// The entry's id, as `ldap check` shows it. By default the directory is asked for the entry of the account's name.
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
}

impl Relink {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let relink = async |access: &Access, user: AccountName| {
            let shown = access.run(ShowUser { user: user.clone() }).await?;
            let entry = match &self.entry {
                Some(entry) => entry.clone(),
                None => self.entry_of(&user).await?,
            };
            if shown.directory_name.as_deref() == Some(entry.as_str()) {
                return Ok(format!("the account belongs to the entry {entry} already"));
            }
            let former = access.run(RelinkUser { user, entry: entry.clone() }).await?.former;
            Ok(format!(
                "relinked: from the entry {} to {entry}",
                former.as_deref().unwrap_or("of no directory")
            ))
        };
        print_line(self.account.run(relink).await?)?;
        Ok(())
    }

    /// The id of the entry that has the account's name. The directories are asked from here, since whoever asks sees why one
    /// doesn't tell.
    async fn entry_of(&self, user: &AccountName) -> anyhow::Result<String> {
        let (assembled, _) = self.account.access().open_store().await?;
        let account = Accounts::new(assembled.engine()).find(user.realm.as_deref(), &user.name).await?;
        entry_of(&assembled, &account).await
    }
}

/// The id of the entry that has the account's name, by the directories of its realm.
async fn entry_of(assembled: &Assembled, account: &Account) -> anyhow::Result<String> {
    let realms = Accounts::new(assembled.engine()).realms().await?;
    let realm = realms.into_iter().find(|realm| realm.id == account.user.realm);
    let email = account.user.email().map(|email| email.address);
    let (Some(realm), Some(name)) = (realm, account.user.user_name().or(email)) else {
        bail!("the account has no name to ask a directory for: name the entry with --entry");
    };
    let directories = directories_of(assembled, &realm);
    ensure!(
        !directories.is_empty(),
        "the realm {} asks no directory: name the entry with --entry",
        realm.slug
    );
    for directory in directories {
        let of = directory.name();
        match directory.trace_login(&realm, name, None).await.result {
            Ok(entry) => return Ok(entry.id),
            Err(VerifyError::UnknownName) => {}
            Err(error) => {
                bail!("the directory {of}: {error}; `auth-server ldap check --user {name}` shows more")
            }
        }
    }
    bail!(
        "no directory shows an entry of the name {name}: name the entry with --entry, by the id that `ldap check` shows"
    )
}
