//! `auth-server token`: lists and revokes what clients hold.

use anyhow::bail;
use auth_admin::operation::{ListTokens, RevokeAllTokens, RevokeToken};
use auth_admin::view::TokenView;
use auth_core::CredentialId;

use super::access::Access;
use super::account::{AccountArguments, AccountsArguments};
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
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    account: AccountArguments,
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
                let tokens = account.run(async |access, user| access.run(ListTokens { user }).await).await?;
                list.form.print(&tokens, true)
            }
            Self::Revoke(revoke) => revoke.run().await,
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
