//! `auth-server key`: adds, lists and revokes the keys that programs present to the HTTP API of operators.

use std::time::Duration;

use anyhow::bail;
use auth_admin::operation::{AddKey, ListKeys, ListRealms, RevokeKey, Scope};
use auth_admin::view::{KeyView, Moment};
use auth_core::{Clock, SystemClock};
use jiff::civil::Date;

use super::access::{AccessArguments, is_refusal};
use super::last_day::end_of;
use super::output::{Form, Row, print_line, shown_moment};
use super::unknown_realm::unknown;

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Manage the keys that programs present to the HTTP API of operators, at `[admin] listen`. `keys` is about the key ring.
#[derive(Debug, clap::Subcommand)]
pub(super) enum KeyCommand {
    /// Add a key and print its secret. It is never shown again.
    #[command(after_help = "Example: auth-server key add provisioning --scope admin --realm main --days 90")]
    Add(Add),
    /// List the keys, without secrets, also those that have ended.
    #[command(after_help = "Example: auth-server key list")]
    List(List),
    /// Revoke a key: it is refused at once.
    #[command(after_help = "Example: auth-server key revoke provisioning")]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    access: AccessArguments,
    /// The name, by which the audit log names what is done with the key.
    #[arg(value_name = "NAME")]
    name: String,
    /// What the key may do: read, helpdesk or admin.
    #[arg(long, value_parser = scope)]
    scope: Scope,
    /// The slug of the realm in which it may do that.
    #[arg(long, conflicts_with = "all_realms", required_unless_present = "all_realms")]
    realm: Option<String>,
    /// Let the key do that in all realms.
    #[arg(long)]
    all_realms: bool,
    /// The last day on which the key is good, in UTC, such as 2027-12-31. By default it is good for a year.
    #[arg(long, value_name = "DATE", conflicts_with = "days")]
    until: Option<Date>,
    /// For how many days from now the key is good.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    access: AccessArguments,
    /// The name that `key list` shows.
    #[arg(value_name = "NAME")]
    name: String,
}

impl KeyCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => {
                let keys = list.access.open().await?.run(ListKeys {}).await?;
                list.form.print(&keys, true)
            }
            Self::Revoke(revoke) => {
                let name = revoke.name.clone();
                if !revoke.access.open().await?.run(RevokeKey { name }).await?.changed {
                    bail!("there is no key `{}`", revoke.name.escape_debug());
                }
                print_line("revoked")?;
                Ok(())
            }
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<()> {
        let until = match (self.until, self.days) {
            (Some(day), _) => Some(Moment(end_of(day)?)),
            (None, Some(days)) => Some(Moment(SystemClock.now() + DAY * days)),
            (None, None) => None,
        };
        let access = self.access.open().await?;
        let add = AddKey { name: self.name, scope: self.scope, realm: self.realm.clone(), until };
        let added = match access.run(add).await {
            Err(error) if is_refusal(&error, "no-realm") => {
                let realms = access.run(ListRealms {}).await?;
                let slug = self.realm.unwrap_or_default();
                bail!("{}", unknown(&slug, realms.iter().map(|realm| realm.realm.as_str())));
            }
            Err(error) if is_refusal(&error, "in-the-past") => bail!("--until is in the past"),
            added => added?,
        };
        print_line(added.secret.expose())?;
        Ok(())
    }
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::from_name(name).ok_or_else(|| "it is read, helpdesk or admin".to_owned())
}

impl Row for KeyView {
    const COLUMNS: &'static [&'static str] = &["name", "scope", "realm", "made", "last used", "ends"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.scope.clone(),
            self.realm.clone().unwrap_or_else(|| "all".to_owned()),
            shown_moment(Some(self.created)),
            shown_moment(self.last_used),
            shown_moment(self.ends),
        ]
    }
}
