//! `auth-server token`: lists and revokes what clients hold.

use anyhow::bail;
use auth_admin::SecretText;
use auth_admin::operation::{FindToken, FoundToken, ListTokens, RevokeAllTokens, RevokeToken};
use auth_admin::view::{Moment, TokenView};
use auth_core::{Clock, CredentialId, SystemClock};

use super::access::{Access, AccessArguments};
use super::account::{AccountArguments, AccountsArguments};
use super::input::{Age, moment, read_secret};
use super::output::{Form, Row, shown_moment};

/// Manage what clients hold: login tokens, personal access tokens, API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// List a user's tokens and keys, without secrets.
    #[command(after_help = "Example: auth-server token list --config auth.toml iago@zulip.com")]
    List(List),
    /// Revoke one of a user's tokens and keys by its id, or all of them, including Zettelstore's signed tokens.
    #[command(after_help = "Example: auth-server token revoke --config auth.toml iago@zulip.com --all")]
    Revoke(Revoke),
    /// Find whose a leaked token, key or app password is: the secret is read from standard input.
    #[command(after_help = "Example: auth-server token find --config auth.toml < leaked.txt")]
    Find(Find),
}

#[derive(Debug, clap::Args)]
pub(super) struct Find {
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    account: AccountArguments,
    /// Only tokens that were not used since this time, such as 90d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    inactive: Option<Age>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    accounts: AccountsArguments,
    /// The id that `token list` shows.
    #[arg(long, conflicts_with = "all", required_unless_present = "all")]
    id: Option<CredentialId>,
    /// Revoke all of them.
    #[arg(long)]
    all: bool,
}

impl TokenCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => {
                let account = &list.account;
                let inactive_since = list.inactive.map(|age| Moment(age.before(SystemClock.now())));
                let listed =
                    async |access: &Access, user| access.run(ListTokens { user, inactive_since }).await;
                let tokens = account.run(listed).await?;
                list.form.print(&tokens, true)
            }
            Self::Revoke(revoke) => revoke.run().await,
            Self::Find(find) => find.run().await,
        }
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let revoke = async |access: &Access, user| {
            match self.id {
                Some(id) => {
                    if !access.run(RevokeToken { user, id: id.to_string() }).await?.changed {
                        bail!("there is no such token");
                    }
                }
                None => drop(access.run(RevokeAllTokens { user }).await?),
            }
            Ok("revoked".to_owned())
        };
        self.accounts.each(revoke).await
    }
}

impl Find {
    async fn run(self) -> anyhow::Result<()> {
        let secret = read_secret()?;
        let access = self.access.open().await?;
        let found = access.run(FindToken { secret: SecretText::new(secret.expose()) }).await?;
        let Some(found) = found.found else {
            bail!("that is nobody's token, key or app password, or it has ended");
        };
        self.form.print(&[found], true)
    }
}

impl Row for FoundToken {
    const COLUMNS: &'static [&'static str] = &["realm", "user", "user id", "kind", "name", "made", "id"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.realm.clone(),
            self.user.clone().unwrap_or_default(),
            self.user_id.clone(),
            self.token.kind.clone(),
            self.token.name.clone().unwrap_or_default(),
            shown_moment(Some(self.token.created)),
            self.token.id.clone(),
        ]
    }
}

impl Row for TokenView {
    const COLUMNS: &'static [&'static str] = &["id", "kind", "name", "made", "last used", "ends"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.kind.clone(),
            self.name.clone().unwrap_or_default(),
            shown_moment(Some(self.created)),
            shown_moment(self.last_used),
            shown_moment(self.ends),
        ]
    }
}
