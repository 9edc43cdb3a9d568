//! `auth-server realm`: lists, shows, adds and changes realms. Realms that operators name, and realms that commands create on
//! the way.

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_admin::operation::{AddRealm, ListRealms, RealmSettings, RemoveRealm, SetRealm, ShowRealm};
use auth_admin::view::RealmView;
use auth_core::Realm;

use super::access::{Access, AccessArguments};
use super::account::explained;
use super::output::{Form, Row, print_line, print_remark, yes};
use super::unknown_realm::unknown;

/// Manage realms.
#[derive(Debug, clap::Subcommand)]
pub(super) enum RealmCommand {
    /// List the realms.
    #[command(after_help = "Example: auth-server realm list --config auth.toml")]
    List(List),
    /// Show a realm.
    #[command(after_help = "Example: auth-server realm show --config auth.toml main")]
    Show(Show),
    /// Add a realm.
    #[command(
        after_help = "Example: auth-server realm add --config auth.toml sales --subdomain sales --name Sales"
    )]
    Add(Write),
    /// Change what is named of a realm.
    #[command(
        after_help = "Example: auth-server realm set --config auth.toml main --require-second-factor true"
    )]
    Set(Write),
    /// Remove a realm that has no user.
    #[command(after_help = "Example: auth-server realm remove --config auth.toml sales")]
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug.
    #[arg(value_name = "REALM")]
    realm: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    access: AccessArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug.
    #[arg(value_name = "REALM")]
    realm: String,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(super) struct Write {
    #[command(flatten)]
    access: AccessArguments,
    /// The realm's slug, which never changes.
    #[arg(value_name = "REALM")]
    realm: String,
    /// The part of the host name before Zulip's external_host; an empty one is that host itself.
    #[arg(long)]
    subdomain: Option<String>,
    /// No host name leads to the realm.
    #[arg(long, conflicts_with = "subdomain")]
    no_subdomain: bool,
    /// The display name.
    #[arg(long)]
    name: Option<String>,
    /// The address of its picture.
    #[arg(long)]
    icon: Option<String>,
    /// The description, as HTML.
    #[arg(long)]
    description: Option<String>,
    /// Whether users may log in.
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    /// Whether users may log in with a password.
    #[arg(long, value_name = "true|false")]
    password_login: Option<bool>,
    /// Whether Rocket.Chat's clients may send SHA-256 of a password instead.
    #[arg(long, value_name = "true|false")]
    digest_logins: Option<bool>,
    /// Whether people need a second factor.
    #[arg(long, value_name = "true|false")]
    require_second_factor: Option<bool>,
    /// The fewest characters of a new password; 0 for the server's rule.
    #[arg(long, value_name = "NUMBER")]
    min_length: Option<u32>,
    /// The fewest guesses that a new password must stand; 0 for the server's rule.
    #[arg(long, value_name = "NUMBER")]
    min_guesses: Option<u64>,
    /// A password backend: `local`, or the name of a directory. Repeat the option for several, in the order in which they are
    /// asked.
    #[arg(long = "backend", value_name = "NAME")]
    backends: Vec<String>,
}

impl RealmCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => {
                let access = list.access.open().await?;
                list.form.print(&access.run(ListRealms {}).await?, true)
            }
            Self::Show(show) => {
                let access = show.access.open().await?;
                let shown = access.run(ShowRealm { realm: show.realm.clone() }).await;
                show.form.print(&[shown.context(show.realm)?], true)
            }
            Self::Add(add) => {
                let access = add.access.open().await?;
                let (realm, settings) = add.settings();
                let added = access.run(AddRealm { realm, settings }).await?;
                print_line(format_args!("added {}", added.realm))?;
                Ok(())
            }
            Self::Set(set) => {
                let access = set.access.open().await?;
                let (realm, settings) = set.settings();
                if settings == RealmSettings::default() {
                    bail!("name what is to be changed: see `auth-server realm set --help`");
                }
                let done = access.run(SetRealm { realm: realm.clone(), settings }).await;
                let changed = explained(&access, Some(&realm), "", done).await?.changed;
                print_line(if changed { "changed" } else { "was so already" })?;
                Ok(())
            }
            Self::Remove(Remove { access, realm }) => {
                let access = access.open().await?;
                let done = access.run(RemoveRealm { realm: realm.clone() }).await;
                explained(&access, Some(&realm), "", done).await?;
                print_line("removed")?;
                Ok(())
            }
        }
    }
}

