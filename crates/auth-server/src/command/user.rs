//! `auth-server user`: adds, lists, changes and deletes users.

mod add;
mod app_password;
mod relink;
mod reset_link;
mod totp;

use anyhow::{Context, bail};
use auth_admin::{Accounts, check_password};
use auth_core::{Account, Language, NameKind, ProtocolName, Realm};
use auth_transfer::rfc3339;
use serde_json::Value;

use super::account::AccountArguments;
use super::config_file::ConfigFile;
use super::input::{read_new_password, read_password};
use super::output::print_line;
use super::realm::named;

/// The number of users that are read from the store at once.
const PAGE: u32 = 500;

/// Manage users. Passwords are read from the terminal or standard input, never from an argument.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Add a user.
    #[command(after_help = "Example: auth-server user add --config auth.toml --realm main --name iago \
                            --email iago@zulip.com")]
    Add(add::Add),
    /// List the users of one realm or of all realms.
    #[command(after_help = "Example: auth-server user list --config auth.toml --realm main")]
    List(List),
    /// Show a user.
    #[command(after_help = "Example: auth-server user show --config auth.toml iago@zulip.com")]
    Show(AccountArguments),
    /// Set a user's password, and end the user's sessions.
    #[command(
        after_help = "Example: auth-server user set-password --config auth.toml iago@zulip.com < secret.txt"
    )]
    SetPassword(SetPassword),
    /// Make a link with which the user sets a new password: once, within 15 minutes. The second factor stays.
    #[command(after_help = "Examples:\n  auth-server user reset-link --config auth.toml iago@zulip.com\n  \
                            auth-server user reset-link --config auth.toml iago --day --output link.txt")]
    ResetLink(reset_link::ResetLink),
    /// Add a user without a password, and make a link with which the user sets one.
    #[command(after_help = "Example: auth-server user invite --config auth.toml --realm main --name iago \
                            --email iago@zulip.com --day")]
    Invite(reset_link::Invite),
    /// Check a password against the stored one, without logging in.
    #[command(after_help = "Example: auth-server user verify --config auth.toml iago@zulip.com < secret.txt")]
    Verify(AccountArguments),
    /// Take a user's e-mail addresses for verified.
    #[command(after_help = "Example: auth-server user verify-email --config auth.toml iago@zulip.com")]
    VerifyEmail(AccountArguments),
    /// Deactivate a user: every login, token and key is refused at once.
    #[command(after_help = "Example: auth-server user deactivate --config auth.toml iago@zulip.com")]
    Deactivate(AccountArguments),
    /// Activate a user that was deactivated.
    #[command(after_help = "Example: auth-server user activate --config auth.toml iago@zulip.com")]
    Activate(AccountArguments),
    /// Give an account to another entry of its directory, such as one that was deleted there and made again.
    #[command(after_help = "Examples:\n  auth-server user relink --config auth.toml iago\n  \
                            auth-server user relink --config auth.toml iago --entry 2f9e0a4c-1d1e-103f-8a5b-3b1c2d4e5f60")]
    Relink(relink::Relink),
    /// Delete a user and everything that belongs to the user.
    #[command(after_help = "Example: auth-server user delete --config auth.toml iago@zulip.com")]
    Delete(AccountArguments),
    /// Manage a user's app passwords: random passwords, each with a name, for clients that have no second step.
    #[command(subcommand)]
    AppPassword(app_password::AppPasswordCommand),
    /// Manage a user's authenticator app.
    #[command(subcommand)]
    Totp(totp::TotpCommand),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug.
    #[arg(long)]
    realm: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetPassword {
    #[command(flatten)]
    account: AccountArguments,
    /// Accept a weak password.
    #[arg(long)]
    allow_weak: bool,
}

