//! `auth-server limits`: shows and lifts limits that let nothing through.

use anyhow::bail;
use auth_admin::operation::{LiftLimit, ListLimits};
use auth_admin::view::LimitView;

use super::access::AccessArguments;
use super::output::{Form, Row, print_line, shown_moment};

/// Show and lift limits. A server with a SQLite store keeps them in memory: it is asked at its socket.
#[derive(Debug, clap::Subcommand)]
pub(super) enum LimitsCommand {
    /// List the limits that let nothing through now: whom they count, from where, and until when.
    #[command(after_help = "Example: auth-server limits list")]
    List(List),
    /// Lift a limit by its key. `user unlock` lifts all limits of a user.
    #[command(after_help = "Example: auth-server limits lift 5d41402abc4b2a76b9719d911017c592…")]
    Lift(Lift),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Lift {
    #[command(flatten)]
    access: AccessArguments,
    /// The key that `limits list` shows.
    #[arg(value_name = "KEY")]
    key: String,
}

impl LimitsCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => {
                let limits = list.access.open().await?.run(ListLimits {}).await?;
                list.form.print(&limits, true)
            }
            Self::Lift(lift) => {
                if !lift.access.open().await?.run(LiftLimit { key: lift.key }).await?.changed {
                    bail!("no limit of that key has counted anything");
                }
                print_line("lifted")?;
                Ok(())
            }
        }
    }
}

impl Row for LimitView {
    const COLUMNS: &'static [&'static str] = &["until", "what", "realm", "user", "name", "key"];

    fn cells(&self) -> Vec<String> {
        vec![
            shown_moment(Some(self.until)),
            self.what.clone(),
            self.realm.clone().unwrap_or_default(),
            self.user.clone().unwrap_or_default(),
            self.name.clone().unwrap_or_default(),
            self.key.clone(),
        ]
    }
}
