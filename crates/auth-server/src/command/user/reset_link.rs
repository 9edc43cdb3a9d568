//! `auth-server user reset-link` and `user invite`: one-time links with which an owner sets a password.

use std::io::{IsTerminal, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use auth_admin::operation::{AccountName, MakeResetLink};
use zeroize::Zeroizing;

use super::add::Add;
use crate::command::access::{Access, is_refusal};
use crate::command::account::AccountArguments;
use crate::command::output::{print_line, print_remark};

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
        let link = &self.link;
        let make = async |access: &Access, user| {
            let site = link.check(access).await?;
            Ok((site, access.run(MakeResetLink { user, day: link.day }).await?))
        };
        match self.account.run(make).await {
            Ok((site, made)) => link.hand_over(&site, made.token.expose()),
            Err(error) if is_refusal(&error, "not-permitted") => Err(error.context(
                "only whoever may do everything is shown a link: `auth-server user mail-reset-link` mails one",
            )),
            Err(error) => Err(error),
        }
    }
}

impl Invite {
    /// Adds the user without a password, which is set by the link.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let access = self.add.access().open().await?;
        let site = self.link.check(&access).await?;
        let added = self.add.add_without_password(&access).await?;
        let user = AccountName::new(Some(&added.realm), &added.id);
        let made = access.run(MakeResetLink { user, day: self.link.day }).await?;
        self.link.hand_over(&site, made.token.expose())
    }
}

impl Link {
    /// The address of the pages, once it is sure that the link can be handed over.
    async fn check(&self, access: &Access) -> anyhow::Result<String> {
        let Some(site) = access.pages().await? else {
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

    fn hand_over(&self, site: &str, token: &str) -> anyhow::Result<()> {
        let link = Zeroizing::new(format!("{site}/reset-password/{token}"));
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
