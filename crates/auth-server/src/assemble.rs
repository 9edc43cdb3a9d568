//! From a configuration to parts that work together.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, bail};
use auth_core::{
    Clock, Protocol, ProtocolName, ProtocolRules, Rng, Stopwatch, Store, SystemClock, SystemRng,
    SystemStopwatch, cores,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::opaque;
use auth_crypto::pool::HashingPool;
use auth_engine::{Engine, OpenError};
use auth_ldap::Directory;
use auth_proto_forward::ForwardProtocol;
use auth_proto_rocketchat::RocketChatProtocol;
use auth_proto_rocketchat::ddp::SessionConfig;
use auth_proto_web::{Brand, WebProtocol};
use auth_proto_zettelstore::{AnswerForm, ZettelstoreProtocol};
use auth_proto_zulip::ZulipProtocol;
use auth_store::PendingUpgrade;

use crate::config::{Config, StoreLocation, Web, ZettelstoreAnswer};
use crate::keyfile;
use crate::store::{AnyStore, Opening};
use crate::store_lock::StoreLock;
use crate::timed_directory::TimedDirectory;
use crate::traces::traced_store;
use crate::websocket::{AnonymousSockets, Sockets};

/// A store, an engine over it, and the protocols before it.
pub struct Assembled {
    engine: Arc<Engine>,
    pool: Arc<HashingPool>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    directories: Vec<Arc<TimedDirectory>>,
    protocols: Vec<Arc<dyn Protocol>>,
    sockets: Option<Arc<Sockets>>,
    created: Option<String>,
    // Dropped last: the store is closed before another server may have it.
    _lock: Option<StoreLock>,
}

impl Assembled {
    /// Opens a store and its key ring, which must exist, and puts an engine over them.
    ///
    /// This is for commands: they may use the store beside a server.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        Self::open_locked(config, Vec::new(), Arc::new(SystemClock), Opening::Upgrade, None).await
    }

    /// Does the same, and leaves both as they are: a store that would have to be changed first is refused.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open_unchanged(config: &Config) -> anyhow::Result<Self> {
        Self::open_locked(config, Vec::new(), Arc::new(SystemClock), Opening::Unchanged, None).await
    }

    /// Does the same as [`Assembled::open`], and creates the store where there is none, and a key ring for a store that has none:
    /// see [`Assembled::created`].
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn create(config: &Config) -> anyhow::Result<Self> {
        Self::open_locked(config, Vec::new(), Arc::new(SystemClock), Opening::Create, None).await
    }

    /// Does the same for a server, with the rules of protocols that are none of this project's own: each is mounted by
    /// [`Assembled::mount`]. No other server can serve a SQLite store meanwhile.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open_with(config: &Config, rules: Vec<Arc<dyn ProtocolRules>>) -> anyhow::Result<Self> {
        Self::open_by(config, rules, Arc::new(SystemClock)).await
    }

    /// Does the same by another clock than the operating system's.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) async fn open_by(
        config: &Config,
        rules: Vec<Arc<dyn ProtocolRules>>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let lock = StoreLock::take(config)?;
        Self::open_locked(config, rules, clock, Opening::Create, lock).await
    }

    async fn open_locked(
        config: &Config,
        rules: Vec<Arc<dyn ProtocolRules>>,
        clock: Arc<dyn Clock>,
        opening: Opening,
        lock: Option<StoreLock>,
    ) -> anyhow::Result<Self> {
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let opened = AnyStore::open(config, Arc::clone(&rng), opening).await?;
        let store = opened.records();
        if opening == Opening::Unchanged {
            check_unchanged(&opened, &*store).await?;
        }
        let (ring, made) = open_ring(config, &*store, &*rng, opening).await?;
        let created = created(config, opened.is_new(), made)?;
        let stopwatch: Arc<dyn Stopwatch> = Arc::new(SystemStopwatch::start());
        let pool = config.passwords.pool(cores())?;
        let pool = Arc::new(HashingPool::new(pool, Arc::clone(&rng), Arc::clone(&stopwatch))?);
        let mut builder = Engine::builder(traced_store(&config.traces, store))
            .config(config.engine()?)
            .pool(Arc::clone(&pool))
            .key_ring(Arc::new(ring))
            .clock(Arc::clone(&clock))
            .stopwatch(stopwatch)
            .rng(Arc::clone(&rng))
            // A command may have been called to repair a realm. Whoever serves checks them when protocols are opened.
            .for_repair();
        for protocol in rules {
            builder = builder.rules(protocol);
        }
        let mut directories = Vec::new();
        for settings in config.directories()? {
            let directory = Arc::new(Directory::open(settings, Arc::clone(&clock))?);
            let directory = Arc::new(TimedDirectory::new(directory));
            builder = builder.backend(Arc::clone(&directory) as _);
            directories.push(directory);
        }
        let engine = match builder.open().await {
            Ok(engine) => Arc::new(engine),
            Err(OpenError::OtherKeyRing) if made => {
                // What was made just now is worth nothing, and would be taken for the store's.
                drop(std::fs::remove_file(config.keys.path()?));
                bail!(
                    "another server has bound the store to its key ring first: copy its key file to {}",
                    config.keys.file
                )
            }
            Err(error) => return Err(error.into()),
        };
        let (protocols, sockets) = (Vec::new(), None);
        Ok(Self { engine, pool, clock, rng, directories, protocols, sockets, created, _lock: lock })
    }

    /// Says which of the store and the key ring this opening has created, if any.
    #[must_use]
    pub fn created(&self) -> Option<&str> {
        self.created.as_deref()
    }

    /// Opens the protocols.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open_protocols(&mut self, config: &Config) -> anyhow::Result<()> {
        let realms = self.engine.store().realms().await?;
        config.check_backends(&realms)?;
        for (protocol, warning) in config.protocols_without_realm(&realms) {
            tracing::warn!(protocol = protocol.as_str(), "{warning}");
        }
        for warning in config.realm_warnings(&realms) {
            tracing::warn!("{warning}");
        }
        for name in config.protocols() {
            let engine = Arc::clone(&self.engine);
            let protocol: Arc<dyn Protocol> = match name {
                ProtocolName::ZULIP => {
                    Arc::new(ZulipProtocol::new(zulip(config), engine, Arc::clone(&self.clock)))
                }
                ProtocolName::ROCKETCHAT => {
                    let protocol = Arc::new(RocketChatProtocol::new(
                        rocketchat(config, unique_id(&**self.engine.store(), &*self.rng).await?),
                        engine,
                    ));
                    self.sockets = Some(sockets(config, &protocol, &self.rng));
                    protocol
                }
                ProtocolName::WEB => Arc::new(WebProtocol::new(web(config, &self.engine), engine)),
                ProtocolName::FORWARD => Arc::new(ForwardProtocol::new(forward(config), engine)),
                ProtocolName::ZETTELSTORE => Arc::new(ZettelstoreProtocol::new(zettelstore(config), engine)),
                _ => bail!("the protocol {} is none of the configuration's", name.as_str()),
            };
            self.protocols.push(protocol);
        }
        Ok(())
    }

    /// Mounts a protocol behind those that are open: a path that several know goes to the first of them.
    pub fn mount(&mut self, protocol: Arc<dyn Protocol>) {
        self.protocols.push(protocol);
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The directories, in the order of their names.
    pub(crate) fn directories(&self) -> impl ExactSizeIterator<Item = &Arc<Directory>> {
        self.timed_directories().iter().map(|timed| timed.directory())
    }

    /// The same as backends whose answers are timed.
    pub(crate) fn timed_directories(&self) -> &[Arc<TimedDirectory>] {
        &self.directories
    }

    /// The hashing pool.
    pub(crate) fn pool(&self) -> Arc<HashingPool> {
        Arc::clone(&self.pool)
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The source of random bytes.
    #[must_use]
    pub fn rng(&self) -> Arc<dyn Rng> {
        Arc::clone(&self.rng)
    }

    /// The sockets of the Rocket.Chat protocol, where it is open.
    pub(crate) fn sockets(&self) -> Option<Arc<Sockets>> {
        self.sockets.clone()
    }

    /// The open protocols that are wanted.
    pub(crate) fn protocols(&self, wanted: impl Fn(ProtocolName) -> bool) -> Vec<Arc<dyn Protocol>> {
        self.protocols.iter().filter(|protocol| wanted(protocol.name())).map(Arc::clone).collect()
    }
}

impl fmt::Debug for Assembled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembled").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// Says what of a store and a key ring is new.
fn created(config: &Config, is_new_store: bool, is_new_ring: bool) -> anyhow::Result<Option<String>> {
    let store = match config.store.location()? {
        StoreLocation::Sqlite(path) => format!("the store {}", path.display()),
        StoreLocation::Postgres(_) => "the store in the database".to_owned(),
    };
    let keys = &config.keys.file;
    Ok(match (is_new_store, is_new_ring) {
        (true, true) => Some(format!("created {store} and the key ring {keys}")),
        (true, false) => Some(format!("created {store}")),
        (false, true) => Some(format!("created the key ring {keys}")),
        (false, false) => None,
    })
}

/// Checks that a store can be used without a change.
///
/// # Errors
/// A sentence for the operator.
async fn check_unchanged(opened: &AnyStore, store: &dyn Store) -> anyhow::Result<()> {
    if let Some(PendingUpgrade { from, to }) = opened.pending_upgrade() {
        bail!(
            "the store's schema of version {from} would be upgraded to {to} first, by `serve` or any command that \
             changes the store: nothing was changed"
        );
    }
    if !auth_engine::keys::is_bound(store).await? {
        bail!("the store would be bound to a key ring first, by `serve` or `import`: nothing was changed");
    }
    Ok(())
}

/// The key ring of a store, and whether it was made just now. Only a store that is bound to none gets one.
async fn open_ring(
    config: &Config,
    store: &dyn Store,
    rng: &dyn Rng,
    opening: Opening,
) -> anyhow::Result<(KeyRing, bool)> {
    let shown = &config.keys.file;
    let path = config.keys.path()?;
    if let Some(file) = keyfile::read(&path)? {
        return Ok((file.ring, false));
    }
    if !auth_engine::keys::is_bound(store).await? {
        if config.keys.file.is_credential() {
            bail!("[keys] file {shown}: systemd passed no such credential, and none is made here");
        }
        if opening != Opening::Create {
            bail!("there is no key ring {shown} yet: `serve` and `import` create one");
        }
        return keyfile::create(&path, rng);
    }
    // Another process may have made both since.
    match keyfile::read(&path)? {
        Some(file) => Ok((file.ring, false)),
        None => bail!(
            "the key file {} is missing: without it nobody can read the Zulip API keys, TOTP devices, backup codes and \
             waiting mail in the store, and tokens that it signed are not good; bring it back from a copy",
            path.display()
        ),
    }
}

fn zulip(config: &Config) -> auth_proto_zulip::Config {
    let zulip = &config.zulip;
    auth_proto_zulip::Config {
        external_host: zulip.external_host.clone(),
        url_scheme: zulip.url_scheme.clone(),
        version: zulip.version.clone(),
        feature_level: zulip.feature_level,
        realm_hosts: zulip.realm_hosts.clone(),
        root_domain_landing_page: zulip.root_domain_landing_page,
        password_login: zulip.password_login,
        development: zulip.development,
        development_login: zulip.development_login,
        default_realm: zulip.realm.clone(),
        web: zulip.web,
        web_method: zulip.web_method(),
        remote_user: zulip.remote_user(),
        account_pages: config.web.url.clone(),
        brand: brand(&config.web),
        exact: zulip.exact_points(),
    }
}

/// The random name of the installation, which is drawn once and kept in the store.
async fn unique_id(store: &dyn Store, rng: &dyn Rng) -> anyhow::Result<String> {
    let id = store.set_meta_once("rocketchat-unique-id", opaque::rocketchat_id(rng).as_bytes()).await?;
    String::from_utf8(id).context("the name of the installation in the store can't be read")
}

fn rocketchat(config: &Config, unique_id: String) -> auth_proto_rocketchat::Config {
    let rocketchat = &config.rocketchat;
    let mut protocol =
        auth_proto_rocketchat::Config::new(rocketchat.realm.as_str(), rocketchat.site_url.as_str());
    protocol.unique_id = unique_id;
    protocol.exact = rocketchat.exact_points();
    protocol.version.clone_from(&rocketchat.version);
    protocol.allowed_origins.clone_from(&rocketchat.allowed_origins);
    protocol.email_verification = rocketchat.email_verification;
    protocol.password_reset = rocketchat.offers_password_reset(config.has_mail());
    protocol.password_policy = rocketchat.password_policy.enabled();
    protocol
}

/// The look of all pages, whichever protocol they are of.
fn brand(web: &Web) -> Brand {
    let mut brand = Brand::new(web.name.as_deref().unwrap_or("auth-server"));
    brand.icon.clone_from(&web.icon);
    brand.line.clone_from(&web.line);
    brand.accent = web.accent.unwrap_or(brand.accent);
    brand.accent_dark = web.accent_dark.unwrap_or(brand.accent_dark);
    brand
}

fn web(config: &Config, engine: &Engine) -> auth_proto_web::Config {
    let (web, is_on) = (&config.web, |protocol| config.protocols().any(|on| on == protocol));
    let url = web.url.clone().unwrap_or_default();
    let external_host = Some(config.zulip.external_host.clone()).filter(|host| !host.is_empty());
    let zulip_url = match &external_host {
        Some(host) => format!("{}://{host}", config.zulip.url_scheme),
        None => url.clone(),
    };
    let protocols = engine.rules().without_second_step();
    auth_proto_web::Config {
        realm: web.realm.clone(),
        external_host,
        brand: brand(web),
        zulip_url: is_on(ProtocolName::ZULIP).then_some(zulip_url),
        rocketchat_url: is_on(ProtocolName::ROCKETCHAT).then(|| config.rocketchat.site_url.clone()),
        app_password_protocols: protocols.into_iter().filter(|protocol| is_on(*protocol)).collect(),
        password_reset: config.rocketchat.offers_password_reset(config.has_mail()),
        demo: web.demo.clone(),
        url,
    }
}

fn sockets(config: &Config, protocol: &Arc<RocketChatProtocol>, rng: &Arc<dyn Rng>) -> Arc<Sockets> {
    let rocketchat = &config.rocketchat;
    Arc::new(Sockets {
        protocol: Arc::clone(protocol),
        config: SessionConfig {
            idle: rocketchat.socket_idle.0,
            login_limit: rocketchat.socket_login_limit.quota(),
        },
        max_message: rocketchat.max_socket_message,
        anonymous: AnonymousSockets::new(rocketchat.max_sockets_per_network),
        rng: Arc::clone(rng),
    })
}

fn forward(config: &Config) -> auth_proto_forward::Config {
    let forward = &config.forward;
    auth_proto_forward::Config {
        realm: forward.realm.clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        dialect: forward.dialect,
        hosts: forward.hosts.clone(),
        cookie: forward.cookie(&config.web),
        takes_passwords: forward.passwords,
        rules: forward.protocol_rules(),
    }
}

fn zettelstore(config: &Config) -> auth_proto_zettelstore::Config {
    let zettelstore = &config.zettelstore;
    let mut protocol = auth_proto_zettelstore::Config::new(zettelstore.realm.as_str());
    protocol.authentication = zettelstore.authentication;
    protocol.answer = match zettelstore.answer {
        ZettelstoreAnswer::Json => AnswerForm::Json,
        ZettelstoreAnswer::List => AnswerForm::List,
    };
    protocol.url_prefix.clone_from(&zettelstore.url_prefix);
    protocol.max_request_size = zettelstore.max_request_size;
    protocol
}

#[cfg(test)]
mod tests;
