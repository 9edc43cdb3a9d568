//! `auth-server user app-password`: adds, lists and revokes app passwords.

use anyhow::bail;
use auth_admin::operation::{AddAppPassword, ListAppPasswords, RevokeAppPassword};
use auth_admin::view::{AppPasswordView, Moment, Protocols};
use auth_core::ProtocolName;
use jiff::civil::Date;

use crate::command::access::is_refusal;
use crate::command::account::AccountArguments;
use crate::command::last_day::end_of;
use crate::command::output::{Form, Row, print_line, shown_moment};
use crate::config::PROTOCOLS;

/// Manage a user's app passwords: random passwords, each with a name, for clients that have no second step.
#[derive(Debug, clap::Subcommand)]
pub(in crate::command) enum AppPasswordCommand {
    /// Add an app password and print it. It is never shown again.
    #[command(after_help = "Example: auth-server user app-password add --config auth.toml iago@zulip.com \
                            --name terminal --protocol zulip --until 2027-12-31")]
    Add(Add),
    /// List a user's app passwords, without secrets.
    #[command(after_help = "Example: auth-server user app-password list --config auth.toml iago@zulip.com")]
    List(List),
    /// Revoke an app password.
    #[command(
        after_help = "Example: auth-server user app-password revoke --config auth.toml iago@zulip.com \
                            --name terminal"
    )]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct List {
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Add {
    #[command(flatten)]
    account: AccountArguments,
    /// The name of the app password.
    #[arg(long)]
    name: String,
    /// A protocol that accepts the app password: zulip, zettelstore or forward, for a bot also rocketchat. Repeat the option for
    /// several; the default is all of them.
    #[arg(long = "protocol", alias = "door", value_parser = protocol)]
    protocols: Vec<ProtocolName>,
    /// The last day on which the app password is valid, in UTC, such as 2027-12-31. By default it doesn't expire.
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Revoke {
    #[command(flatten)]
    account: AccountArguments,
    /// The name of the app password.
    #[arg(long)]
    name: String,
}

impl AppPasswordCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => {
                let listed =
                    list.account.run(async |access, user| access.run(ListAppPasswords { user }).await);
                list.form.print(&listed.await?, true)
            }
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<()> {
        if self.name.is_empty() {
            bail!("--name is empty");
        }
        let until = self.until.map(end_of).transpose()?.map(Moment);
        let protocols = self.protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect();
        let name = self.name.clone();
        let add = self
            .account
            .run(async |access, user| access.run(AddAppPassword { user, name, protocols, until }).await);
        match add.await {
            Ok(added) => print_line(added.password.expose())?,
            Err(error) if is_refusal(&error, "app-password-there") => {
                bail!("there is an app password `{}` already", self.name.escape_debug())
            }
            Err(error) if is_refusal(&error, "in-the-past") => bail!("--until is in the past"),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let name = self.name.clone();
        let revoke =
            self.account.run(async |access, user| access.run(RevokeAppPassword { user, name }).await);
        if !revoke.await?.changed {
            bail!("there is no app password `{}`", self.name.escape_debug());
        }
        print_line("revoked")?;
        Ok(())
    }
}

fn protocol(name: &str) -> Result<ProtocolName, String> {
    let known = PROTOCOLS.into_iter().find(|protocol| protocol.as_str() == name);
    known.ok_or_else(|| "there is no such protocol".to_owned())
}

impl Row for AppPasswordView {
    const COLUMNS: &'static [&'static str] = &["name", "protocols", "made", "ends"];

    fn cells(&self) -> Vec<String> {
        let protocols = match &self.doors {
            Protocols::All => "all".to_owned(),
            Protocols::Named(names) => names.join(", "),
        };
        vec![
            self.name.clone().unwrap_or_default(),
            protocols,
            shown_moment(Some(self.created)),
            shown_moment(self.ends),
        ]
    }
}
