//! The commands: arguments in, one thing done, an exit code out.

mod bar;
mod configuration;
mod dev;
mod keys;
mod ldap;
mod passwords;
mod seed;
mod serve;
mod store;
mod token;
mod transfer;
mod user;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use auth_core::Timestamp;
use auth_engine::Engine;
use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::{Assembled, logging};

/// One account store that speaks the login APIs of Zulip, Rocket.Chat and Zettelstore.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: demo users, all protocols, throw-away data.
    Dev(dev::Dev),
    /// Serve as configured.
    Serve(serve::Serve),
    /// Print or check a configuration.
    #[command(subcommand)]
    Config(configuration::Configuration),
    /// Move realms and users in.
    Import(transfer::Import),
    /// Move realms and users out.
    Export(transfer::Export),
    /// How passwords are hashed.
    #[command(subcommand)]
    Passwords(passwords::Passwords),
    /// Look after the key ring.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Look after users.
    #[command(subcommand)]
    User(user::User),
    /// Look after what clients hold: log-in tokens, personal access tokens, API keys.
    #[command(subcommand)]
    Token(token::Token),
    /// Copy the store while it is in use.
    Backup(store::Backup),
    /// Put a copy in the store's place.
    Restore(store::Restore),
    /// Print the plan of each statement that is done while users log in.
    Explain(store::Explain),
    /// Look after the store.
    #[command(subcommand)]
    Store(store::Store),
    /// Look into directories, and after their accounts.
    #[command(subcommand)]
    Ldap(ldap::Ldap),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(&self.config, &overrides())?)
    }

    fn path(&self) -> &Path {
        &self.config
    }

    /// For commands that work on the store and end.
    async fn open(&self) -> anyhow::Result<Assembled> {
        let mut config = self.load()?;
        // What a command does it says itself; the log has what goes wrong.
        "warn".clone_into(&mut config.log.level);
        logging::start(&config.log)?;
        Assembled::open(&config).await
    }
}

/// Parses the process's arguments, does what they say, and tells how it went. A mistake is one line on standard
/// error that says what to do.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Dev(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Config(command) => command.run(),
            Command::Import(command) => command.run().await,
            Command::Export(command) => command.run().await,
            Command::Passwords(command) => command.run(),
            Command::Keys(command) => command.run().await,
            Command::User(command) => command.run().await,
            Command::Token(command) => command.run().await,
            Command::Backup(command) => command.run().await,
            Command::Restore(command) => command.run().await,
            Command::Explain(command) => command.run().await,
            Command::Store(command) => command.run().await,
            Command::Ldap(command) => command.run().await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    // A reader that has gone away, as `| head` does, is no failure worth a line.
    let gone = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    });
    if !gone {
        let _ = writeln!(std::io::stderr(), "auth-server: {error:#}");
    }
    ExitCode::FAILURE
}

/// Writes a line to standard output.
fn say(line: impl std::fmt::Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// `AUTH_SERVER__SECTION__KEY` variables, without the common beginning.
#[expect(clippy::disallowed_methods, reason = "the environment is read here alone")]
fn overrides() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix("AUTH_SERVER__")?.to_owned();
            Some((name, value.into_string().unwrap_or_default()))
        })
        .collect()
}

/// The import line of a realm that is not there yet; `None` for one that is.
async fn realm_line(engine: &Engine, slug: &str, digest_logins: bool) -> anyhow::Result<Option<String>> {
    let realms = engine.realms_by_slug().await?;
    if realms.iter().any(|realm| realm.slug == slug) {
        return Ok(None);
    }
    // The first realm is the one that the Zulip protocol's host itself leads to.
    let subdomain = realms.is_empty().then_some("");
    let line = serde_json::json!(
        {"kind": "realm", "realm": slug, "subdomain": subdomain, "digest_logins": digest_logins}
    );
    Ok(Some(format!("{line}\n")))
}

/// A moment as commands show it (RFC 3339).
fn shown(moment: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(moment.as_millis()).map(|time| time.to_string()).ok()
}

/// A file that a command reads, with a sentence for the operator when it can't.
fn open_file(path: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::File::open(path)
        .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), crate::config::plain_io(&error)))
}
