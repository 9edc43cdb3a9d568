//! The running server: ports bound, answering, told to stop, drained.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use auth_core::PasswordBackend as _;
use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Assembled;
use crate::admin::answers::Answers;
use crate::admin::bearers::Bearers;
use crate::admin::listener::KeyHolders;
use crate::admin::socket::AdminSocket;
use crate::backups::Backups;
use crate::ban_log::BanLog;
use crate::body::BodyMemory;
use crate::client_counts::ClientCounts;
use crate::config::{self, Config, ConfigError, Listen};
use crate::connections::Connections;
use crate::edge::socket::{ListenSocket, LocalAddress, PassedSockets, open_port};
use crate::error_log::ErrorLog;
use crate::forwarding_log::ForwardingLog;
use crate::health::Health;
use crate::key_watch;
use crate::listener::{Front, Service, accept};
use crate::mail::{Carrier, Mailer, Pulse};
use crate::maintenance::{self, StoreMeters};
use crate::metrics::{
    DIRECTORY_SECONDS, MAIL_OLDEST_DUE, Metrics, PoolTimes, STORE_LOOK_SECONDS, STORE_UP, Sources,
};
use crate::monitor::{self, Monitor};
use crate::reload::Reloader;
use crate::request_id::RequestIds;
use crate::router::Router;
use crate::service_manager;
use crate::shared::{Live, Shared};
use crate::side_listener::SideListener;
use crate::supervisor::{Failures, Supervisor};
use crate::system::node_name;
use crate::tls::Tls;
use crate::traces::Traces;

/// How long the last rows of the log of attempts may take.
const FINISH: Duration = Duration::from_secs(2);

/// Ports that are bound, with nobody answering yet: clients wait.
#[derive(Debug)]
pub struct Bound {
    listeners: Vec<(ListenSocket, Listen)>,
    metrics: Option<TcpListener>,
    admin: Option<AdminSocket>,
    admin_listener: Option<TcpListener>,
    signals: Signals,
}

/// SIGTERM, SIGINT, SIGHUP and SIGXFSZ. They are caught before a port is bound: whoever can reach the server can stop it in
/// good order.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Nobody waits for it. Uncaught, a file that grows to a limit of the process would end the server, and not the write alone.
    _file_size: Signal,
}

