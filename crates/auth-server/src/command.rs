//! The commands of `auth-server`, a file for each.

mod access;
mod account;
mod config;
mod config_file;
mod dev;
mod export;
mod forward;
mod group;
mod import;
mod input;
mod key;
mod keys;
mod last_day;
mod ldap;
mod limits;
mod logs;
mod output;
mod passwords;
mod progress;
mod realm;
mod serve;
mod store;
mod token;
mod unknown_realm;
mod user;

use std::io::ErrorKind;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::ConfigError;

/// The exit code for a configuration that can't be used: EX_CONFIG of sysexits.h.
const BAD_CONFIGURATION: u8 = 78;

/// How long the line of an error may take.
const LAST_LINE: Duration = Duration::from_secs(1);

/// One account store that speaks the login APIs of Zulip, Rocket.Chat and Zettelstore.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a demo server: demo users, all protocols, data that is thrown away.
    Dev(dev::Dev),
    /// Start the server.
    Serve(serve::Serve),
    /// Print or check a configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the configuration of proxies that ask this server who is there.
    #[command(subcommand)]
    Forward(forward::ForwardCommand),
    /// Import realms and users.
    Import(import::Import),
    /// Export realms and users.
    Export(export::Export),
    /// Tune the cost of password hashes.
    #[command(subcommand)]
    Passwords(passwords::PasswordsCommand),
    /// Manage the key ring.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Manage users.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Manage groups of users.
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Manage realms.
    #[command(subcommand)]
    Realm(realm::RealmCommand),
    /// Manage what clients hold: login tokens, personal access tokens, API keys.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Manage the keys that programs present to the HTTP API of operators.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Show and lift limits that let nothing through, and ban or allow networks.
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// Read the audit log: who changed what, when and from where.
    Audit(logs::Audit),
    /// Read the log of attempts to log in.
    Attempts(logs::Attempts),
    /// Copy the store while it is in use.
    Backup(store::Backup),
    /// Restore the store from a copy.
    Restore(store::Restore),
    /// Print the query plans of the statements that run when users log in.
    Explain(store::Explain),
    /// Check the store, or copy it to another place.
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Inspect LDAP directories and synchronise their accounts.
    #[command(subcommand)]
    Ldap(ldap::LdapCommand),
}

/// The commands with their arguments and help, for man pages and completions.
#[must_use]
pub fn tree() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments of the process name. An error is one line on standard error that says what to do,
/// and the exit code tells whether the configuration is at fault.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure(&error.into()),
    };
    // A box, since all that commands call would be compiled once for each way in which a runtime polls a future.
    let running: Pin<Box<dyn Future<Output = anyhow::Result<()>>>> = Box::pin(arguments.command.run());
    match runtime.block_on(running) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

impl Command {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Dev(command) => command.run().await,
            Self::Serve(command) => command.run().await,
            Self::Config(command) => command.run().await,
            Self::Forward(command) => command.run(),
            Self::Import(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Passwords(command) => command.run(),
            Self::Keys(command) => command.run().await,
            Self::User(command) => command.run().await,
            Self::Group(command) => command.run().await,
            Self::Realm(command) => command.run().await,
            Self::Token(command) => command.run().await,
            Self::Key(command) => command.run().await,
            Self::Limits(command) => command.run().await,
            Self::Audit(command) => command.run().await,
            Self::Attempts(command) => command.run().await,
            Self::Backup(command) => command.run().await,
            Self::Restore(command) => command.run().await,
            Self::Explain(command) => command.run().await,
            Self::Store(command) => command.run().await,
            Self::Ldap(command) => command.run().await,
        }
    }
}

/// Prints an error, unless the reader of standard output has gone away, as `| head` does. The process ends also if nobody
/// reads standard error.
fn failure(error: &anyhow::Error) -> ExitCode {
    let is_broken_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == ErrorKind::BrokenPipe);
    if !is_broken_pipe {
        let line = format!("auth-server: {error:#}");
        let (done, printed) = mpsc::channel();
        let print = move || {
            let _ = output::print_remark(line);
            let _ = done.send(());
        };
        if thread::Builder::new().spawn(print).is_ok() {
            let _ = printed.recv_timeout(LAST_LINE);
        }
    }
    let is_of_configuration = error.chain().any(<dyn std::error::Error>::is::<ConfigError>);
    if is_of_configuration { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
}
