//! `auth-server limits`: shows and lifts limits that let nothing through, bans and allows networks.

use anyhow::bail;
use auth_admin::operation::{AllowNetwork, BanNetwork, LiftLimit, ListLimits, ListNetworks, ReleaseNetwork};
use auth_admin::view::{LimitView, Moment, NetworkRuleView};
use auth_core::{Clock, SystemClock};

use super::access::AccessArguments;
use super::input::{Age, moment};
use super::output::{Form, Row, print_line, shown_moment};

/// Show and lift limits, ban and allow networks. A server with a SQLite store keeps them in memory: it is asked at its socket.
#[derive(Debug, clap::Subcommand)]
pub(super) enum LimitsCommand {
    /// List the limits that let nothing through now: whom they count, from where, and until when.
    #[command(after_help = "Example: auth-server limits list")]
    List(List),
    /// Lift a limit by its key. `user unlock` lifts all limits of a user.
    #[command(after_help = "Example: auth-server limits lift 5d41402abc4b2a76b9719d911017c592…")]
    Lift(Lift),
    /// Ban a network: nothing from there is answered.
    #[command(after_help = "Examples:\n  auth-server limits ban 198.51.100.0/24 --until 7d\n  \
                            auth-server limits ban 2001:db8::/48 --note 'credential stuffing'")]
    Ban(Rule),
    /// Allow a network, such as that of an office: no ban of a larger one and no limit of clients holds for it. Those of
    /// accounts do.
    #[command(after_help = "Example: auth-server limits allow 203.0.113.7 --note 'the office'")]
    Allow(Rule),
    /// End the ban or the allowance of a network.
    #[command(after_help = "Example: auth-server limits release 198.51.100.0/24")]
    Release(Release),
    /// List the bans and allowances of networks.
    #[command(after_help = "Example: auth-server limits networks")]
    Networks(List),
}

#[derive(Debug, clap::Args)]
pub(super) struct Rule {
    #[command(flatten)]
    access: AccessArguments,
    /// An address, or a network in CIDR form.
    #[arg(value_name = "NETWORK")]
    network: String,
    /// Until this moment: a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or how long from now, such as 7d. For
    /// ever without it.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Age>,
    /// Why, in at most 200 characters.
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Release {
    #[command(flatten)]
    access: AccessArguments,
    /// The network, as `limits networks` shows it.
    #[arg(value_name = "NETWORK")]
    network: String,
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
            Self::Ban(ban) => {
                let until = ban.until();
                let Rule { access, network, note, .. } = ban;
                let done = access.open().await?.run(BanNetwork { network, until, note }).await?;
                print_line(format_args!("banned {}", done.network))?;
                Ok(())
            }
            Self::Allow(allow) => {
                let until = allow.until();
                let Rule { access, network, note, .. } = allow;
                let done = access.open().await?.run(AllowNetwork { network, until, note }).await?;
                print_line(format_args!("allowed {}", done.network))?;
                Ok(())
            }
            Self::Release(release) => {
                let access = release.access.open().await?;
                if !access.run(ReleaseNetwork { network: release.network }).await?.changed {
                    bail!("that network is neither banned nor allowed: see `auth-server limits networks`");
                }
                print_line("released")?;
                Ok(())
            }
            Self::Networks(list) => {
                let rules = list.access.open().await?.run(ListNetworks {}).await?;
                list.form.print(&rules, true)
            }
        }
    }
}

impl Rule {
    fn until(&self) -> Option<Moment> {
        self.until.map(|until| Moment(until.after(SystemClock.now())))
    }
}

impl Row for NetworkRuleView {
    const COLUMNS: &'static [&'static str] = &["network", "kind", "until", "made", "note"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.network.clone(),
            self.kind.clone(),
            shown_moment(self.until),
            shown_moment(Some(self.made)),
            self.note.clone(),
        ]
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
