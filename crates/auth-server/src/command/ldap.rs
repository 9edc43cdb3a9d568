//! `auth-server ldap`: inspects LDAP directories and synchronises their accounts.

mod groups;

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::bail;
use auth_admin::{Accounts, compare_directory};
use auth_core::{Account, Actor, Entry, FailureReason, PasswordBackend, Realm};
use auth_engine::{Engine, EntryMatch};
use auth_ldap::{Directory, ListedEntry};

use self::groups::{Listed, Members};
use super::config_file::ConfigFile;
use super::input::read_password;
use super::output::print_line;
use super::progress::ProgressLine;
use super::realm::named;
use crate::assemble::Assembled;

/// More accounts than this are deactivated only if they are less than half of the directory's, or with `--allow-many`.
const MANY: usize = 10;

/// The number of entries between two updates of the progress line.
const PROGRESS_EVERY: u64 = 500;

/// Inspect LDAP directories and synchronise their accounts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum LdapCommand {
    /// Show step by step what a login asks a directory and what the directory answers. No secret is shown.
    #[command(after_help = "Examples:\n  auth-server ldap check --config auth.toml --user iago\n  \
                            auth-server ldap check --config auth.toml --user iago --with-password < secret.txt")]
    Check(Check),
    /// Deactivate the accounts of people who are gone from the directory or disabled there, and carry its groups over.
    #[command(after_help = "Example: auth-server ldap sync --config auth.toml --dry-run")]
    Sync(Sync),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// The name as a user would type it.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The realm's slug. By default all realms that ask a directory, or all realms if none asks one yet.
    #[arg(long)]
    realm: Option<String>,
    /// Try a password as well, read from the terminal or the first line of standard input.
    #[arg(long)]
    with_password: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug. By default all realms that ask a directory.
    #[arg(long)]
    realm: Option<String>,
    /// List the accounts that would be deactivated and the changes of groups, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on even if most of the accounts would be deactivated, most memberships in groups would end, or the directory shows no
    /// entry.
    #[arg(long)]
    allow_many: bool,
}

impl LdapCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check(check) => check.run().await,
            Self::Sync(sync) => sync.run().await,
        }
    }
}

impl Check {
    async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let engine = assembled.engine();
        if assembled.directories().len() == 0 {
            bail!("the configuration has no [ldap.NAME]");
        }
        let accounts = Accounts::new(engine);
        let realms = match &self.realm {
            Some(slug) => vec![named(&accounts, slug).await?],
            None => match realms_with_directory(&accounts, None).await? {
                // The directories can be tried before any realm asks them.
                asking if asking.is_empty() => accounts.realms().await?,
                asking => asking,
            },
        };
        let password = if self.with_password { Some(read_password()?) } else { None };
        let mut may_log_in = false;
        for realm in &realms {
            let mut directories = directories_of(&assembled, realm);
            if directories.is_empty() {
                print_line(format_args!(
                    "the realm {} asks no directory yet: its import line has no `backends`",
                    realm.slug
                ))?;
                directories = assembled.directories().collect();
            }
            for directory in directories {
                let name = directory.name();
                print_line(format_args!("realm {}, directory {name}:", realm.slug))?;
                let trace = directory.trace_login(realm, &self.user, password.as_ref()).await;
                for step in &trace.steps {
                    print_line(format_args!("  {step}"))?;
                }
                match &trace.result {
                    Ok(entry) => {
                        may_log_in |= check_account(engine, realm, name, entry, password.is_some()).await?;
                    }
                    Err(error) => print_line(format_args!("  no login: {error}"))?,
                }
            }
        }
        if !may_log_in {
            bail!("no directory lets {} log in", self.user);
        }
        Ok(())
    }
}

/// Prints which account an entry has, and returns whether a login can succeed.
async fn check_account(
    engine: &Engine,
    realm: &Realm,
    directory: &str,
    entry: &Entry,
    with_password: bool,
) -> anyhow::Result<bool> {
    let found = engine.directory_accounts().match_entry(realm, directory, entry).await?;
    let (line, may_log_in) = match &found {
        EntryMatch::Known(account) => {
            (format!("account: {}", describe(account)), account.user.active && realm.active)
        }
        EntryMatch::Linked(account) => (
            format!("account: {} would be linked with the entry", describe(account)),
            account.user.active && realm.active,
        ),
        EntryMatch::Relinked(account) => (
            format!("account: {} belongs to another entry, and would be given to this one", describe(account)),
            account.user.active && realm.active,
        ),
        EntryMatch::Made => ("account: would be created at the first login".to_owned(), realm.active),
        EntryMatch::Refused(FailureReason::AccountOfAnother) => (
            "account: the one of this name isn't the entry's: see merge_existing, and `auth-server user relink` if the \
             entry was made again"
                .to_owned(),
            false,
        ),
        EntryMatch::Refused(reason) => (format!("account: none, {}", reason.as_str()), false),
        _ => ("account: unknown".to_owned(), false),
    };
    print_line(format_args!("  {line}"))?;
    print_line(match (may_log_in, with_password) {
        (true, true) => "  login: yes, unless a second factor or a rate limit prevents it",
        (true, false) => "  login: with the right password, which was not tried",
        (false, _) => "  no login",
    })?;
    Ok(may_log_in)
}