/// A server that answers.
pub struct Server {
    signals: Signals,
    draining: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
    failures: Failures,
    reloader: Reloader,
    assembled: Assembled,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// Waits for one that ends the server.
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
        let metrics = match config.metrics.listen {
            Some(address) => Some(open_port(address, false).await?),
            None => None,
        };
        let admin = AdminSocket::bind(&config.admin).await?;
        let admin_listener = match config.admin.listen {
            Some(address) => Some(open_port(address, false).await?),
            None => None,
        };
        // Last, so that the others are there once a client can connect.
        let mut passed = PassedSockets::take();
        let mut listeners = Vec::new();
        for listen in &config.server.listen {
            let all = config.server.listen.iter().map(|listen| &listen.address);
            let sockets = ListenSocket::open(&listen.address, all, &mut passed).await?;
            listeners.extend(sockets.into_iter().map(|socket| (socket, listen.clone())));
        }
        Ok(Self { listeners, metrics, admin, admin_listener, signals })
    }

    /// The addresses, with the ports that were found free where port 0 was asked for.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn addresses(&self) -> std::io::Result<Vec<LocalAddress>> {
        self.listeners.iter().map(|(socket, _)| socket.local_address()).collect()
    }

    /// The address that shows numbers, where there is one.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn metrics_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.metrics.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// The address that takes operations of programs with keys, where there is one.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub fn admin_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.admin_listener.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// The listeners' sockets a second time, for a server that follows one which ends: meanwhile clients wait.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) fn again(&self) -> anyhow::Result<Self> {
        let signals = Signals::catch().context("signals can't be waited for")?;
        let again = |(socket, listen): &(ListenSocket, Listen)| Ok((socket.again()?, listen.clone()));
        let listeners = self.listeners.iter().map(again).collect::<std::io::Result<_>>()?;
        Ok(Self { listeners, metrics: None, admin: None, admin_listener: None, signals })
    }

    /// Begins to answer.
    ///
    /// # Errors
    /// A sentence for the operator: which address has no protocol behind it, or why no mail can be sent.
    pub fn serve(self, config: &Config, assembled: Assembled) -> anyhow::Result<Server> {
        if let Some(created) = assembled.created() {
            tracing::info!("{created}");
        }
        let server = &config.server;
        let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let (supervisor, failures) = Supervisor::new(stop.clone(), tasks.clone());
        let errors = Arc::new(ErrorLog::new(assembled.clock()));
        let logged = Arc::clone(&errors);
        supervisor.keep("the log of internal errors", move |stop| Arc::clone(&logged).run(stop));
        let (most, per_client) = (server.max_connections as usize, server.max_per_client());
        let shared = Arc::new(Shared {
            clock: assembled.clock(),
            limits: Arc::clone(assembled.engine().limits()),
            request_ids: RequestIds::new(&*assembled.rng()),
            errors,
            traces: Traces::start(&config.traces)?,
            live: ArcSwap::from_pointee(Live::of(server)),
            bans: BanLog::new(assembled.clock()),
            forwarding: ForwardingLog::new(assembled.clock()),
            loopback_hosts_only: server.loopback_hosts_only,
            header_timeout: server.header_timeout.0,
            bodies: BodyMemory::new(server.body_memory_mib),
            connections: Connections::new(most, per_client),
            requests: ClientCounts::new(per_client, usize::MAX),
            // The other half is left to requests.
            signed_in_sockets: ClientCounts::new(per_client, (most / 2).max(1)),
            user_sockets: ClientCounts::new((per_client / 4).max(16), usize::MAX),
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        let (connections, limit) = (Arc::clone(&shared.connections), shared.header_timeout);
        let sweep = move |stop| Arc::clone(&connections).sweep_until(limit, stop);
        supervisor.keep("the sweep of connections", sweep);
        let metrics = Arc::new(if self.metrics.is_some() { Metrics::new() } else { Metrics::off() });
        let mut certificates = Vec::new();
        for (socket, listen) in self.listeners {
            let front = Arc::new(front(&listen, server, &assembled, &shared, &metrics)?);
            certificates.extend(front.tls.clone());
            supervisor.require("a listener", accept(socket, front));
        }
        assembled.pool().observe(Arc::new(PoolTimes::new(Arc::clone(&metrics))));
        let backups = Backups::of(config, assembled.clock())?.map(Arc::new);
        let mail = start_background(&supervisor, config, &assembled, &metrics, &shared.traces)?;
        if let Some(listener) = self.metrics {
            let sources = Sources {
                started: assembled.clock().now(),
                pool: assembled.pool(),
                engine: Arc::clone(assembled.engine()),
                directories: assembled.directories().cloned().collect(),
                shared: Arc::clone(&shared),
                last_backup: backups.as_ref().map(|backups| backups.last_good()),
            };
            let (engine, errors) = (Arc::clone(assembled.engine()), Arc::clone(&shared.errors));
            let health = Health::new(engine, supervisor.down(), draining.clone(), mail, errors);
            for directory in assembled.timed_directories() {
                directory.record_in(metrics.histogram(&DIRECTORY_SECONDS, &[directory.name()]));
            }
            start_monitor(&supervisor, listener, Monitor { metrics, sources, health, tasks: tasks.clone() });
        }
        let admin = start_admin(&supervisor, config, &assembled, self.admin, self.admin_listener, &tasks)?;
        certificates.extend(admin);
        if let Some(backups) = backups {
            supervisor.keep("backups", move |stop| Arc::clone(&backups).run(stop));
        }
        supervisor.keep("the service manager's watchdog", service_manager::keep_alive);
        service_manager::ready();
        let keeps_proxies =
            config.forward.is_on() || server.listen.iter().any(|listen| listen.proxy_protocol);
        let holds = config.fingerprints.clone();
        let reloader = Reloader { load: None, holds, shared, keeps_proxies, certificates };
        Ok(Server { signals: self.signals, draining, stop, tasks, failures, reloader, assembled })
    }
}

/// What the connections of a listener share.
fn front(
    listen: &Listen,
    server: &config::Server,
    assembled: &Assembled,
    shared: &Arc<Shared>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Front> {
    let service = match &listen.redirect {
        Some(site) => Service::Redirect(site.clone()),
        None => {
            let protocols = assembled.protocols(|protocol| listen.has(protocol));
            let router = Router::new(protocols, assembled.sockets(), metrics);
            Service::Protocols(
                router.with_context(|| format!("no protocol is served at {}", listen.address))?,
            )
        }
    };
    let tls = listen.tls.clone().map(|files| {
        Tls::new(files, format!("[server] listen, {}", listen.address), &[b"h2", b"http/1.1"]).map(Arc::new)
    });
    let tls = tls.transpose()?;
    let hsts = server.hsts.filter(|_| tls.is_some()).map(|hsts| format!("max-age={}", hsts.0.as_secs()));
    let hsts = hsts.map(HeaderValue::try_from).transpose()?;
    let proxy_protocol = listen.proxy_protocol;
    Ok(Front { service, tls, proxy_protocol, hsts, shared: Arc::clone(shared) })
}

/// Starts to take what operators ask for: at the socket, and at the listener for programs with keys, whose certificate it returns.
fn start_admin(
    supervisor: &Supervisor,
    config: &Config,
    assembled: &Assembled,
    socket: Option<AdminSocket>,
    listener: Option<TcpListener>,
    tasks: &TaskTracker,
) -> anyhow::Result<Option<Arc<Tls>>> {
    let engine = assembled.engine();
    let answers = Arc::new(Answers::new(engine, config.store.shown(), config.web.url.clone()));
    if let Some(socket) = socket {
        tracing::info!("operators reach the server at {}", socket.path().display());
        let (socket, answers) = (Arc::new(socket), Arc::clone(&answers));
        let serve = move |stop| {
            let (socket, answers) = (Arc::clone(&socket), Arc::clone(&answers));
            async move { socket.serve(answers, stop).await }
        };
        supervisor.keep("the operators' socket", serve);
    }
    let tls = config.admin.tls()?.filter(|_| listener.is_some());
    let tls =
        tls.map(|files| Tls::new(files, "[admin]".to_owned(), &[b"http/1.1"]).map(Arc::new)).transpose()?;
    if let Some(listener) = listener {
        let tls = tls.clone();
        let scheme = if tls.is_some() { "https" } else { "http" };
        tracing::info!("programs with keys reach the server at {scheme}://{}", listener.local_addr()?);
        let service = Arc::new(KeyHolders { bearers: Bearers::new(engine), answers });
        let listener = Arc::new(SideListener { listener, tls, service, tasks: tasks.clone() });
        supervisor.keep("the operators' listener", move |stop| Arc::clone(&listener).serve(stop));
    }
    Ok(tls)
}

/// Starts to answer those who watch the server, and to measure what they are shown.
fn start_monitor(supervisor: &Supervisor, listener: TcpListener, monitor: Monitor) {
    let metrics = Arc::clone(&monitor.metrics);
    supervisor.keep("the upkeep of metrics", move |stop| Arc::clone(&metrics).keep_up(stop));
    let (store, metrics) = (Arc::clone(monitor.sources.engine.store()), Arc::clone(&monitor.metrics));
    let count = move |stop| maintenance::count_credentials(Arc::clone(&store), Arc::clone(&metrics), stop);
    supervisor.keep("the count of credentials", count);
    let (listener, monitor) = (Arc::new(listener), Arc::new(monitor));
    let serve = move |stop| monitor::serve(Arc::clone(&listener), Arc::clone(&monitor), stop);
    supervisor.keep("the metrics' listener", serve);
}

/// Starts what runs beside the listeners; gives the pulse of the mail worker, where there is one.
fn start_background(
    supervisor: &Supervisor,
    config: &Config,
    assembled: &Assembled,
    metrics: &Metrics,
    traces: &Traces,
) -> anyhow::Result<Option<Arc<Pulse>>> {
    let engine = || Arc::clone(assembled.engine());
    let kept = config.kept_mails.as_ref().map(|kept| Carrier::Kept(Arc::clone(kept)));
    let mut pulse = None;
    if let Some(carrier) = kept.or(config.relay()?.map(Carrier::Smtp)) {
        let oldest_due = metrics.gauge(&MAIL_OLDEST_DUE, &[]);
        let mailer = Arc::new(Mailer::new(Arc::clone(engine().mail()), carrier, traces.clone(), oldest_due));
        pulse = Some(mailer.pulse());
        supervisor.keep("mail", move |stop| Arc::clone(&mailer).run(stop));
    } else {
        let engine = engine();
        let warn = move |stop| maintenance::warn_without_mail(Arc::clone(&engine), stop);
        supervisor.keep("the look for mail", warn);
    }
    let compared = engine();
    let meters =
        StoreMeters { up: metrics.gauge(&STORE_UP, &[]), look: metrics.histogram(&STORE_LOOK_SECONDS, &[]) };
    let compare = move |stop| maintenance::follow_store(Arc::clone(&compared), meters.clone(), stop);
    supervisor.keep("the comparison of credentials", compare);
    let (watched, path) = (engine(), config.keys.path()?);
    let watch = move |stop| key_watch::watch(Arc::clone(&watched), path.clone(), node_name(), stop);
    supervisor.keep("the watch on the key file", watch);
    let purged = engine();
    let purge = move |stop| maintenance::keep_up(Arc::clone(&purged), stop);
    supervisor.keep("purge", purge);
    let (pool, passwords, params) = (assembled.pool(), config.passwords.clone(), config.passwords.params()?);
    let fit = move |stop| maintenance::fit_hashing(Arc::clone(&pool), passwords.clone(), params, stop);
    supervisor.keep("the size of hashing", fit);
    Ok(pulse)
}

impl Server {
    /// Has SIGHUP read the configuration anew by `load`: what can change does, what can't is named in the log, and a configuration
    /// with a mistake changes nothing. Without it SIGHUP reads certificates alone.
    #[must_use]
    pub fn reloading(
        mut self,
        load: impl Fn() -> Result<Config, ConfigError> + Send + Sync + 'static,
    ) -> Self {
        self.reloader.load = Some(Box::new(load));
        self
    }

    /// Runs until SIGTERM or SIGINT, and then ends in two stages. While it drains, requests are answered as ever, but it is
    /// not ready any more, so that a load balancer sends no further clients. Then it takes no connections, and lets running
    /// requests end. Either stage ends when its time is over, or at once at a further signal.
    ///
    /// # Errors
    /// When a part has failed that the server can't go on without. It then ends as after a signal.
    pub async fn run(self) -> anyhow::Result<()> {
        self.run_until(std::future::pending()).await
    }

    /// Does the same, and ends as after a signal when `end` is ready.
    ///
    /// # Errors
    /// See [`Server::run`].
    pub async fn run_until(mut self, end: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::pin!(end);
        let failed = loop {
            tokio::select! {
                _ = self.signals.hang_up.recv() => {
                    service_manager::reloading();
                    self.reloader.reload().await;
                    service_manager::ready();
                }
                _ = self.signals.terminate.recv() => break None,
                _ = self.signals.interrupt.recv() => break None,
                () = &mut end => break None,
                name = self.failures.next() => break Some(name),
            }
        };
        let Live { drain_time, shutdown_timeout, .. } = **self.reloader.shared.live.load();
        service_manager::stopping(drain_time + shutdown_timeout + FINISH);
        self.draining.cancel();
        if failed.is_none() && !drain_time.is_zero() {
            tracing::info!(
                "draining: requests are answered for {} s, and /readyz answers 503",
                drain_time.as_secs()
            );
            tokio::select! {
                () = tokio::time::sleep(drain_time) => {}
                () = self.signals.next() => {}
                _ = self.failures.next() => {}
            }
        }
        tracing::info!("stopping: running requests may end");
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = tokio::time::sleep(shutdown_timeout) => tracing::warn!("stopped before all requests had ended"),
            () = self.signals.next() => {}
        }
        let engine = self.assembled.engine();
        drop(tokio::time::timeout(FINISH, engine.finish()).await);
        self.reloader.shared.traces.finish().await;
        drop(self.assembled);
        tracing::info!("stopped");
        match failed {
            Some(name) => bail!("{name} has failed: the server can't go on without it"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("assembled", &self.assembled).finish_non_exhaustive()
    }
}
