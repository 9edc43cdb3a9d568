//! `auth-server keys`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_crypto::keyring::RingKey;
use auth_engine::Engine;
use auth_engine::keys::NodeKeys;
use serde_json::json;

use super::bar::Bar;
use super::{ConfigFile, say, shown};
use crate::Assembled;
use crate::edge::SystemRng;
use crate::keyfile::{self, KeyFile};

/// How often servers are asked whether they have noticed.
const LOOK: Duration = Duration::from_millis(200);

/// Look after the key ring, which seals API keys and second factors, and signs tokens.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Keys {
    /// List the keys with what is sealed under each, and the running servers with the keys they know.
    #[command(after_help = "Example: auth-server keys list --config auth.toml")]
    List(ConfigFile),
    /// Add a key, wait until every running server knows it, make it the active one, and seal everything anew.
    #[command(after_help = "Example: auth-server keys rotate --config auth.toml\n\
                            When servers keep copies of the key file: copy it while this waits, or run it again.")]
    Rotate(Rotate),
    /// Seal anew what is sealed under another key than the active one: what `rotate` does last.
    #[command(after_help = "Example: auth-server keys reseal --config auth.toml")]
    Reseal(ConfigFile),
    /// Take a key out that nothing needs any more.
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
    /// Also when tokens that it signed and codes that were mailed under it are still good: they end now.
    #[arg(long)]
    now: bool,
}

/// The key file, an engine over its ring, and nobody else who changes it.
struct Ring {
    path: PathBuf,
    file: KeyFile,
    assembled: Assembled,
    _lock: std::fs::File,
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(file) => list(&file).await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Reseal(file) => reseal(file.open().await?.engine()).await,
            Self::Retire(retire) => retire.run().await,
        }
    }
}

impl Ring {
    async fn open(file: &ConfigFile) -> anyhow::Result<Self> {
        let config = file.load()?;
        if config.keys.is_credential() {
            bail!(
                "[keys] file is a systemd credential, which can't be changed from here: rotate the file that it is \
                 made of, with a configuration that names that file"
            );
        }
        let path = config.keys.file.clone();
        let assembled = file.open().await?;
        let lock = keyfile::lock(&path)?;
        let file = keyfile::read(&path)?.context("the key file is gone")?;
        Ok(Self { path, file, assembled, _lock: lock })
    }

    fn engine(&self) -> &Engine {
        self.assembled.engine()
    }

    /// Waits until a condition holds of every running server; gives one of which it doesn't hold in time.
    async fn wait_for(
        &self,
        limit: Duration,
        holds: impl Fn(&NodeKeys) -> bool,
    ) -> anyhow::Result<Option<String>> {
        let mut left = limit;
        loop {
            let nodes = self.engine().nodes().await?;
            let Some(late) = nodes.into_iter().find(|node| !holds(node)) else { return Ok(None) };
            if left.is_zero() {
                return Ok(Some(late.node));
            }
            let pause = LOOK.min(left);
            tokio::time::sleep(pause).await;
            left -= pause;
        }
    }
}

async fn list(file: &ConfigFile) -> anyhow::Result<()> {
    let config = file.load()?;
    let path = config.keys.path()?;
    let assembled = file.open().await?;
    let engine = assembled.engine();
    let promoted = keyfile::read(&path)?.and_then(|file| file.promoted).and_then(shown);
    let sealed = engine.sealed(&mut progress()).await?;
    for (place, id) in (0..).zip(engine.ring().ids()) {
        let since = promoted.as_ref().filter(|_| place == 0);
        let count = sealed.by_key.get(&id).copied().unwrap_or_default();
        say(json!({"id": id, "active": place == 0, "active_since": since, "sealed": count}))?;
    }
    if sealed.unreadable > 0 {
        say(json!({"unreadable": sealed.unreadable}))?;
    }
    for node in engine.nodes().await? {
        say(json!({"server": node.node, "keys": node.ids}))?;
    }
    Ok(())
}

impl Rotate {
    async fn run(self) -> anyhow::Result<()> {
        let limit = Duration::from_secs(self.wait);
        let ring = Ring::open(&self.file).await?;
        let ids = ring.file.ring.ids();
        let active = ids.first().copied().unwrap_or_default();
        let newest = ids.iter().copied().max().unwrap_or_default();
        // One that is newer than the active one was added before, and is still to be promoted.
        let (id, grown) = if newest > active {
            (newest, ring.file.ring.promoted(active))
        } else {
            let id = newest.checked_add(1).context("there are no ids left")?;
            (id, Some(ring.file.ring.with(RingKey::generate(id, &SystemRng::new()))?))
        };
        let grown = grown.context("the key file is gone")?;
        keyfile::replace(&ring.path, &grown, ring.file.promoted)?;
        say(format_args!("key {id} added"))?;
        if let Some(late) = ring.wait_for(limit, |node| node.ids.contains(&id)).await? {
            bail!(
                "the server {late} doesn't know key {id} yet, so it is not promoted: copy {} there, then run this \
                 again",
                ring.path.display()
            );
        }
        let promoted = grown.promoted(id).context("the key that was added")?;
        keyfile::replace(&ring.path, &promoted, Some(ring.assembled.clock().now()))?;
        ring.engine().exchange_ring(promoted).await?;
        say(format_args!("key {id} is the active one"))?;
        if let Some(late) = ring.wait_for(limit, |node| node.ids.first() == Some(&id)).await? {
            bail!(
                "the server {late} still seals under an older key: copy {} there, then run `keys reseal`",
                ring.path.display()
            );
        }
        reseal(ring.engine()).await?;
        let age = ring.engine().retirement_age().as_secs().div_ceil(60);
        say(format_args!("the older keys can be retired after {age} minutes: `keys retire {active}`"))?;
        Ok(())
    }
}

async fn reseal(engine: &Engine) -> anyhow::Result<()> {
    let sealed = engine.reseal(&mut progress()).await?;
    if sealed.unreadable > 0 {
        writeln!(std::io::stderr(), "{} secrets can't be opened with any key", sealed.unreadable)?;
    }
    say(format_args!("sealed anew: {} secrets", sealed.resealed))?;
    Ok(())
}

impl Retire {
    async fn run(self) -> anyhow::Result<()> {
        let ring = Ring::open(&self.file).await?;
        let id = self.id;
        let good_until = ring.file.promoted.map(|promoted| promoted + ring.engine().retirement_age());
        match good_until {
            _ if self.now => {}
            None => bail!(
                "the key file doesn't say since when its first key is the active one: with --now the tokens that \
                 key {id} signed end at once"
            ),
            Some(until) if until > ring.assembled.clock().now() => bail!(
                "tokens that key {id} signed may be good until {}: wait, or end them at once with --now",
                shown(until).unwrap_or_default()
            ),
            Some(_) => {}
        }
        let smaller = match ring.engine().retire_key(id, &mut progress()).await? {
            Ok(smaller) => smaller,
            Err(why) => bail!("key {id} is not retired: {why}"),
        };
        keyfile::replace(&ring.path, &smaller, ring.file.promoted)?;
        say(format_args!("key {id} retired: a backup from before needs a key file from before"))?;
        Ok(())
    }
}

/// Shows whoever watches how far it is.
fn progress() -> impl FnMut(u64) + Send {
    let bar = Bar::new();
    move |seen| bar.show("secrets looked at:", seen, None)
}
