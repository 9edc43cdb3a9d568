//! `auth-server group`: groups of users and their members.

use auth_admin::operation::{
    AccountName, AddGroup, AddMember, GroupName, ListGroups, ListMembers, RemoveGroup, RemoveMember,
    RenameGroup,
};
use auth_admin::view::GroupView;

use super::access::{Access, AccessArguments};
use super::account::{AccountsArguments, explained};
use super::output::{Form, Row, print_line, shown_moment};

/// Manage groups of users.
#[derive(Debug, clap::Subcommand)]
pub(super) enum GroupCommand {
    /// List the groups of a realm.
    #[command(after_help = "Example: auth-server group list --realm main")]
    List(List),
    /// List the members of a group.
    #[command(after_help = "Example: auth-server group members --realm main staff")]
    Members(Members),
    /// Add a group.
    #[command(after_help = "Example: auth-server group add --realm main staff")]
    Add(OneGroup),
    /// Give a group another name.
    #[command(after_help = "Example: auth-server group rename --realm main staff 'All staff'")]
    Rename(Rename),
    /// Remove a group. Its members stay users.
    #[command(after_help = "Example: auth-server group remove --realm main staff")]
    Remove(OneGroup),
    /// Put a user into a group of the user's realm.
    #[command(after_help = "Examples:\n  auth-server group join iago@zulip.com --group staff\n  \
                            auth-server group join --group staff --names-from names.txt")]
    Join(Membership),
    /// Take a user out of a group.
    #[command(after_help = "Example: auth-server group leave iago@zulip.com --group staff")]
    Leave(Membership),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug.
    #[arg(long)]
    realm: String,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct OneGroup {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug.
    #[arg(long)]
    realm: String,
    /// The group's name.
    #[arg(value_name = "GROUP")]
    group: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Members {
    #[command(flatten)]
    group: OneGroup,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rename {
    #[command(flatten)]
    group: OneGroup,
    /// The new name.
    #[arg(value_name = "NEW-NAME")]
    to: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Membership {
    #[command(flatten)]
    accounts: AccountsArguments,
    /// The group's name.
    #[arg(long)]
    group: String,
}

impl GroupCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Members(members) => members.run().await,
            Self::Add(add) => {
                let done = add.run(async |access, group| access.run(AddGroup { group }).await).await?;
                print_line(format_args!("added {}", done.name))?;
                Ok(())
            }
            Self::Rename(Rename { group, to }) => {
                let done =
                    group.run(async |access, group| access.run(RenameGroup { group, to }).await).await?;
                print_line(if done.changed { "renamed" } else { "was so already" })?;
                Ok(())
            }
            Self::Remove(remove) => {
                remove.run(async |access, group| access.run(RemoveGroup { group }).await).await?;
                print_line("removed")?;
                Ok(())
            }
            Self::Join(Membership { accounts, group }) => {
                let join = async |access: &Access, user: AccountName| {
                    let changed = access.run(AddMember { user, group: group.clone() }).await?.changed;
                    Ok(if changed { "joined" } else { "was a member already" }.to_owned())
                };
                accounts.each(join).await
            }
            Self::Leave(Membership { accounts, group }) => {
                let leave = async |access: &Access, user: AccountName| {
                    let changed = access.run(RemoveMember { user, group: group.clone() }).await?.changed;
                    Ok(if changed { "left" } else { "was no member" }.to_owned())
                };
                accounts.each(leave).await
            }
        }
    }
}

impl OneGroup {
    /// Does something to the group.
    async fn run<T>(
        self,
        act: impl AsyncFnOnce(&Access, GroupName) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let access = self.access.open().await?;
        let group = GroupName { realm: self.realm.clone(), name: self.group };
        let done = act(&access, group).await;
        explained(&access, Some(&self.realm), "", done).await
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let access = self.access.open().await?;
        let (mut after, mut is_first) = (None, true);
        loop {
            let page = access.run(ListGroups { realm: self.realm.clone(), after, limit: None }).await;
            let page = explained(&access, Some(&self.realm), "", page).await?;
            self.form.print(&page.items, is_first)?;
            if page.next.is_none() {
                return Ok(());
            }
            (after, is_first) = (page.next, false);
        }
    }
}

impl Members {
    async fn run(self) -> anyhow::Result<()> {
        let form = self.form;
        let print = async |access: &Access, group: GroupName| {
            let (mut after, mut is_first) = (None, true);
            loop {
                let page = access.run(ListMembers { group: group.clone(), after, limit: None }).await?;
                form.print(&page.items, is_first)?;
                if page.next.is_none() {
                    return Ok(());
                }
                (after, is_first) = (page.next, false);
            }
        };
        self.group.run(print).await
    }
}

impl Row for GroupView {
    const COLUMNS: &'static [&'static str] = &["realm", "name", "directory", "made", "id"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.realm.clone(),
            self.name.clone(),
            self.directory.clone().unwrap_or_default(),
            shown_moment(Some(self.made)),
            self.id.clone(),
        ]
    }
}
