//! Operations on limits.

use auth_core::{Act, Digest};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Operation, Scope};
use crate::error::AdminError;
use crate::view::LimitView;

/// Lists the limits that let nothing through now, those that end first before the others.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListLimits {}

impl Operation for ListLimits {
    const NAME: &'static str = "limits.list";
    const SUMMARY: &'static str = "Lists the limits that let nothing through now.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<LimitView>;

    async fn run(self, admin: &Admin) -> Result<Vec<LimitView>, AdminError> {
        let realms = admin.realms().await?;
        let knows_all = admin.operator().realm.is_none();
        let mut shown = Vec::new();
        for limit in admin.engine().limits().closed().await? {
            let account = match limit.user {
                Some(user) => admin.engine().store().user(user).await?,
                None => None,
            };
            let realm = account.as_ref().and_then(|account| {
                realms.iter().find(|realm| realm.id == account.user.realm).map(|realm| realm.slug.as_str())
            });
            // What is counted of no account may be of any realm.
            if knows_all || realm.is_some() {
                shown.push(LimitView::of(&limit, account.as_ref(), realm));
            }
        }
        Ok(shown)
    }
}

/// Lifts a limit: what it has counted is forgotten.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct LiftLimit {
    /// The key that `limits.list` gives.
    pub key: String,
}

impl Operation for LiftLimit {
    const NAME: &'static str = "limits.lift";
    const SUMMARY: &'static str = "Lifts a limit.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        // A limit of a client holds for the realms of others too.
        if admin.operator().realm.is_some() {
            return Err(AdminError::NotPermitted(Self::NAME));
        }
        let bytes = HEXLOWER.decode(self.key.as_bytes()).ok();
        let Some(key) = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(Digest::new) else {
            return Ok(Changed { changed: false });
        };
        let changed = admin.engine().limits().lift(&key).await?;
        if changed {
            let audit = admin.audit(Act::LimitLifted, None, None, self.key);
            admin.engine().store().write_audit(&audit).await?;
        }
        Ok(Changed { changed })
    }
}

/// Lifts all limits of an account, whatever the name, the client and the protocol. What was counted of a client stays.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct UnlockUser {
    /// The user.
    pub user: AccountName,
}

impl Operation for UnlockUser {
    const NAME: &'static str = "user.unlock";
    const SUMMARY: &'static str = "Lifts all limits of a user.";
    const SCOPES: &'static [Scope] = &[Scope::Helpdesk];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let changed = admin.engine().limits().lift_all_of(&account.user).await? > 0;
        if changed {
            let user = &account.user;
            let audit = admin.audit(Act::LimitLifted, Some(user.realm), Some(user.id), "");
            admin.engine().store().write_audit(&audit).await?;
        }
        Ok(Changed { changed })
    }
}