impl Write {
    fn settings(self) -> (String, RealmSettings) {
        let settings = RealmSettings {
            subdomain: if self.no_subdomain { Some(None) } else { self.subdomain.map(Some) },
            name: self.name,
            icon: self.icon,
            description: self.description,
            active: self.active,
            password_login: self.password_login,
            digest_logins: self.digest_logins,
            require_second_factor: self.require_second_factor,
            min_length: self.min_length.map(|length| Some(length).filter(|length| *length > 0)),
            min_guesses: self.min_guesses.map(|guesses| Some(guesses).filter(|guesses| *guesses > 0)),
            backends: Some(self.backends).filter(|backends| !backends.is_empty()),
        };
        (self.realm, settings)
    }
}

impl Row for RealmView {
    const COLUMNS: &'static [&'static str] =
        &["realm", "subdomain", "name", "active", "password login", "second factor", "backends"];

    fn cells(&self) -> Vec<String> {
        let subdomain =
            self.subdomain.as_deref().map_or("none", |name| if name.is_empty() { "\"\"" } else { name });
        let backends = if self.backends.is_empty() { "local".to_owned() } else { self.backends.join(", ") };
        vec![
            self.realm.clone(),
            subdomain.to_owned(),
            self.name.clone(),
            yes(self.active),
            yes(self.password_login),
            if self.require_second_factor { "demanded" } else { "as each likes" }.to_owned(),
            backends,
        ]
    }
}

/// The realm of that slug.
///
/// # Errors
/// A sentence that names the realms that there are.
pub(super) async fn named(accounts: &Accounts, slug: &str) -> anyhow::Result<Realm> {
    let realms = accounts.realms().await?;
    match realms.iter().find(|realm| realm.slug == slug) {
        Some(realm) => Ok(realm.clone()),
        None => bail!("{}", unknown(slug, slugs(&realms))),
    }
}

/// The import line of a realm that does not exist yet; `None` for one that does. It is said that the realm is new.
///
/// The first realm of a store has no subdomain: Zulip's host name itself leads to it. A further one is created only if it
/// `is_meant` to be: otherwise the slug may be mistyped.
///
/// # Errors
/// A sentence that names the realms that there are.
pub(super) async fn new_realm_line(
    accounts: &Accounts,
    slug: &str,
    digest_logins: bool,
    is_meant: bool,
) -> anyhow::Result<Option<String>> {
    let realms = accounts.realms().await?;
    if realms.iter().any(|realm| realm.slug == slug) {
        return Ok(None);
    }
    if !realms.is_empty() && !is_meant {
        bail!("{}; --create-realm creates it", unknown(slug, slugs(&realms)));
    }
    print_remark(format_args!("the realm `{}` is new", slug.escape_debug()))?;
    let subdomain = realms.is_empty().then_some("");
    let line = serde_json::json!(
        {"kind": "realm", "realm": slug, "subdomain": subdomain, "digest_logins": digest_logins}
    );
    Ok(Some(format!("{line}\n")))
}

/// The operation that makes the realm of a slug, where there is none: the first of a store, or one that is meant to be made.
///
/// # Errors
/// A sentence that names the realms that there are.
pub(super) async fn new_realm(
    access: &Access,
    slug: &str,
    is_meant: bool,
) -> anyhow::Result<Option<AddRealm>> {
    let realms = access.run(ListRealms {}).await?;
    if realms.iter().any(|realm| realm.realm == slug) {
        return Ok(None);
    }
    if !realms.is_empty() && !is_meant {
        let there = realms.iter().map(|realm| realm.realm.as_str());
        bail!("{}; --create-realm creates it", unknown(slug, there));
    }
    print_remark(format_args!("the realm `{}` is new", slug.escape_debug()))?;
    let settings = RealmSettings {
        subdomain: realms.is_empty().then(|| Some(String::new())),
        ..RealmSettings::default()
    };
    Ok(Some(AddRealm { realm: slug.to_owned(), settings }))
}

fn slugs(realms: &[Realm]) -> impl Iterator<Item = &str> {
    realms.iter().map(|realm| realm.slug.as_str())
}
