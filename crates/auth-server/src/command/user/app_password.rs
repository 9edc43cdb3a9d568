//! `auth-server user app-password`: adds, lists and revokes app passwords.

use anyhow::{Context, bail};
use auth_admin::AppPasswords;
use auth_core::{Credential, ProtocolName, Timestamp};
use auth_transfer::rfc3339;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::command::account::AccountArguments;
use crate::command::output::print_line;
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
    List(AccountArguments),
    /// Revoke an app password.
    #[command(
        after_help = "Example: auth-server user app-password revoke --config auth.toml iago@zulip.com \
                            --name terminal"
    )]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Add {
    #[command(flatten)]
    account: AccountArguments,
    /// The name of the app password.
    #[arg(long)]
    name: String,
    /// A protocol that accepts the app password: zulip or zettelstore, for a bot also rocketchat. Repeat the option for
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
            Self::List(arguments) => {
                let (assembled, account) = arguments.find().await?;
                for password in AppPasswords::new(assembled.engine()).list(&account).await? {
                    print_line(describe(&password))?;
                }
                Ok(())
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
        let expires = self.until.map(end_of).transpose()?;
        let (assembled, account) = self.account.find().await?;
        if expires.is_some_and(|expires| expires <= assembled.clock().now()) {
            bail!("--until is in the past");
        }
        let passwords = AppPasswords::new(assembled.engine());
        match passwords.add(&account, &self.name, self.protocols, expires).await? {
            Some(password) => print_line(password.expose())?,
            None => bail!("there is an app password `{}` already", self.name.escape_debug()),
        }
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let (assembled, account) = self.account.find().await?;
        if !AppPasswords::new(assembled.engine()).revoke(&account, &self.name).await? {
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

/// The moment at which a day ends, in UTC.
fn end_of(day: Date) -> anyhow::Result<Timestamp> {
    let next = day.tomorrow().context("--until is too far in the future")?;
    let midnight = next.to_zoned(TimeZone::UTC).context("--until is too far in the future")?;
    Ok(Timestamp::from_millis(midnight.timestamp().as_millisecond()))
}

/// An app password as a line of JSON. The field `doors`, which lists the protocols, keeps the name that scripts know.
/// Those that clients can't present by their digest have a field `clear_only`.
fn describe(password: &Credential) -> Value {
    let protocols: Vec<&str> = password.scope.protocols.iter().map(ProtocolName::as_str).collect();
    let mut line = serde_json::json!({
        "name": password.label,
        "doors": if protocols.is_empty() { Value::from("all") } else { protocols.into() },
        "created": rfc3339(password.created),
        "ends": password.expires.and_then(rfc3339),
    });
    if let Some(fields) = line.as_object_mut().filter(|_| password.clear_only) {
        fields.insert("clear_only".to_owned(), Value::from(true));
    }
    line
}
