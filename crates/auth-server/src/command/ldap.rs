//! `auth-server ldap`.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::bail;
use auth_core::{Account, Entry, PasswordBackend, Realm};
use auth_engine::{Engine, EntryFate};
use auth_ldap::Directory;

use super::bar::Bar;
use super::user::{Asking, read_password};
use super::{ConfigFile, say};
use crate::Assembled;

/// More accounts than these are only deactivated together where they aren't most of them, unless it is wanted.
const MANY: usize = 10;

/// Look into directories, and after their accounts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Ldap {
    /// Show step by step what a log-in asks of a directory and what it answers. No secret is shown.
    #[command(after_help = "Examples:\n  auth-server ldap check --config auth.toml --user iago\n  \
                            auth-server ldap check --config auth.toml --user iago --with-password < secret.txt")]
    Check(Check),
    /// Deactivate the accounts of those who are gone from the directory, or disabled there.
    #[command(after_help = "Example: auth-server ldap sync --config auth.toml --dry-run")]
    Sync(Sync),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// The name as somebody would type it.
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The realm's slug; all that ask a directory unless given.
    #[arg(long)]
    realm: Option<String>,
    /// Try a password as well: from the terminal, or the first line of standard input.
    #[arg(long)]
    with_password: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug; all that ask a directory unless given.
    #[arg(long)]
    realm: Option<String>,
    /// Say who would be deactivated, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on although most of the accounts would be deactivated, or the directory shows nobody.
    #[arg(long)]
    allow_many: bool,
}

impl Ldap {
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
        if assembled.directories().is_empty() {
            bail!("the configuration has no [ldap.NAME]");
        }
        let realms = match &self.realm {
            Some(slug) => vec![engine.realm_named(slug).await?],
            None => asking(engine, None).await?,
        };
        let password = if self.with_password { Some(read_password(Asking::Once)?) } else { None };
        let mut is_let_in = false;
        for realm in &realms {
            let mut directories = of_realm(&assembled, realm);
            if directories.is_empty() {
                say(format_args!(
                    "the realm {} asks no directory yet: its line has no `backends`",
                    realm.slug
                ))?;
                directories = assembled.directories().iter().collect();
            }
            for directory in directories {
                let name = directory.name();
                say(format_args!("realm {}, directory {name}:", realm.slug))?;
                let trace = directory.trace_login(realm, &self.user, password.as_ref()).await;
                for step in &trace.steps {
                    say(format_args!("  {step}"))?;
                }
                match &trace.result {
                    Ok(entry) => {
                        is_let_in |= self.account(engine, realm, name, entry, password.is_some()).await?;
                    }
                    Err(error) => say(format_args!("  no log-in: {error}"))?,
                }
            }
        }
        if !is_let_in {
            bail!("no directory lets {} in", self.user);
        }
        Ok(())
    }

    /// Says what becomes of the account; whether somebody could log in with it.
    async fn account(
        &self,
        engine: &Engine,
        realm: &Realm,
        directory: &str,
        entry: &Entry,
        with_password: bool,
    ) -> anyhow::Result<bool> {
        let fate = engine.entry_fate(realm, directory, entry).await?;
        let (line, is_let_in) = match &fate {
            EntryFate::Known(account) => {
                (format!("account: {}", shown(account)), account.user.active && realm.active)
            }
            EntryFate::Linked(account) => (
                format!("account: {} would be linked with the entry", shown(account)),
                account.user.active && realm.active,
            ),
            EntryFate::Made => ("account: would be made at the first log-in".to_owned(), realm.active),
            EntryFate::Refused(cause) => (format!("account: none, {}", cause.as_str()), false),
            _ => ("account: cannot be told".to_owned(), false),
        };
        say(format_args!("  {line}"))?;
        say(format_args!(
            "  {}",
            match (is_let_in, with_password) {
                (true, true) => "log-in: yes, unless a second factor or a limit is in the way",
                (true, false) => "log-in: with the right password, which was not tried",
                (false, _) => "no log-in",
            }
        ))?;
        Ok(is_let_in)
    }
}

impl Sync {
    async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let engine = assembled.engine();
        let realms = asking(engine, self.realm.as_deref()).await?;
        if realms.is_empty() {
            bail!("no realm asks a directory: nothing to do");
        }
        for realm in &realms {
            self.realm(&assembled, engine, realm).await?;
        }
        Ok(())
    }

    async fn realm(&self, assembled: &Assembled, engine: &Engine, realm: &Realm) -> anyhow::Result<()> {
        let slug = &realm.slug;
        let bar = Bar::new();
        let step = format!("realm {slug}: entries read:");
        let mut present = HashSet::new();
        let mut read = 0_u64;
        for directory in of_realm(assembled, realm) {
            if !directory.can_list() {
                bail!(
                    "the directory {} has no bind_dn that may list it: nothing was changed",
                    directory.name()
                );
            }
            let mut each = |entry: auth_ldap::ListedEntry| {
                read += 1;
                if entry.may_log_in {
                    present.insert(entry.id);
                }
                if read.is_multiple_of(500) {
                    bar.show(&step, read, None);
                }
            };
            directory.list(realm, &mut each).await.map_err(|error| {
                anyhow::anyhow!(
                    "the directory {} can't be listed: {error}; nothing was changed",
                    directory.name()
                )
            })?;
        }
        drop(bar);
        let (looked_at, missing) = engine.missing_from_directory(realm, &present).await?;
        let is_most = missing.len() > MANY && missing.len() as u64 * 2 > looked_at;
        if !self.dry_run && !self.allow_many && !missing.is_empty() && (present.is_empty() || is_most) {
            bail!(
                "realm {slug}: {} of {looked_at} accounts would be deactivated; nothing was changed. See who with \
                 --dry-run, and if that is right, say --allow-many",
                missing.len()
            );
        }
        let word = if self.dry_run { "would be deactivated" } else { "deactivated" };
        for account in &missing {
            if !self.dry_run {
                engine.set_active(account, false).await?;
            }
            say(format_args!("{word}: {}", shown(account)))?;
        }
        say(format_args!(
            "realm {slug}: {read} entries, {looked_at} accounts of the directory, {} {word}",
            missing.len()
        ))?;
        Ok(())
    }
}

/// The realms that ask a directory, or the one of that slug, which must.
async fn asking(engine: &Engine, slug: Option<&str>) -> anyhow::Result<Vec<Realm>> {
    match slug {
        Some(slug) => {
            let realm = engine.realm_named(slug).await?;
            if !realm.asks_a_directory() {
                bail!("the realm {slug} asks no directory: its line has no `backends` but `local`");
            }
            Ok(vec![realm])
        }
        None => {
            let realms = engine.realms_by_slug().await?;
            if realms.is_empty() {
                bail!("there is no realm yet: import one, with the directory among its `backends`");
            }
            let asking: Vec<Realm> =
                realms.iter().filter(|realm| realm.asks_a_directory()).cloned().collect();
            Ok(if asking.is_empty() { realms } else { asking })
        }
    }
}

/// The directories of a realm, in its order.
fn of_realm<'a>(assembled: &'a Assembled, realm: &Realm) -> Vec<&'a Arc<Directory>> {
    let named = |name: &String| assembled.directories().iter().find(|directory| directory.name() == name);
    realm.backends.iter().filter_map(named).collect()
}

/// An account as operators know it.
fn shown(account: &Account) -> String {
    let user = &account.user;
    let email = user.email().map(|email| email.address);
    let name = user.user_name().or(email).unwrap_or_default();
    let state = if user.active { "" } else { ", deactivated" };
    format!("{name} ({}{state})", user.id)
}
