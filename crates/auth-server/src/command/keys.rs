//! `auth-server keys`: lists, rotates and retires the keys of the key ring.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_admin::{KeyRotation, NodeKeys, Nodes};
use auth_core::Act;
use auth_engine::Engine;
use auth_transfer::rfc3339;
use serde_json::json;

use super::config_file::ConfigFile;
use super::output::{print_line, print_remark};
use super::progress::ProgressLine;
use crate::assemble::Assembled;
use crate::keyfile::{self, KeyFile};

/// The pause between two looks at what the running servers report.
const POLL: Duration = Duration::from_millis(200);

/// Manage the key ring, which seals API keys and second factors and signs tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum KeysCommand {
    /// List the keys, the number of secrets sealed under each, and the running servers with the keys they know.
    #[command(after_help = "Example: auth-server keys list --config auth.toml")]
    List(ConfigFile),
    /// Add a key, wait until every running server knows it, make it the active key, and reseal all secrets under it.
    #[command(after_help = "Example: auth-server keys rotate --config auth.toml\n\
                            If servers have copies of the key file, copy it while this waits, or run it again.")]
    Rotate(Rotate),
    /// Reseal the secrets that are sealed under an older key: the last step of `rotate`.
    #[command(after_help = "Example: auth-server keys reseal --config auth.toml")]
    Reseal(ConfigFile),
    /// Remove a key that is no longer needed.
    #[command(after_help = "Example: auth-server keys retire --config auth.toml 1")]
    Retire(Retire),
}

#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    file: ConfigFile,
    /// How many seconds to wait for the running servers.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct Retire {
    #[command(flatten)]
    file: ConfigFile,
    /// The key's id.
    #[arg(value_name = "ID")]
    id: u32,
    /// Retire the key even if tokens that it signed and codes that were mailed under it are still valid: they end now.
    #[arg(long)]
    now: bool,
}

impl KeysCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(file) => list(&file).await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Reseal(file) => reseal(file.open().await?.engine()).await,
            Self::Retire(retire) => retire.run().await,
        }
    }
}

async fn list(file: &ConfigFile) -> anyhow::Result<()> {
    let config = file.load()?;
    let path = config.keys.path()?;
    let assembled = file.open().await?;
    let engine = assembled.engine();
    let promoted = keyfile::read(&path)?.and_then(|file| file.promoted).and_then(rfc3339);
    let sealed = KeyRotation::new(engine).sealed(&mut progress()).await?;
    for (index, id) in engine.keys().ring().ids().into_iter().enumerate() {
        let is_active = index == 0;
        let since = promoted.as_ref().filter(|_| is_active);
        let count = sealed.by_key.get(&id).copied().unwrap_or_default();
        print_line(json!({"id": id, "active": is_active, "active_since": since, "sealed": count}))?;
    }
    if sealed.unreadable > 0 {
        print_line(json!({"unreadable": sealed.unreadable}))?;
    }
    for node in Nodes::new(engine).running().await? {
        print_line(json!({"server": node.node, "keys": node.ids}))?;
    }
    Ok(())
}

impl Rotate {
    async fn run(self) -> anyhow::Result<()> {
        let timeout = Duration::from_secs(self.wait);
        let locked = LockedRing::open(&self.file).await?;
        let ring = &locked.file.ring;
        let active = ring.ids().first().copied().unwrap_or_default();
        let next = KeyRotation::new(locked.engine()).next_key(ring);
        let (id, grown) = next.context("there are no ids left")?;
        let rotation = KeyRotation::new(locked.engine());
        // A rotation that did not finish has added it already.
        if !ring.ids().contains(&id) {
            rotation.note(Act::KeyAdded, id).await?;
        }
        keyfile::replace(&locked.path, &grown, locked.file.promoted)?;
        print_line(format_args!("key {id} added"))?;
        if let Some(late) = locked.wait_for(timeout, |node| node.ids.contains(&id)).await? {
            bail!(
                "the server {late} doesn't know key {id} yet, so it is not promoted: copy {} there, then run this \
                 again",
                locked.path.display()
            );
        }
        let promoted = grown.promoted(id).context("the key that was added is gone")?;
        rotation.note(Act::KeyPromoted, id).await?;
        keyfile::replace(&locked.path, &promoted, Some(locked.assembled.clock().now()))?;
        locked.engine().keys().exchange(promoted).await?;
        print_line(format_args!("key {id} is the active one"))?;
        if let Some(late) = locked.wait_for(timeout, |node| node.ids.first() == Some(&id)).await? {
            bail!(
                "the server {late} still seals under an older key: copy {} there, then run `keys reseal`",
                locked.path.display()
            );
        }
        reseal(locked.engine()).await?;
        let age = locked.engine().retirement_age().as_secs().div_ceil(60);
        print_line(format_args!(
            "the older keys can be retired after {age} minutes: `keys retire {active}`"
        ))?;
        Ok(())
    }
}

