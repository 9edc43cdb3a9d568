//! `auth-server config check --deep`: asks everything that a server will depend on, and says one line for each.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use auth_core::{Realm, RealmId, Rng, Store, SystemClock, SystemRng};
use auth_engine::keys::{check_ring, is_bound};
use auth_ldap::{Directory, DirectoryConfig, VerifyError};
use auth_store::PendingUpgrade;
use tokio::net::TcpListener;

use crate::command::output::print_line;
use crate::config::{Config, StoreLocation};
use crate::keyfile;
use crate::mail;
use crate::store::{AnyStore, NoStore, Opening};
use crate::system_error::{file_reason, folder_of, plain_io};

/// The name that is searched for in directories. Nobody has it, or it doesn't matter who has.
const NOBODY: &str = "auth-server-config-check";

/// Checks the store, the key ring, the realms, the ports, the directories and the SMTP server.
///
/// # Errors
/// When one of them can't be used. Each has had its line by then.
pub(super) async fn check(config: &Config) -> anyhow::Result<()> {
    let mut report = Report { checks: 0, failed: 0 };
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let store = match open_store(config, &rng).await {
        Ok((store, line)) => {
            report.add("store", Ok(line))?;
            Some(store)
        }
        Err(error) => {
            report.add("store", Err(error))?;
            None
        }
    };
    // Without the store nobody knows which key ring fits.
    if let Some(store) = store {
        report.add("key ring", check_keys(config, store.as_deref()).await)?;
        if let Some(store) = store {
            let realms = store.realms().await?;
            let protocols = config.protocols_without_realm(&realms).into_iter().map(|(_, warning)| warning);
            for warning in protocols.chain(config.realm_warnings(&realms)) {
                print_line(format_args!("warning: {warning}"))?;
            }
            report.add("realms", check_realms(config, &realms))?;
        }
    }
    let listeners = config.server.listen.iter().filter_map(|listen| Some(("port", listen.address.tcp()?)));
    for (what, address) in listeners.chain(config.metrics.listen.map(|address| ("port for metrics", address)))
    {
        report.add(what, bind(address).await)?;
    }
    for directory in config.directories()? {
        let written =
            config.ldap.get(&directory.name).map(|ldap| ldap.servers.as_slice()).unwrap_or_default();
        for (server, written) in directory.servers.iter().zip(written) {
            let alone = DirectoryConfig { servers: vec![server.clone()], ..directory.clone() };
            let asked = ask_directory(alone, &rng).await.map(|()| format!("{written} answers"));
            report.add(&format!("directory {}", directory.name), asked.with_context(|| written.clone()))?;
        }
    }
    if let Some(relay) = config.relay()? {
        let server = format!("{}:{}", relay.host, relay.port);
        let asked = mail::check(&relay).await;
        let done = if relay.login.is_some() { "takes the user and the password" } else { "answers" };
        report.add("mail", asked.map(|()| format!("{server} {done}")).with_context(|| server.clone()))?;
    }
    match report.failed {
        0 => Ok(()),
        failed => bail!("{failed} of {} checks failed", report.checks),
    }
}

/// The lines that were printed.
struct Report {
    checks: u32,
    failed: u32,
}

impl Report {
    fn add(&mut self, what: &str, result: anyhow::Result<String>) -> std::io::Result<()> {
        self.checks += 1;
        match result {
            Ok(line) => print_line(format_args!("good: {what}: {line}")),
            Err(error) => {
                self.failed += 1;
                print_line(format_args!("bad: {what}: {error:#}"))
            }
        }
    }
}

/// The store, if there is one, and what is said of it. Where there is none, a server must be able to create it.
async fn open_store(config: &Config, rng: &Arc<dyn Rng>) -> anyhow::Result<(Option<Arc<dyn Store>>, String)> {
    match AnyStore::open(config, Arc::clone(rng), Opening::Unchanged).await {
        Ok(store) => {
            let upgrade = match store.pending_upgrade() {
                Some(PendingUpgrade { from, to }) => {
                    format!(
                        "; its schema of version {from} would be upgraded to {to} by the next `serve` or `import`"
                    )
                }
                None => String::new(),
            };
            Ok((Some(store.records()), format!("{} opens{upgrade}", shown(config)?)))
        }
        Err(error) if error.is::<NoStore>() => {
            if let StoreLocation::Sqlite(path) = config.store.location()? {
                let folder = folder_of(&path);
                tempfile::tempfile_in(folder).map_err(|error| {
                    anyhow!(
                        "{} can't be created: {}",
                        path.display(),
                        file_reason(&folder.join("new"), &error)
                    )
                })?;
            }
            Ok((None, format!("there is none yet: `serve` or `import` will create {}", shown(config)?)))
        }
        Err(error) => Err(error),
    }
}

fn shown(config: &Config) -> anyhow::Result<String> {
    Ok(match config.store.location()? {
        StoreLocation::Sqlite(path) => path.display().to_string(),
        StoreLocation::Postgres(_) => "the one in the database".to_owned(),
    })
}

async fn check_keys(config: &Config, store: Option<&dyn Store>) -> anyhow::Result<String> {
    let shown = &config.keys.file;
    let file = keyfile::read(&config.keys.path()?)?;
    match (file, store) {
        (Some(file), Some(store)) if is_bound(store).await? => {
            check_ring(store, &file.ring).await?;
            Ok(format!("{shown} fits the store"))
        }
        (Some(_), _) => Ok(format!("{shown} can be read")),
        (None, Some(store)) if is_bound(store).await? => {
            bail!("{shown} is missing: bring it back from a copy")
        }
        (None, _) => Ok(format!("there is none yet: `serve` or `import` will create {shown}")),
    }
}

fn check_realms(config: &Config, realms: &[Realm]) -> anyhow::Result<String> {
    config.check_backends(realms)?;
    let slugs: Vec<&str> = realms.iter().map(|realm| realm.slug.as_str()).collect();
    Ok(if slugs.is_empty() { "there is none yet".to_owned() } else { slugs.join(", ") })
}

/// Binds a port and releases it.
async fn bind(address: SocketAddr) -> anyhow::Result<String> {
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => bail!("{address}: {}", plain_io(&error)),
    }
}

/// Connects to the one server of a directory, logs in as the service account, and searches for a name.
async fn ask_directory(config: DirectoryConfig, rng: &Arc<dyn Rng>) -> anyhow::Result<()> {
    let realm = Realm::new(RealmId::random(&**rng), NOBODY);
    let directory = Directory::open(config, Arc::new(SystemClock))?;
    match directory.trace_login(&realm, NOBODY, None).await.result {
        Err(VerifyError::Unavailable(error)) => Err(error.into()),
        // What the directory says of the name doesn't matter.
        Ok(_) | Err(_) => Ok(()),
    }
}