impl UserCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await.map(drop),
            Self::ResetLink(link) => link.run().await,
            Self::Invite(invite) => invite.run().await,
            Self::List(list) => list.run().await,
            Self::Show(account) => show(&account).await,
            Self::SetPassword(set_password) => set_password.run().await,
            Self::Verify(account) => verify(&account).await,
            Self::VerifyEmail(account) => verify_email(&account).await,
            Self::Deactivate(account) => set_active(&account, false).await,
            Self::Activate(account) => set_active(&account, true).await,
            Self::Relink(relink) => relink.run().await,
            Self::Delete(account) => delete(&account).await,
            Self::AppPassword(command) => command.run().await,
            Self::Totp(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let accounts = Accounts::new(assembled.engine());
        let realms = match &self.realm {
            Some(slug) => vec![named(&accounts, slug).await?],
            None => accounts.realms().await?,
        };
        for realm in realms {
            let mut after = None;
            loop {
                let page = accounts.list(&realm, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
                for account in &page {
                    print_line(describe(account, &realm))?;
                }
            }
        }
        Ok(())
    }
}

async fn show(arguments: &AccountArguments) -> anyhow::Result<()> {
    let (assembled, account) = arguments.find().await?;
    let realms = Accounts::new(assembled.engine()).realms().await?;
    let realm = realms.iter().find(|realm| realm.id == account.user.realm);
    print_line(describe(&account, realm.context("the user's realm is gone")?))?;
    Ok(())
}

impl SetPassword {
    async fn run(self) -> anyhow::Result<()> {
        let (assembled, account) = self.account.find().await?;
        let password = read_new_password()?;
        Accounts::new(assembled.engine()).set_password(&account, &password, self.allow_weak).await?;
        print_line("password set")?;
        Ok(())
    }
}

/// Prints whether a password matches, the scheme of the stored password, and whether a login replaces its hash. Fails if
/// the password doesn't match.
async fn verify(arguments: &AccountArguments) -> anyhow::Result<()> {
    let (assembled, account) = arguments.find().await?;
    let password = read_password()?;
    let check = check_password(assembled.engine(), &account, &password).await?;
    if !check.matches {
        bail!("no match: the password is not the stored one ({})", check.scheme);
    }
    let state = if check.obsolete { "rehashed at the next login" } else { "up to date" };
    print_line(format_args!("match: {}, {state}", check.scheme))?;
    Ok(())
}

async fn verify_email(arguments: &AccountArguments) -> anyhow::Result<()> {
    let (assembled, account) = arguments.find().await?;
    let changed = Accounts::new(assembled.engine()).verify_addresses(&account).await?;
    print_line(if changed { "verified" } else { "was verified already" })?;
    Ok(())
}

async fn set_active(arguments: &AccountArguments, active: bool) -> anyhow::Result<()> {
    let (assembled, account) = arguments.find().await?;
    Accounts::new(assembled.engine()).set_active(&account, active).await?;
    print_line(if active { "activated" } else { "deactivated" })?;
    Ok(())
}

async fn delete(arguments: &AccountArguments) -> anyhow::Result<()> {
    let (assembled, account) = arguments.find().await?;
    Accounts::new(assembled.engine()).delete(&account).await?;
    print_line("deleted")?;
    Ok(())
}

/// A user as a line of JSON, without secrets.
fn describe(account: &Account, realm: &Realm) -> Value {
    let user = &account.user;
    serde_json::json!({
        "realm": realm.slug,
        "id": user.id.to_string(),
        "username": user.user_name(),
        "email": user.email().map(|email| email.address),
        "directory_name": user.name(NameKind::Directory).map(|name| name.exact.as_str()),
        "full_name": user.full_name,
        "role": user.role.as_str(),
        "language": user.language.map(Language::tag),
        "bot": user.bot.is_some(),
        "active": user.active,
        "joined": rfc3339(user.joined),
        "password": account.has_password(),
        "second_factor": account.has_second_factor(),
        "zulip_id": user.external_number(ProtocolName::ZULIP),
        "rocketchat_id": user.external_text(ProtocolName::ROCKETCHAT),
        "zettelstore_zid": format!("{:014}", user.external_number(ProtocolName::ZETTELSTORE)),
    })
}
