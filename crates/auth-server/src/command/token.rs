//! `auth-server token`: lists and revokes what clients hold.

use anyhow::bail;
use auth_admin::Tokens;
use auth_core::{Credential, CredentialId};
use auth_transfer::rfc3339;
use serde_json::Value;

use super::account::AccountArguments;
use super::output::print_line;

/// Manage what clients hold: login tokens, personal access tokens, API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// List a user's tokens and keys, without secrets.
    #[command(after_help = "Example: auth-server token list --config auth.toml iago@zulip.com")]
    List(AccountArguments),
    /// Revoke one of a user's tokens and keys by its id, or all of them, including Zettelstore's signed tokens.
    #[command(after_help = "Example: auth-server token revoke --config auth.toml iago@zulip.com --all")]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    account: AccountArguments,
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
            Self::List(arguments) => {
                let (assembled, account) = arguments.find().await?;
                for token in Tokens::new(assembled.engine()).list(&account).await? {
                    print_line(describe(&token))?;
                }
                Ok(())
            }
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<()> {
        let (assembled, account) = self.account.find().await?;
        let tokens = Tokens::new(assembled.engine());
        match self.id {
            Some(id) => {
                if !tokens.revoke(&account, id).await? {
                    bail!("there is no such token");
                }
            }
            None => tokens.revoke_all(&account).await?,
        }
        print_line("revoked")?;
        Ok(())
    }
}

/// A token as a line of JSON.
fn describe(token: &Credential) -> Value {
    serde_json::json!({
        "id": token.id.to_string(),
        "kind": token.kind.as_str(),
        "name": token.label,
        "created": rfc3339(token.created),
        "last_used": token.last_used.and_then(rfc3339),
        "ends": token.expires.and_then(rfc3339),
    })
}
