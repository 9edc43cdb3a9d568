//! Operations on app passwords.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Operation, Scope};
use crate::app_passwords::AppPasswords;
use crate::error::AdminError;
use crate::secret_text::SecretText;
use crate::view::{AppPasswordView, Moment};

fn app_passwords(admin: &Admin) -> AppPasswords {
    AppPasswords::new(admin.engine()).acting_as(admin.operator().author().clone())
}

/// Makes an app password. Its reply is the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddAppPassword {
    /// The user.
    pub user: AccountName,
    /// The name of the app password.
    pub name: String,
    /// The protocols that take it; none for all that it can be for.
    #[serde(default)]
    pub protocols: Vec<String>,
    /// When it ends; never unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// An app password that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct NewAppPassword {
    /// The password.
    pub password: SecretText,
}

impl Operation for AddAppPassword {
    const NAME: &'static str = "app-password.add";
    const SUMMARY: &'static str = "Makes an app password, which its reply shows once.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = NewAppPassword;

    async fn run(self, admin: &Admin) -> Result<NewAppPassword, AdminError> {
        if self.name.is_empty() {
            return Err(AdminError::BadName);
        }
        let (account, _) = admin.account_to_change(&self.user).await?;
        let ends = self.until.map(|Moment(until)| until);
        if ends.is_some_and(|ends| ends <= admin.engine().clock().now()) {
            return Err(AdminError::InThePast);
        }
        let mut protocols = Vec::new();
        for name in &self.protocols {
            let found = admin.engine().rules().protocols().find(|protocol| protocol.as_str() == name);
            protocols.push(found.ok_or_else(|| AdminError::NoProtocol(name.clone()))?);
        }
        let made = app_passwords(admin).add(&account, &self.name, protocols, ends).await?;
        let password = made.ok_or(AdminError::AppPasswordThere)?;
        Ok(NewAppPassword { password: SecretText::new(password.expose()) })
    }
}

/// Lists a user's app passwords, without secrets.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListAppPasswords {
    /// The user.
    pub user: AccountName,
}

impl Operation for ListAppPasswords {
    const NAME: &'static str = "app-password.list";
    const SUMMARY: &'static str = "Lists a user's app passwords, without secrets.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<AppPasswordView>;

    async fn run(self, admin: &Admin) -> Result<Vec<AppPasswordView>, AdminError> {
        let (account, _) = admin.account(&self.user).await?;
        Ok(app_passwords(admin).list(&account).await?.iter().map(AppPasswordView::of).collect())
    }
}

/// Revokes an app password, with what was fetched by it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RevokeAppPassword {
    /// The user.
    pub user: AccountName,
    /// The name of the app password.
    pub name: String,
}

impl Operation for RevokeAppPassword {
    const NAME: &'static str = "app-password.revoke";
    const SUMMARY: &'static str = "Revokes an app password, with what was fetched by it.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        Ok(Changed { changed: app_passwords(admin).revoke(&account, &self.name).await? })
    }
}
