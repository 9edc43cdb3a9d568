//! `auth-server user relink`: gives an account to another entry of its directory.

use auth_admin::operation::{AccountName, RelinkUser};

use crate::command::access::Access;
use crate::command::account::AccountArguments;
use crate::command::output::{print_line, print_remark};

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Relink {
    #[command(flatten)]
    account: AccountArguments,
    /// The entry's id, as `ldap check` shows it. By default the directories of the realm are asked for the entry of the
    /// account's user name, or of its e-mail address.
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
    /// Tell which entry was found, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Relink {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Self { account, entry, dry_run } = self;
        let relink =
            async |access: &Access, user: AccountName| access.run(RelinkUser { user, entry, dry_run }).await;
        let relinked = account.run(relink).await?;
        let entry = &relinked.entry;
        if let Some(directory) = &relinked.directory {
            let person = relinked.full_name.as_deref().unwrap_or("a person without a full name");
            print_remark(format_args!("the directory {directory} has the entry {entry}: {person}"))?;
        }
        if !relinked.changed {
            print_line(format_args!("the account belongs to the entry {entry} already"))?;
            return Ok(());
        }
        let former = relinked.former.as_deref().unwrap_or("of no directory");
        let done = if dry_run { "would be relinked" } else { "relinked" };
        print_line(format_args!("{done}: from the entry {former} to {entry}"))?;
        Ok(())
    }
}
