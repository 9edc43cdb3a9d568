//! The running server: ports bound, answering, told to stop, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Assembled;
use crate::body::BodyMemory;
use crate::config::{Config, Listen, plain_io};
use crate::listener::{Shared, accept};
use crate::router::Router;

/// Ports that are bound, with nobody answering yet: clients wait.
#[derive(Debug)]
pub struct Bound(Vec<(TcpListener, Listen)>);

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    stop: CancellationToken,
    tasks: TaskTracker,
    shutdown_timeout: Duration,
    assembled: Assembled,
}

impl Bound {
    /// Binds the ports.
    ///
    /// # Errors
    /// A sentence for the operator: which address can't be bound, and why.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let mut bound = Vec::new();
        for listen in &config.server.listen {
            let address = listen.address();
            match TcpListener::bind(address).await {
                Ok(listener) => bound.push((listener, listen.clone())),
                Err(error) => bail!("{address} can't be listened on: {}", plain_io(&error)),
            }
        }
        Ok(Self(bound))
    }

    /// The addresses, with the ports that were found free where port 0 was asked for.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.0.iter().map(|(listener, _)| listener.local_addr()).collect()
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// A sentence for the operator: which address has no door behind it.
    pub fn serve(self, config: &Config, assembled: Assembled) -> anyhow::Result<Server> {
        let server = &config.server;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let shared = Arc::new(Shared {
            clock: assembled.clock(),
            trusted_proxies: server.trusted_proxies.clone(),
            header_timeout: server.header_timeout.0,
            body_timeout: server.body_timeout.0,
            bodies: BodyMemory::new(server.body_memory_mib),
            connections: Arc::new(Semaphore::new(server.max_connections as usize)),
            waiting: Semaphore::new(server.max_waiting as usize),
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        for (listener, listen) in self.0 {
            let Some(router) = Router::new(assembled.doors(|door| listen.has(door))) else {
                bail!("no open door stands behind {}", listen.address());
            };
            tasks.spawn(accept(listener, router, Arc::clone(&shared)));
        }
        Ok(Server { stop, tasks, shutdown_timeout: server.shutdown_timeout.0, assembled })
    }
}

impl Server {
    /// Runs until SIGTERM or SIGINT, then lets running requests end, until the time for that is over or a
    /// second signal comes.
    ///
    /// # Errors
    /// When signals can't be waited for.
    pub async fn run(self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running requests may end");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(self.shutdown_timeout) => tracing::warn!("stopped before all requests had ended"),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        drop(self.assembled);
        tracing::info!("stopped");
        Ok(())
    }
}
