//! `auth-server user`.

mod app_password;
mod totp;

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use auth_core::{Account, ImportMode, NameKind, Password, Realm};
use auth_engine::Engine;
use auth_engine::transfer::{ImportFailure, unwatched};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{ConfigFile, realm_line, say, shown};

/// Users are listed in pages of this many.
const PAGE: u32 = 500;

/// Look after users. Passwords are read from the terminal or standard input, never from an argument.
#[derive(Debug, clap::Subcommand)]
pub(super) enum User {
    /// Add a user.
    #[command(after_help = "Example: auth-server user add --config auth.toml --realm main --name iago \
                            --email iago@zulip.com")]
    Add(Add),
    /// List the users of a realm, or of all.
    #[command(after_help = "Example: auth-server user list --config auth.toml --realm main")]
    List(List),
    /// Show a user.
    #[command(after_help = "Example: auth-server user show --config auth.toml iago@zulip.com")]
    Show(One),
    /// Set a password and end what was signed in before.
    #[command(
        after_help = "Example: auth-server user set-password --config auth.toml iago@zulip.com < secret.txt"
    )]
    SetPassword(SetPassword),
    /// Try a password against the stored one, without logging in.
    #[command(after_help = "Example: auth-server user verify --config auth.toml iago@zulip.com < secret.txt")]
    Verify(One),
    /// Refuse a user everywhere, at once.
    #[command(after_help = "Example: auth-server user deactivate --config auth.toml iago@zulip.com")]
    Deactivate(One),
    /// Let a user in again.
    #[command(after_help = "Example: auth-server user activate --config auth.toml iago@zulip.com")]
    Activate(One),
    /// Delete a user with all that belongs to it.
    #[command(after_help = "Example: auth-server user delete --config auth.toml iago@zulip.com")]
    Delete(One),
    /// Look after app passwords: random passwords for clients that know no second step, each with a name.
    #[command(subcommand)]
    AppPassword(app_password::AppPassword),
    /// Look after the authenticator app of a user.
    #[command(subcommand)]
    Totp(totp::Totp),
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug; a realm that is not there is made.
    #[arg(long, default_value = "main")]
    realm: String,
    /// The user name.
    #[arg(long)]
    name: Option<String>,
    /// The e-mail address; taken as verified.
    #[arg(long)]
    email: Option<String>,
    /// What people call the user.
    #[arg(long, default_value = "")]
    full_name: String,
    /// owner, admin, moderator, member or guest.
    #[arg(long, default_value = "member")]
    role: String,
    /// default, incoming_webhook, outgoing_webhook, embedded or app: makes it a bot.
    #[arg(long)]
    bot: Option<String>,
    /// Ask for no password: nobody logs in with one.
    #[arg(long)]
    no_password: bool,
    /// Take a password however weak.
    #[arg(long)]
    allow_weak: bool,
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
pub(super) struct One {
    #[command(flatten)]
    file: ConfigFile,
    /// The realm's slug, where several realms know the name.
    #[arg(long)]
    realm: Option<String>,
    /// The user name, e-mail address or id.
    #[arg(value_name = "NAME")]
    user: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct SetPassword {
    #[command(flatten)]
    one: One,
    /// Take a password however weak.
    #[arg(long)]
    allow_weak: bool,
}

impl User {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(one) => {
                let (assembled, account) = one.find().await?;
                say(describe(&account, &realm_of(assembled.engine(), &account).await?))?;
                Ok(())
            }
            Self::SetPassword(set) => {
                let (assembled, account) = set.one.find().await?;
                let password = read_password(Asking::Twice)?;
                assembled.engine().set_password(&account, &password, set.allow_weak).await?;
                say("password set")?;
                Ok(())
            }
            Self::Verify(one) => verify(&one).await,
            Self::AppPassword(command) => command.run().await,
            Self::Totp(command) => command.run().await,
            Self::Deactivate(one) => one.set_active(false).await,
            Self::Activate(one) => one.set_active(true).await,
            Self::Delete(one) => {
                let (assembled, account) = one.find().await?;
                assembled.engine().delete_account(&account).await?;
                say("deleted")?;
                Ok(())
            }
        }
    }
}

/// Says whether a password matches, of which scheme the stored one is, and whether a log-in hashes it anew; fails
/// when it doesn't match.
async fn verify(one: &One) -> anyhow::Result<()> {
    let (assembled, account) = one.find().await?;
    let password = read_password(Asking::Once)?;
    let check = assembled.engine().try_password(&account, &password).await?;
    if !check.matches {
        bail!("no match: the password is not the stored one ({})", check.scheme);
    }
    let upgrade = if check.obsolete { "hashed anew at the next log-in" } else { "up to date" };
    say(format_args!("match: {}, {upgrade}", check.scheme))?;
    Ok(())
}