impl Sync {
    async fn run(self) -> anyhow::Result<()> {
        let assembled =
            if self.dry_run { self.file.open_unchanged().await? } else { self.file.open().await? };
        let realms = realms_with_directory(&Accounts::new(assembled.engine()), self.realm.as_deref()).await?;
        if realms.is_empty() {
            bail!("no realm asks a directory: there is nothing to do");
        }
        for realm in &realms {
            self.sync_realm(&assembled, realm).await?;
        }
        Ok(())
    }

    async fn sync_realm(&self, assembled: &Assembled, realm: &Realm) -> anyhow::Result<()> {
        let slug = &realm.slug;
        let engine = assembled.engine();
        let (present, entries, listed) = list_entries(assembled, realm).await?;
        let found = compare_directory(engine, realm, &present).await?;
        let mut groups = Vec::new();
        for listed in listed {
            groups.push(listed.compare(engine, realm).await?);
        }
        let (count, missing) = (found.accounts, found.missing);
        let is_most = missing.len() > MANY && missing.len() as u64 * 2 > count;
        if !self.dry_run && !self.allow_many && !missing.is_empty() && (present.is_empty() || is_most) {
            bail!(
                "realm {slug}: {} of {count} accounts would be deactivated; nothing was changed. List them with \
                 --dry-run, and if the list is right, add --allow-many",
                missing.len()
            );
        }
        if !self.dry_run && !self.allow_many {
            groups.iter().try_for_each(|groups| groups.check(realm, MANY))?;
        }
        let names: Vec<&str> =
            directories_of(assembled, realm).into_iter().map(|directory| directory.name()).collect();
        let accounts = Accounts::new(engine).acting_as(Actor::Directory(names.join(", ")));
        let done = if self.dry_run { "would be deactivated" } else { "deactivated" };
        for account in &missing {
            if !self.dry_run {
                accounts.set_active(account, false).await?;
            }
            print_line(format_args!("{done}: {}", describe(account)))?;
        }
        print_line(format_args!(
            "realm {slug}: {entries} entries, {count} accounts of the directory, {} {done}",
            missing.len()
        ))?;
        for groups in &groups {
            groups.settle(engine, realm, self.dry_run).await?;
        }
        Ok(())
    }
}

/// Lists the entries of a realm's directories: the ids of those that may log in, the number of all, and the groups that they are
/// in.
async fn list_entries(
    assembled: &Assembled,
    realm: &Realm,
) -> anyhow::Result<(HashSet<String>, u64, Vec<Listed>)> {
    let progress = ProgressLine::new();
    let step = format!("realm {}: entries read:", realm.slug);
    let mut present = HashSet::new();
    let mut read = 0_u64;
    let mut groups = Vec::new();
    for directory in directories_of(assembled, realm) {
        let name = directory.name();
        if !directory.can_list() {
            bail!("the directory {name} has no bind_dn that may list it: nothing was changed");
        }
        let list = directory.groups().await.map_err(|error| {
            anyhow::anyhow!(
                "the groups of the directory {name} can't be listed: {error}; nothing was changed"
            )
        })?;
        let (is_carried, list) = (list.is_some(), list.unwrap_or_default());
        let mut members = Members::new();
        let mut each = |entry: ListedEntry| {
            read += 1;
            for group in entry.groups {
                members.entry(group).or_default().insert(entry.id.clone());
            }
            if entry.may_log_in {
                present.insert(entry.id);
            }
            if read.is_multiple_of(PROGRESS_EVERY) {
                progress.show(&step, read, None);
            }
        };
        directory.list_members(realm, &list, &mut each).await.map_err(|error| {
            anyhow::anyhow!("the directory {name} can't be listed: {error}; nothing was changed")
        })?;
        if is_carried {
            groups.push(Listed::new(directory, list, members));
        }
    }
    Ok((present, read, groups))
}

/// The realms that ask a directory, or the realm of that slug, which must ask one.
async fn realms_with_directory(accounts: &Accounts, slug: Option<&str>) -> anyhow::Result<Vec<Realm>> {
    if let Some(slug) = slug {
        let realm = named(accounts, slug).await?;
        if !realm.asks_a_directory() {
            bail!("the realm {slug} asks no directory: its import line has no `backends` but `local`");
        }
        return Ok(vec![realm]);
    }
    let mut realms = accounts.realms().await?;
    if realms.is_empty() {
        bail!("there is no realm yet: import one that has the directory among its `backends`");
    }
    realms.retain(Realm::asks_a_directory);
    Ok(realms)
}

/// The directories that a realm asks, in its order.
pub(super) fn directories_of<'a>(assembled: &'a Assembled, realm: &Realm) -> Vec<&'a Arc<Directory>> {
    let named = |name: &String| assembled.directories().find(|directory| directory.name() == name);
    realm.backends.iter().filter_map(named).collect()
}

/// An account by its name and id, such as `iago (…)`.
fn describe(account: &Account) -> String {
    let user = &account.user;
    let email = user.email().map(|email| email.address);
    let name = user.user_name().or(email).unwrap_or_default();
    let state = if user.active { "" } else { ", deactivated" };
    format!("{name} ({}{state})", user.id)
}
