//! Operations on tokens and keys.

use auth_core::CredentialId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Done, Operation, Scope};
use crate::devices_and_tokens::Tokens;
use crate::error::AdminError;
use crate::view::{Moment, TokenView};

fn tokens(admin: &Admin) -> Tokens {
    Tokens::new(admin.engine()).acting_as(admin.operator().author().clone())
}

/// Lists a user's tokens and keys, without secrets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListTokens {
    /// The user.
    pub user: AccountName,
    /// Only tokens that were not used since this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive_since: Option<Moment>,
}

impl Operation for ListTokens {
    const NAME: &'static str = "token.list";
    const SUMMARY: &'static str = "Lists a user's tokens and keys, without secrets.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<TokenView>;

    async fn run(self, admin: &Admin) -> Result<Vec<TokenView>, AdminError> {
        let (account, _) = admin.account(&self.user).await?;
        let mut listed = tokens(admin).list(&account).await?;
        if let Some(Moment(since)) = self.inactive_since {
            listed.retain(|token| token.last_used.unwrap_or(token.created) < since);
        }
        Ok(listed.iter().map(TokenView::of).collect())
    }
}

/// Revokes one of a user's tokens and keys.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RevokeToken {
    /// The user.
    pub user: AccountName,
    /// The id that `token.list` gives.
    pub id: String,
}

impl Operation for RevokeToken {
    const NAME: &'static str = "token.revoke";
    const SUMMARY: &'static str = "Revokes one of a user's tokens and keys.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let Ok(id) = self.id.parse::<CredentialId>() else { return Ok(Changed { changed: false }) };
        Ok(Changed { changed: tokens(admin).revoke(&account, id).await? })
    }
}

/// Revokes all of a user's tokens and keys, also signed ones.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RevokeAllTokens {
    /// The user.
    pub user: AccountName,
}

impl Operation for RevokeAllTokens {
    const NAME: &'static str = "token.revoke-all";
    const SUMMARY: &'static str = "Revokes all of a user's tokens and keys, also signed ones.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        tokens(admin).revoke_all(&account).await?;
        Ok(Done {})
    }
}
