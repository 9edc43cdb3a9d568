//! The arguments that name an account.

use anyhow::Context;
use auth_admin::Accounts;
use auth_core::Account;

use super::config_file::ConfigFile;
use super::realm::named;
use crate::assemble::Assembled;
use crate::config::Config;

/// The arguments that name an account.
#[derive(Debug, clap::Args)]
pub(super) struct AccountArguments {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug, needed if several realms have a user of this name.
    #[arg(long)]
    realm: Option<String>,
    /// The user name, e-mail address or id.
    #[arg(value_name = "NAME")]
    user: String,
}

impl AccountArguments {
    /// Reads the configuration.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        self.file.load()
    }

    /// Opens the store and finds the account in it.
    pub(super) async fn find(&self) -> anyhow::Result<(Assembled, Account)> {
        let assembled = self.file.open().await?;
        let accounts = Accounts::new(assembled.engine());
        if let Some(slug) = &self.realm {
            named(&accounts, slug).await?;
        }
        let account = accounts
            .find(self.realm.as_deref(), &self.user)
            .await
            .with_context(|| format!("`{}`", self.user.escape_debug()))?;
        Ok((assembled, account))
    }
}
