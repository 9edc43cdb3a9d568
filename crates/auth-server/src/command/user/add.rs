//! `auth-server user add`: adds a user.

use anyhow::{Context, bail};
use auth_admin::SecretText;
use auth_admin::operation::AddUser;
use auth_admin::view::UserView;

use crate::command::access::{Access, AccessArguments};
use crate::command::input::read_new_password;
use crate::command::output::print_line;
use crate::command::realm::new_realm;

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Add {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug. The first realm of a store is created; for a further one see --create-realm.
    #[arg(long, default_value = "main")]
    realm: String,
    /// Create the realm if it doesn't exist.
    #[arg(long)]
    create_realm: bool,
    /// The user name. One that is an address is the e-mail address too, unless --email gives another.
    #[arg(long)]
    name: Option<String>,
    /// The e-mail address, which counts as verified.
    #[arg(long)]
    email: Option<String>,
    /// The full name.
    #[arg(long, default_value = "")]
    full_name: String,
    /// The role: owner, admin, moderator, member or guest.
    #[arg(long, default_value = "member")]
    role: String,
    /// The language of the user's mails: en or de.
    #[arg(long)]
    language: Option<String>,
    /// Make the user a bot of this kind: default, incoming-webhook, outgoing-webhook, embedded or app.
    #[arg(long)]
    bot: Option<String>,
    /// Add the user without a password.
    #[arg(long)]
    no_password: bool,
    /// Accept a weak password.
    #[arg(long)]
    allow_weak: bool,
}

impl Add {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let access = self.access.open().await?;
        self.add_by(&access).await.map(drop)
    }

    /// Where the accounts are.
    pub(super) fn access(&self) -> &AccessArguments {
        &self.access
    }

    /// Adds the user without a password.
    pub(super) async fn add_without_password(self, access: &Access) -> anyhow::Result<UserView> {
        Self { no_password: true, ..self }.add_by(access).await
    }

    async fn add_by(self, access: &Access) -> anyhow::Result<UserView> {
        if self.name.is_none() && self.email.is_none() {
            bail!("name the new user with --email, --name or both");
        }
        let new_realm = new_realm(access, &self.realm, self.create_realm).await?;
        let password = match self.no_password {
            true => None,
            false => Some(SecretText::new(read_new_password()?.expose())),
        };
        if let Some(new_realm) = new_realm {
            access.run(new_realm).await?;
        }
        let add = AddUser {
            realm: Some(self.realm),
            username: self.name,
            email: self.email,
            full_name: self.full_name,
            role: Some(self.role),
            language: self.language,
            bot: self.bot,
            password,
            allow_weak: self.allow_weak,
            external_id: None,
        };
        let added = access.run(add).await.context("the user was not added")?;
        print_line("added")?;
        Ok(added)
    }
}