impl Add {
    /// A user is added as an import of one line.
    async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let engine = assembled.engine();
        let mut lines = Zeroizing::new(String::new());
        let realm = engine.realm_named(&self.realm).await.ok();
        lines.extend(realm_line(engine, &self.realm, false).await?);
        let password = if self.no_password { None } else { Some(read_password(Asking::Twice)?) };
        if let (Some(password), false) = (&password, self.allow_weak) {
            let names = [self.name.as_deref(), self.email.as_deref()];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            engine.check_strength(realm.as_ref(), password, &names)?;
        }
        let mut user = Map::new();
        let mut put = |key: &str, value: Option<Value>| value.map(|value| user.insert(key.to_owned(), value));
        put("kind", Some("user".into()));
        put("realm", Some(self.realm.into()));
        put("email_verified", self.email.is_some().then(|| true.into()));
        put("username", self.name.map(Value::from));
        put("email", self.email.map(Value::from));
        put("full_name", Some(self.full_name.into()));
        put("role", Some(self.role.into()));
        put("bot", self.bot.map(Value::from));
        put("password", password.map(|password| password.expose().into()));
        lines.push_str(&Zeroizing::new(Value::Object(user).to_string()));
        match engine.import(lines.as_bytes(), ImportMode::Write, &mut unwatched).await {
            Ok(_) => say("added")?,
            Err(ImportFailure::Lines(bad)) => {
                let reasons: Vec<&str> = bad.iter().map(|(_, reason)| reason.as_str()).collect();
                bail!("the user was not added: {}", reasons.join("; "));
            }
            Err(failure) => return Err(failure.into()),
        }
        Ok(())
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let assembled = self.file.open().await?;
        let engine = assembled.engine();
        let realms = match &self.realm {
            Some(slug) => vec![engine.realm_named(slug).await?],
            None => engine.realms_by_slug().await?,
        };
        for realm in realms {
            let mut after = None;
            loop {
                let page = engine.accounts(&realm, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
                for account in &page {
                    say(describe(account, &realm))?;
                }
            }
        }
        Ok(())
    }
}

impl One {
    pub(super) async fn find(&self) -> anyhow::Result<(crate::Assembled, Account)> {
        let assembled = self.file.open().await?;
        let account = assembled
            .engine()
            .account_named(self.realm.as_deref(), &self.user)
            .await
            .with_context(|| format!("`{}`", self.user.escape_debug()))?;
        Ok((assembled, account))
    }

    async fn set_active(self, active: bool) -> anyhow::Result<()> {
        let (assembled, account) = self.find().await?;
        assembled.engine().set_active(&account, active).await?;
        say(if active { "activated" } else { "deactivated" })?;
        Ok(())
    }
}

async fn realm_of(engine: &Engine, account: &Account) -> anyhow::Result<Realm> {
    let realms = engine.realms_by_slug().await?;
    realms.into_iter().find(|realm| realm.id == account.user.realm).context("the user's realm is gone")
}

/// A user as one line of JSON, without secrets.
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
        "bot": user.bot.is_some(),
        "active": user.active,
        "joined": shown(user.joined),
        "password": account.password.is_some(),
        "second_factor": account.has_second_factor(),
        "zulip_id": user.protocols.zulip,
        "rocketchat_id": user.protocols.rocketchat,
        "zettelstore_zid": format!("{:014}", user.protocols.zettelstore),
    })
}

/// How often a password is asked for at a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    Once,
    /// A new one: a slip of the finger must not lock anybody out.
    Twice,
}

/// Asks at a terminal, or takes the first line of standard input.
pub(super) fn read_password(asking: Asking) -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() {
        let first = Zeroizing::new(rpassword::prompt_password("Password: ")?);
        if asking == Asking::Twice {
            let second = Zeroizing::new(rpassword::prompt_password("Again: ")?);
            if first != second {
                bail!("the two passwords differ");
            }
        }
        return nonempty(&first);
    }
    let mut line = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut line);
    read.context("the password on standard input is not UTF-8 text")?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    nonempty(text.strip_suffix('\r').unwrap_or(text))
}

fn nonempty(text: &str) -> anyhow::Result<Password> {
    if text.is_empty() {
        std::io::stderr().flush()?;
        bail!("the password is empty: type one, or pipe one in");
    }
    Ok(Password::new(text))
}
