//! The arguments that name accounts, and what a command does to each.

use std::path::PathBuf;

use anyhow::{Context, bail};
use auth_admin::operation::{AccountName, ListRealms};

use super::access::{Access, AccessArguments, is_refusal};
use super::input::{open_file, read_names};
use super::output::{print_line, print_remark};
use super::unknown_realm::unknown;

/// The arguments that name an account.
#[derive(Debug, clap::Args)]
pub(super) struct AccountArguments {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug, needed if several realms have a user of this name.
    #[arg(long)]
    realm: Option<String>,
    /// The user name, e-mail address or id.
    #[arg(value_name = "NAME")]
    user: String,
}

/// The arguments that name one account or many.
#[derive(Debug, clap::Args)]
pub(super) struct AccountsArguments {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug, needed if several realms have a user of this name.
    #[arg(long)]
    realm: Option<String>,
    /// The user name, e-mail address or id.
    #[arg(value_name = "NAME", required_unless_present = "names_from")]
    user: Option<String>,
    /// Do it to each user that a line of this file names, `-` for standard input, and print a line for each.
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    names_from: Option<PathBuf>,
}

impl AccountArguments {
    /// The account that is meant.
    pub(super) fn name(&self) -> AccountName {
        AccountName::new(self.realm.as_deref(), &self.user)
    }

    /// Does something to the account.
    pub(super) async fn run<T>(
        &self,
        act: impl AsyncFnOnce(&Access, AccountName) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let access = self.access.open().await?;
        let done = act(&access, self.name()).await;
        explained(&access, self.realm.as_deref(), &self.user, done).await
    }
}

impl AccountsArguments {
    /// Which accounts are meant, for people to read.
    pub(super) fn shown(&self) -> String {
        match (&self.user, &self.names_from) {
            (Some(user), _) => format!("`{}`", user.escape_debug()),
            (None, Some(path)) => format!("each user that {} names", path.display()),
            (None, None) => String::new(),
        }
    }

    /// Does something to each account that is named, and prints what became of it. One that can't be done hinders no other; the
    /// command then fails at its end.
    pub(super) async fn each(
        &self,
        act: impl AsyncFn(&Access, AccountName) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let names = match (&self.user, self.names_from.as_deref()) {
            (Some(name), _) => {
                let access = self.access.open().await?;
                let done = act(&access, AccountName::new(self.realm.as_deref(), name)).await;
                print_line(explained(&access, self.realm.as_deref(), name, done).await?)?;
                return Ok(());
            }
            (None, Some(path)) if path.as_os_str() == "-" => read_names(std::io::stdin().lock())?,
            (None, Some(path)) => {
                let file = std::io::BufReader::new(open_file(path)?);
                read_names(file).with_context(|| path.display().to_string())?
            }
            (None, None) => bail!("name a user"),
        };
        let access = self.access.open().await?;
        let mut failed = 0;
        for name in &names {
            let done = act(&access, AccountName::new(self.realm.as_deref(), name)).await;
            match done {
                Ok(done) => print_line(format_args!("{name}: {done}"))?,
                Err(error) => {
                    failed += 1;
                    print_remark(format_args!("{name}: {error:#}"))?;
                }
            }
        }
        if failed > 0 {
            bail!("{failed} of {} failed: each has a line above", names.len());
        }
        Ok(())
    }
}

/// What became of an account, where an error says which account it is of, and which realms there are.
pub(super) async fn explained<T>(
    access: &Access,
    realm: Option<&str>,
    name: &str,
    done: anyhow::Result<T>,
) -> anyhow::Result<T> {
    let error = match done {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    if is_refusal(&error, "no-realm")
        && let Some(slug) = realm
    {
        let realms = access.run(ListRealms {}).await?;
        bail!("{}", unknown(slug, realms.iter().map(|realm| realm.realm.as_str())));
    }
    if is_refusal(&error, "no-user") || is_refusal(&error, "several-realms") {
        return Err(error.context(format!("`{}`", name.escape_debug())));
    }
    Err(error)
}
