//! `auth-server user app-password`.

use anyhow::{Context, bail};
use auth_core::{Credential, ProtocolName, Timestamp};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{One, say};
use crate::command::shown;

/// Look after app passwords: random passwords for clients that know no second step, each with a name.
#[derive(Debug, clap::Subcommand)]
pub(in crate::command) enum AppPassword {
    /// Make one and print it: it is shown this once.
    #[command(after_help = "Example: auth-server user app-password add --config auth.toml iago@zulip.com \
                            --name terminal --protocol zulip --until 2027-12-31")]
    Add(Add),
    /// List them, without secrets.
    #[command(after_help = "Example: auth-server user app-password list --config auth.toml iago@zulip.com")]
    List(One),
    /// End one.
    #[command(
        after_help = "Example: auth-server user app-password revoke --config auth.toml iago@zulip.com \
                            --name terminal"
    )]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Add {
    #[command(flatten)]
    one: One,
    /// What to call it.
    #[arg(long)]
    name: String,
    /// A protocol that it opens: zulip or zettelstore; of a bot also rocketchat. Give it for each; without it, all that
    /// it can open.
    #[arg(long = "protocol", value_parser = protocol)]
    protocols: Vec<ProtocolName>,
    /// The last day on which it is good, in UTC, as in 2027-12-31; without it, it doesn't end.
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Revoke {
    #[command(flatten)]
    one: One,
    /// What it is called.
    #[arg(long)]
    name: String,
}

impl AppPassword {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(one) => {
                let (assembled, account) = one.find().await?;
                for password in assembled.engine().app_passwords(&account).await? {
                    say(describe(&password))?;
                }
                Ok(())
            }
            Self::Revoke(Revoke { one, name }) => {
                let (assembled, account) = one.find().await?;
                if !assembled.engine().revoke_app_password(&account, &name).await? {
                    bail!("there is no app password `{}`", name.escape_debug());
                }
                say("revoked")?;
                Ok(())
            }
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<()> {
        if self.name.is_empty() {
            bail!("--name is empty");
        }
        let ends = self.until.map(end_of).transpose()?;
        let (assembled, account) = self.one.find().await?;
        if ends.is_some_and(|ends| ends <= assembled.clock().now()) {
            bail!("--until is over already");
        }
        let engine = assembled.engine();
        match engine.add_app_password(&account, &self.name, self.protocols, ends).await? {
            Some(password) => say(password.expose())?,
            None => bail!("there is an app password `{}` already", self.name.escape_debug()),
        }
        Ok(())
    }
}

fn protocol(name: &str) -> Result<ProtocolName, String> {
    ProtocolName::from_name(name).ok_or_else(|| "there is no such protocol".to_owned())
}

/// The moment at which a day is over.
fn end_of(day: Date) -> anyhow::Result<Timestamp> {
    let next = day.tomorrow().context("--until is too far off")?;
    let midnight = next.to_zoned(TimeZone::UTC).context("--until is too far off")?;
    Ok(Timestamp::from_millis(midnight.timestamp().as_millisecond()))
}

/// An app password as one line of JSON.
fn describe(password: &Credential) -> Value {
    let protocols: Vec<&str> = password.scope.protocols.iter().map(|protocol| protocol.as_str()).collect();
    serde_json::json!({
        "name": password.label,
        "protocols": if protocols.is_empty() { Value::from("all") } else { protocols.into() },
        "created": shown(password.created),
        "ends": password.expires.and_then(shown),
    })
}
