//! `auth-server user reset-link` and `user invite`: one-time links with which an owner sets a password.

use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_core::Account;
use zeroize::Zeroizing;

use super::add::Add;
use crate::assemble::Assembled;
use crate::command::account::AccountArguments;
use crate::command::output::{print_line, print_remark};
use crate::config::Config;

/// How long a link is good unless more is asked for.
const SHORT: Duration = Duration::from_secs(15 * 60);

/// How long a link is good with `--day`.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// Where a link goes, and how long it is good.
#[derive(Debug, clap::Args)]
struct Link {
    /// Make a link that is good for a day instead of 15 minutes.
    #[arg(long)]
    day: bool,
    /// Write the link to this new file, which only its owner can read. Without it, standard output must be a terminal.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct ResetLink {
    #[command(flatten)]
    account: AccountArguments,
    #[command(flatten)]
    link: Link,
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Invite {
    #[command(flatten)]
    add: Add,
    #[command(flatten)]
    link: Link,
}

impl ResetLink {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let site = self.link.check(&self.account.config()?)?;
        let (assembled, account) = self.account.find().await?;
        self.link.make(&site, &assembled, &account).await
    }
}

impl Invite {
    /// Adds the user without a password, which is set by the link.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let site = self.link.check(&self.add.file.load()?)?;
        let Some(name) = self.add.email.clone().or_else(|| self.add.name.clone()) else {
            bail!("name the new user with --email, --name or both");
        };
        let realm = self.add.realm.clone();
        let assembled = Add { no_password: true, ..self.add }.run().await?;
        let account = Accounts::new(assembled.engine()).find(Some(&realm), &name).await?;
        self.link.make(&site, &assembled, &account).await
    }
}

impl Link {
    /// The address of the pages, once it is sure that the link can be handed over.
    fn check(&self, config: &Config) -> anyhow::Result<String> {
        let Some(site) = config.web.url.clone() else {
            bail!("links lead to the pages, which are off: set [web] url");
        };
        match &self.output {
            None if !std::io::stdout().is_terminal() => {
                bail!("the link is a secret, and standard output is no terminal: name a file with --output")
            }
            Some(path) if path.exists() => bail!("{} is there already", path.display()),
            _ => Ok(site),
        }
    }

    async fn make(&self, site: &str, assembled: &Assembled, account: &Account) -> anyhow::Result<()> {
        let until = assembled.clock().now() + if self.day { LONG } else { SHORT };
        let token = Accounts::new(assembled.engine()).make_reset_token(account, until).await?;
        let link = Zeroizing::new(format!("{site}/reset-password/{}", token.expose()));
        match &self.output {
            None => print_line(&*link)?,
            Some(path) => write_new(path, &link)?,
        }
        let good = if self.day { "for a day" } else { "for 15 minutes" };
        print_remark(format_args!("the link is good once, {good}; whoever has it can set the password"))?;
        Ok(())
    }
}

/// Writes a line to a new file of mode 0600.
fn write_new(path: &Path, line: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.with_context(|| format!("{shown} can't be created"))?;
    file.write_all(line.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .with_context(|| format!("{shown}"))?;
    file.sync_all().with_context(|| format!("{shown}"))
}
