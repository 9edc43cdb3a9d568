//! `auth-server user`: adds, lists, changes and deletes users.

mod add;
mod app_password;
mod relink;
mod reset_link;
mod totp;

use anyhow::bail;
use auth_admin::SecretText;
use auth_admin::operation::{
    AccountName, ActivateUser, CheckPassword, DeactivateUser, DeleteUser, EndSessions, ExportUser,
    ListGroupsOf, ListUsers, MailResetLink, MergeUsers, RenameUser, SetPassword as SetPasswordOf, SetUser,
    ShowUser, UnlockUser, VerifyAddress,
};
use auth_admin::view::{Moment, UserView};
use auth_core::{Clock, SystemClock};

use super::access::{Access, AccessArguments};
use super::account::{AccountArguments, AccountsArguments, explained};
use super::input::{Age, confirm, moment, read_new_password, read_password};
use super::output::{Form, Row, print_line, print_remark, shown_moment, yes};

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
    Show(Show),
    /// Change a user's name, address, role or language. The former address is mailed of a new one.
    #[command(
        after_help = "Example: auth-server user set --config auth.toml iago --role moderator --full-name Iago"
    )]
    Set(Set),
    /// Give a user another user name. Ids, keys and tokens stay, but Zettelstore's tokens end.
    #[command(after_help = "Example: auth-server user rename --config auth.toml iago jago")]
    Rename(Rename),
    /// Lift all limits of a user: wrong passwords and codes that were counted are forgotten.
    #[command(after_help = "Example: auth-server user unlock iago@zulip.com")]
    Unlock(AccountsArguments),
    /// End all of a user's sessions. Keys, personal tokens and app passwords stay.
    #[command(after_help = "Example: auth-server user end-sessions --config auth.toml iago@zulip.com")]
    EndSessions(AccountsArguments),
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
    VerifyEmail(AccountsArguments),
    /// Deactivate a user: every login, token and key is refused at once.
    #[command(after_help = "Example: auth-server user deactivate --config auth.toml iago@zulip.com")]
    Deactivate(AccountsArguments),
    /// Activate a user that was deactivated.
    #[command(after_help = "Example: auth-server user activate --config auth.toml iago@zulip.com")]
    Activate(AccountsArguments),
    /// Give an account to another entry of its directory, such as one that was deleted there and made again.
    #[command(after_help = "Examples:\n  auth-server user relink --config auth.toml iago\n  \
                            auth-server user relink --config auth.toml iago --entry 2f9e0a4c-1d1e-103f-8a5b-3b1c2d4e5f60")]
    Relink(relink::Relink),
    /// Mail a user a link for a new password.
    #[command(after_help = "Example: auth-server user mail-reset-link --config auth.toml iago@zulip.com")]
    MailResetLink(AccountsArguments),
    /// List the groups that a user is in.
    #[command(after_help = "Example: auth-server user groups --config auth.toml iago@zulip.com")]
    Groups(Show),
    /// Hand over what is kept of a person, without secrets, as one JSON document.
    #[command(after_help = "Example: auth-server user export --config auth.toml iago@zulip.com > iago.json")]
    Export(AccountArguments),
    /// Make one account of two of a realm: the first stays, with the names, ids, tokens, keys, groups and logs of both.
    #[command(
        after_help = "Examples:\n  auth-server user merge --config auth.toml iago iago.old --dry-run\n  \
                            auth-server user merge --config auth.toml iago iago.old --take-id rocketchat"
    )]
    Merge(Merge),
    /// Delete a user and everything that belongs to the user. What the logs tell of the person is blanked.
    #[command(after_help = "Examples:\n  auth-server user delete --config auth.toml iago@zulip.com\n  \
                            auth-server user delete --config auth.toml --yes --names-from leavers.txt")]
    Delete(Delete),
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
    access: AccessArguments,
    /// The realm's slug.
    #[arg(long)]
    realm: Option<String>,
    /// Only users that neither logged in nor used a token or a key since this time, such as 90d, those unseen for longest
    /// first.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    inactive: Option<Age>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Set {
    #[command(flatten)]
    accounts: AccountsArguments,
    /// The full name.
    #[arg(long)]
    full_name: Option<String>,
    /// The e-mail address, which then counts as verified.
    #[arg(long, conflicts_with = "names_from")]
    email: Option<String>,
    /// The role: owner, admin, moderator, member or guest.
    #[arg(long)]
    role: Option<String>,
    /// The language of the user's mails: en or de; an empty one for none.
    #[arg(long)]
    language: Option<String>,
    /// Whether the user must have a new password, and is led to it at the next sign-in.
    #[arg(long, value_name = "true|false")]
    must_change_password: Option<bool>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Merge {
    #[command(flatten)]
    account: AccountArguments,
    /// The user who goes.
    #[arg(value_name = "GONE")]
    gone: String,
    /// A protocol at which the id of the user who goes is the one that counts, though neither was used there. Repeat the option
    /// for several.
    #[arg(long = "take-id", value_name = "PROTOCOL")]
    take_ids: Vec<String>,
    /// Tell what would be, and write nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    #[command(flatten)]
    accounts: AccountsArguments,
    /// Delete without asking. Where nobody can be asked, nothing is deleted without it.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rename {
    #[command(flatten)]
    account: AccountArguments,
    /// The new user name.
    #[arg(value_name = "NEW-NAME")]
    to: String,
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
            Self::Add(add) => add.run().await,
            Self::ResetLink(link) => link.run().await,
            Self::Invite(invite) => invite.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Set(set) => set.run().await,
            Self::Rename(rename) => rename.run().await,
            Self::Unlock(accounts) => {
                let unlock = async |access: &Access, user| {
                    let changed = access.run(UnlockUser { user }).await?.changed;
                    Ok(if changed { "unlocked" } else { "nothing was counted" }.to_owned())
                };
                accounts.each(unlock).await
            }
            Self::EndSessions(accounts) => {
                let end = async |access: &Access, user| {
                    access.run(EndSessions { user }).await?;
                    Ok("sessions ended".to_owned())
                };
                accounts.each(end).await
            }
            Self::SetPassword(set_password) => set_password.run().await,
            Self::Verify(account) => verify(&account).await,
            Self::VerifyEmail(accounts) => {
                let verify = async |access: &Access, user| {
                    let changed = access.run(VerifyAddress { user }).await?.changed;
                    Ok(if changed { "verified" } else { "was verified already" }.to_owned())
                };
                accounts.each(verify).await
            }
            Self::Deactivate(accounts) => {
                let deactivate = async |access: &Access, user| {
                    access.run(DeactivateUser { user }).await?;
                    Ok("deactivated".to_owned())
                };
                accounts.each(deactivate).await
            }
            Self::Activate(accounts) => {
                let activate = async |access: &Access, user| {
                    access.run(ActivateUser { user }).await?;
                    Ok("activated".to_owned())
                };
                accounts.each(activate).await
            }
            Self::Relink(relink) => relink.run().await,
            Self::MailResetLink(accounts) => {
                let mail = async |access: &Access, user| {
                    access.run(MailResetLink { user }).await?;
                    Ok("mailed".to_owned())
                };
                accounts.each(mail).await
            }
            Self::Groups(Show { account, form }) => {
                let groups =
                    account.run(async |access, user| access.run(ListGroupsOf { user }).await).await?;
                form.print(&groups, true)
            }
            Self::Export(account) => {
                let data = account.run(async |access, user| access.run(ExportUser { user }).await).await?;
                print_line(serde_json::to_string_pretty(&data)?)?;
                Ok(())
            }
            Self::Merge(merge) => merge.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::AppPassword(command) => command.run().await,
            Self::Totp(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let access = self.access.open().await?;
        let inactive_since = self.inactive.map(|age| Moment(age.before(SystemClock.now())));
        let (mut after, mut is_first) = (None, true);
        loop {
            let list = ListUsers { realm: self.realm.clone(), inactive_since, after, limit: None };
            let page = access.run(list).await;
            let page = explained(&access, self.realm.as_deref(), "", page).await?;
            self.form.print(&page.items, is_first)?;
            if page.next.is_none() {
                return Ok(());
            }
            (after, is_first) = (page.next, false);
        }
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<()> {
        let shown = self.account.run(async |access, user| access.run(ShowUser { user }).await).await?;
        self.form.print(&[shown], true)
    }
}

impl Set {
    async fn run(self) -> anyhow::Result<()> {
        let Self { accounts, full_name, email, role, language, must_change_password } = self;
        let is_named = [&full_name, &email, &role, &language].into_iter().any(Option::is_some);
        if !is_named && must_change_password.is_none() {
            bail!("name what is to be changed: see `auth-server user set --help`");
        }
        let set = async |access: &Access, user| {
            let operation = SetUser {
                user,
                full_name: full_name.clone(),
                email: email.clone(),
                role: role.clone(),
                language: language.clone(),
                must_change_password,
            };
            Ok(if access.run(operation).await?.changed { "changed" } else { "was so already" }.to_owned())
        };
        accounts.each(set).await
    }
}

impl Merge {
    async fn run(self) -> anyhow::Result<()> {
        let Self { account, gone, take_ids, dry_run } = self;
        let merge = async |access: &Access, user: AccountName| {
            let gone = AccountName { realm: user.realm.clone(), name: gone };
            access.run(MergeUsers { user, gone, take_ids, dry_run }).await
        };
        let merged = account.run(merge).await?;
        print_line(serde_json::to_string(&merged)?)?;
        if dry_run {
            print_remark("nothing was written")?;
        }
        Ok(())
    }
}

impl Delete {
    async fn run(self) -> anyhow::Result<()> {
        if !self.yes {
            let whom = self.accounts.shown();
            confirm(
                &format!("Delete {whom} and everything that belongs to the account, for ever?"),
                "--yes",
            )?;
        }
        let delete = async |access: &Access, user| {
            access.run(DeleteUser { user }).await?;
            Ok("deleted".to_owned())
        };
        self.accounts.each(delete).await
    }
}

impl Rename {
    async fn run(self) -> anyhow::Result<()> {
        let to = self.to.clone();
        let renamed = self.account.run(async |access, user| access.run(RenameUser { user, to }).await);
        print_line(if renamed.await?.changed { "renamed" } else { "was so already" })?;
        Ok(())
    }
}

impl SetPassword {
    async fn run(self) -> anyhow::Result<()> {
        let allow_weak = self.allow_weak;
        let set = async |access: &Access, user: AccountName| {
            // Nobody types a password for an account that isn't there.
            access.run(ShowUser { user: user.clone() }).await?;
            let password = SecretText::new(read_new_password()?.expose());
            access.run(SetPasswordOf { user, password, allow_weak }).await
        };
        self.account.run(set).await?;
        print_line("password set")?;
        Ok(())
    }
}

/// Prints whether a password matches, the scheme of the stored password, and whether a login replaces its hash. Fails if
/// the password doesn't match.
async fn verify(arguments: &AccountArguments) -> anyhow::Result<()> {
    let verify = async |access: &Access, user: AccountName| {
        access.run(ShowUser { user: user.clone() }).await?;
        let password = SecretText::new(read_password()?.expose());
        access.run(CheckPassword { user, password }).await
    };
    let check = arguments.run(verify).await?;
    if !check.matches {
        bail!("no match: the password is not the stored one ({})", check.scheme);
    }
    let state = if check.obsolete { "rehashed at the next login" } else { "up to date" };
    print_line(format_args!("match: {}, {state}", check.scheme))?;
    Ok(())
}

impl Row for UserView {
    const COLUMNS: &'static [&'static str] =
        &["realm", "user name", "e-mail", "full name", "role", "active", "second factor", "last seen", "id"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.realm.clone(),
            self.username.clone().unwrap_or_default(),
            self.email.clone().unwrap_or_default(),
            self.full_name.clone(),
            if self.bot { format!("{}, bot", self.role) } else { self.role.clone() },
            yes(self.active),
            match self.second_factor_until {
                Some(until) => format!("until {}", shown_moment(Some(until))),
                None => yes(self.second_factor),
            },
            shown_moment(self.last_login.max(self.last_use)),
            self.id.clone(),
        ]
    }
}