async fn reseal(engine: &Engine) -> anyhow::Result<()> {
    let sealed = KeyRotation::new(engine).reseal(&mut progress()).await?;
    if sealed.unreadable > 0 {
        print_remark(format_args!("{} secrets can't be opened with any key", sealed.unreadable))?;
    }
    print_line(format_args!("resealed {} secrets", sealed.resealed))?;
    Ok(())
}

impl Retire {
    async fn run(self) -> anyhow::Result<()> {
        let locked = LockedRing::open(&self.file).await?;
        let id = self.id;
        let needed_until = locked.file.promoted.map(|promoted| promoted + locked.engine().retirement_age());
        match needed_until {
            _ if self.now => {}
            None => bail!(
                "the key file doesn't say when its first key became the active one: with --now the tokens that key \
                 {id} signed end at once"
            ),
            Some(until) if until > locked.assembled.clock().now() => bail!(
                "tokens that key {id} signed may be valid until {}: wait, or end them at once with --now",
                rfc3339(until).unwrap_or_default()
            ),
            Some(_) => {}
        }
        let smaller = KeyRotation::new(locked.engine())
            .retire_key(id, &mut progress())
            .await
            .with_context(|| format!("key {id} is not retired"))?;
        keyfile::replace(&locked.path, &smaller, locked.file.promoted)?;
        print_line(format_args!("key {id} retired: an older backup needs a copy of the older key file"))?;
        Ok(())
    }
}

/// The key file, locked against other commands, and an engine over its ring.
struct LockedRing {
    path: PathBuf,
    file: KeyFile,
    assembled: Assembled,
    _lock: std::fs::File,
}

impl LockedRing {
    async fn open(file: &ConfigFile) -> anyhow::Result<Self> {
        let config = file.load()?;
        if config.keys.file.is_credential() {
            bail!(
                "[keys] file is a systemd credential, which can't be changed from here: rotate the file that the \
                 credential is made from, with a configuration that names that file"
            );
        }
        let path = config.keys.path()?;
        let assembled = file.open().await?;
        let lock = keyfile::lock(&path)?;
        let file = keyfile::read(&path)?.context("the key file is gone")?;
        Ok(Self { path, file, assembled, _lock: lock })
    }

    fn engine(&self) -> &Engine {
        self.assembled.engine()
    }

    /// Waits until a condition holds for every running server. Returns the name of a server for which it doesn't hold in
    /// time.
    async fn wait_for(
        &self,
        timeout: Duration,
        holds: impl Fn(&NodeKeys) -> bool,
    ) -> anyhow::Result<Option<String>> {
        let nodes = Nodes::new(self.engine());
        let mut left = timeout;
        loop {
            let Some(late) = nodes.running().await?.into_iter().find(|node| !holds(node)) else {
                return Ok(None);
            };
            if left.is_zero() {
                return Ok(Some(late.node));
            }
            let pause = POLL.min(left);
            tokio::time::sleep(pause).await;
            left -= pause;
        }
    }
}

/// Shows the number of secrets that were read.
fn progress() -> impl FnMut(u64) + Send {
    let line = ProgressLine::new();
    move |seen| line.show("secrets read:", seen, None)
}
