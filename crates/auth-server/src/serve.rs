//! The running server: ports bound, answering, told to stop, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Assembled;
use crate::body::BodyMemory;
use crate::client_counts::ClientCounts;
use crate::config::{Config, Listen, plain_io};
use crate::connections::Connections;
use crate::error_log::ErrorLog;
use crate::key_watch;
use crate::listener::accept;
use crate::mail::Mailer;
use crate::maintenance;
use crate::metrics;
use crate::request_id::RequestIds;
use crate::router::Router;
use crate::shared::Shared;
use crate::system::node_name;

/// How long the last rows of the log of attempts may take.
const FINISH: Duration = Duration::from_secs(2);

/// Ports that are bound, with nobody answering yet: clients wait.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<(TcpListener, Listen)>,
    metrics: Option<TcpListener>,
    signals: Signals,
}

/// SIGTERM and SIGINT. They are caught before a port is bound: whoever can reach the server can stop it in
/// good order.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    signals: Signals,
    stop: CancellationToken,
    tasks: TaskTracker,
    shutdown_timeout: Duration,
    assembled: Assembled,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Bound {
    /// Binds the ports.
    ///
    /// # Errors
    /// A sentence for the operator: which address can't be bound, and why.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let signals = Signals::catch().context("signals can't be waited for")?;
        let mut listeners = Vec::new();
        for listen in &config.server.listen {
            listeners.push((open_port(listen.address()).await?, listen.clone()));
        }
        let metrics = match config.metrics.listen {
            Some(address) => Some(open_port(address).await?),
            None => None,
        };
        Ok(Self { listeners, metrics, signals })
    }

    /// The addresses, with the ports that were found free where port 0 was asked for.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(|(listener, _)| listener.local_addr()).collect()
    }

    /// The address that shows numbers, where there is one.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn metrics_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.metrics.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// A sentence for the operator: which address has no protocol behind it, or why no mail can be sent.
    pub fn serve(self, config: &Config, assembled: Assembled) -> anyhow::Result<Server> {
        let server = &config.server;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let errors = Arc::new(ErrorLog::new(assembled.clock()));
        tasks.spawn(Arc::clone(&errors).run(stop.clone()));
        let per_client = server.max_per_client();
        let shared = Arc::new(Shared {
            clock: assembled.clock(),
            request_ids: RequestIds::new(&*assembled.rng()),
            errors,
            trusted_proxies: server.trusted_proxies.clone(),
            header_timeout: server.header_timeout.0,
            body_timeout: server.body_timeout.0,
            bodies: BodyMemory::new(server.body_memory_mib),
            connections: Connections::new(server.max_connections as usize, per_client),
            requests: ClientCounts::new(per_client),
            signed_in_sockets: ClientCounts::new(per_client),
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        let connections = Arc::clone(&shared.connections);
        let limit = shared.header_timeout;
        let swept = stop.clone();
        tasks.spawn(async move { connections.sweep_until(limit, swept).await });
        for (listener, listen) in self.listeners {
            let protocols = assembled.protocols(|protocol| listen.has(protocol));
            let Some(router) = Router::new(protocols, assembled.sockets()) else {
                bail!("no protocol is served at {}", listen.address());
            };
            tasks.spawn(accept(listener, router, Arc::clone(&shared)));
        }
        if let Some(listener) = self.metrics {
            tasks.spawn(metrics::serve(listener, assembled.pool(), stop.clone()));
        }
        match config.relay()? {
            Some(relay) => {
                let mailer =
                    Mailer::new(Arc::clone(assembled.engine().mail()), relay).context("[mail] smtp")?;
                tasks.spawn(mailer.run(stop.clone()));
            }
            None => {
                tasks.spawn(maintenance::warn_without_mail(Arc::clone(assembled.engine()), stop.clone()));
            }
        }
        tasks.spawn(maintenance::compare(Arc::clone(assembled.engine()), stop.clone()));
        let watched =
            key_watch::watch(Arc::clone(assembled.engine()), config.keys.path()?, node_name(), stop.clone());
        tasks.spawn(watched);
        tasks.spawn(maintenance::purge(Arc::clone(assembled.engine()), config.log.clone(), stop.clone()));
        Ok(Server {
            signals: self.signals,
            stop,
            tasks,
            shutdown_timeout: server.shutdown_timeout.0,
            assembled,
        })
    }
}

async fn open_port(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) => bail!("can't listen on {address}: {}", plain_io(&error)),
    }
}

impl Server {
    /// Runs until SIGTERM or SIGINT, then lets running requests end, until the time for that is over or a
    /// second signal comes.
    pub async fn run(mut self) {
        self.signals.next().await;
        tracing::info!("stopping: running requests may end");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(self.shutdown_timeout) => tracing::warn!("stopped before all requests had ended"),
            () = self.signals.next() => {}
        }
        drop(tokio::time::timeout(FINISH, self.assembled.engine().purger().flush_attempts()).await);
        drop(self.assembled);
        tracing::info!("stopped");
    }
}
