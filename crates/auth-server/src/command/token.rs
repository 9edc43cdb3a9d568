//! `auth-server token`.

use anyhow::bail;
use auth_core::{Credential, CredentialId};
use serde_json::Value;

use super::user::One;
use super::{say, shown};

/// Look after what clients hold: log-in tokens, personal access tokens, API keys.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Token {
    /// List those of a user, without secrets.
    #[command(after_help = "Example: auth-server token list --config auth.toml iago@zulip.com")]
    List(One),
    /// End one by its id, or all of a user, Zettelstore's signed tokens among them.
    #[command(after_help = "Example: auth-server token revoke --config auth.toml iago@zulip.com --all")]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    one: One,
    /// The id that `token list` shows.
    #[arg(long, conflicts_with = "all", required_unless_present = "all")]
    id: Option<CredentialId>,
    /// All of them.
    #[arg(long)]
    all: bool,
}

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(one) => {
                let (assembled, account) = one.find().await?;
                let tokens = assembled.engine().tokens(&account).await?;
                tokens.iter().try_for_each(|token| say(describe(token)))?;
            }
            Self::Revoke(Revoke { one, id, .. }) => {
                let (assembled, account) = one.find().await?;
                let engine = assembled.engine();
                match id {
                    Some(id) if !engine.revoke_token(&account, id).await? => bail!("there is no such token"),
                    Some(_) => {}
                    None => engine.revoke_tokens(&account).await?,
                }
                say("revoked")?;
            }
        }
        Ok(())
    }
}

/// A token as one line of JSON.
fn describe(token: &Credential) -> Value {
    serde_json::json!({
        "id": token.id.to_string(),
        "kind": token.kind.as_str(),
        "name": token.label,
        "created": shown(token.created),
        "last_used": token.last_used.and_then(shown),
        "ends": token.expires.and_then(shown),
    })
}
