//! `auth-server dev`: a demo server for trying out and for test suites.
//!
//! A reset of it is another server in its place: on the same sockets, with a store, a key ring and limits of its own. So nothing
//! of what was before is left, and none of the services needs to know of resets.

mod clock;
mod control;
mod folder;
mod greeting;
mod population;
mod seed;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_core::{ImportMode, Rng, SystemRng, Token};
use auth_transfer::{import, unwatched};
use data_encoding::BASE64URL_NOPAD;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::clock::LeadingClock;
use self::control::{Control, Stage};
use self::folder::{Folder, remove_left_behind};
use self::population::Population;
use crate::assemble::Assembled;
use crate::config::{AdminSocket, Config, Limit, Listen, Span, Switch};
use crate::edge::socket::{LocalAddress, open_port};
use crate::logging;
use crate::mail::{KeptMails, MailPage};
use crate::process::{self, Parent};
use crate::serve::{Bound, Server};
use crate::side_listener::SideListener;
use crate::supervisor::Supervisor;

/// Random bytes of the token of the control endpoints.
const TOKEN: usize = 32;

/// Start a demo server: all protocols on one realm, demo users, data that is thrown away. It listens on a loopback address
/// only, answers requests for this machine's own names only, and has no rate limits unless they are asked for.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  auth-server dev\n  auth-server dev --listen 127.0.0.1:0 --seed users.jsonl \
                        --ready-json"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Dev {
    #[command(subcommand)]
    tool: Option<Tool>,
    /// A loopback address. Port 0 chooses a free port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keep the data in this folder instead of throwing it away.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Import these users instead of the demo users, from a file or, with `-`, from standard input. All protocols serve the first
    /// realm in it.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// When ready, print nothing but a line of JSON with the address, the users, and the address and the token of the control
    /// endpoints: docs/testing-clients.md.
    #[arg(long)]
    ready_json: bool,
    /// End when the process that has started this one ends, however it ends.
    #[arg(long)]
    exit_with_parent: bool,
    /// Keep the rate limits that `serve` has by default.
    #[arg(long)]
    limits: bool,
}

/// Tools for developers.
#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Fill a store with made-up users.
    Seed(seed::Seed),
}

/// A demo server that answers, until it ends or is reset.
struct Run {
    server: Server,
    stage: Stage,
    /// Dropped behind the server.
    folder: Folder,
}

impl Dev {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        if let Some(Tool::Seed(seed)) = self.tool {
            return seed.run().await;
        }
        if !self.listen.ip().is_loopback() {
            bail!(
                "dev lets anybody log in: it listens on loopback addresses only, such as --listen 127.0.0.1:8080"
            );
        }
        let parent = self.exit_with_parent.then(Parent::now);
        remove_left_behind(&tempfile::env::temp_dir());
        let population = Population::read(self.seed.as_deref())?;
        let mut config = self.config(&population.realm);
        let _log = logging::start(&config.log)?;
        process::prepare(&config);
        let bound = Bound::bind(&config).await?;
        let Some(LocalAddress::Tcp(address)) = bound.addresses()?.into_iter().next() else {
            bail!("no address")
        };
        config.rocketchat.site_url = format!("http://{address}");
        config.web.url = Some(greeting::pages(address));
        config.web.realm.clone_from(&population.realm);
        config.web.demo = Some(greeting::demo(address, &population));
        let clock = Arc::new(LeadingClock::default());

        let mut next = bound.again()?;
        let Run { mut server, stage, mut folder } = self.open(&config, &population, &clock, bound).await?;
        let token = token();
        let (control, mut resets) =
            Control::new(token.clone(), Arc::clone(&clock), stage, self.data.is_some());
        let control = Arc::new(control);
        let stop = CancellationToken::new();
        let _stopped_at_the_end = stop.clone().drop_guard();
        if self.ready_json {
            let listener = open_port((Ipv4Addr::LOCALHOST, 0).into(), false).await?;
            let at = listener.local_addr()?;
            serve_control(listener, Arc::clone(&control), stop);
            greeting::print_json(address, &population, (at, &token))?;
        } else {
            greeting::print_introduction(address, &population)?;
        }
        loop {
            let mut reset = None;
            let end = async {
                tokio::select! {
                    () = ended(parent.as_ref()) => {}
                    Some(asked) = resets.recv() => reset = Some(asked),
                }
            };
            server.run_until(end).await?;
            let Some(done) = reset else { return Ok(()) };
            drop(folder);
            clock.reset();
            let after = next.again()?;
            let run = self.open(&config, &population, &clock, next).await?;
            (server, folder, next) = (run.server, run.folder, after);
            control.show(run.stage);
            // Who asked may have gone.
            let _ = done.send(());
        }
    }

    /// Opens a store with nobody in it but who is there at the start, and begins to answer.
    async fn open(
        &self,
        config: &Config,
        population: &Population,
        clock: &Arc<LeadingClock>,
        bound: Bound,
    ) -> anyhow::Result<Run> {
        let folder = Folder::make(self.data.as_deref())?;
        let mails = Arc::new(KeptMails::default());
        let mut config = config.clone();
        config.store.set_file(&folder.path().join("auth.db"), self.data.is_none());
        config.keys.file = folder.path().join("keys.toml").into();
        config.kept_mails = Some(Arc::clone(&mails));
        let mut assembled =
            Assembled::open_by(&config, Vec::new(), Arc::<LeadingClock>::clone(clock)).await?;
        let engine = Arc::clone(assembled.engine());
        if Accounts::new(&engine).realm(&population.realm).await.is_err() {
            let lines = population.text.as_bytes();
            import(&engine, lines, ImportMode::Write, &mut unwatched).await.context("the seed")?;
        }
        assembled.open_protocols(&config).await?;
        assembled.mount(Arc::new(MailPage(Arc::clone(&mails))));
        let server = bound.serve(&config, assembled)?;
        Ok(Run { server, stage: Stage { engine, mails }, folder })
    }

    fn config(&self, realm: &str) -> Config {
        let mut config = Config::default();
        config.server.listen = vec![Listen::at(self.listen)];
        config.server.loopback_hosts_only = true;
        // A reset doesn't wait for a request that hangs.
        config.server.shutdown_timeout = Span::secs(1);
        config.admin.socket = AdminSocket::Off;
        config.log.level = if self.ready_json { "warn" } else { "info" }.to_owned();
        config.log.names = true;
        config.zulip.realm = Some(realm.to_owned());
        config.zulip.url_scheme = "http".to_owned();
        config.zulip.development = true;
        config.rocketchat.realm = realm.to_owned();
        config.zettelstore.realm = realm.to_owned();
        if self.data.is_none() {
            // Nobody can steal what is thrown away, and tests begin many times.
            (config.passwords.memory_kib, config.passwords.iterations) = (64, 1);
        }
        if !self.limits {
            config.limits.shared = Switch::Off;
            config.zulip.login_limit = Limit::Off;
            config.zulip.api_limit = Limit::Off;
            config.rocketchat.api_limit = Limit::Off;
            config.rocketchat.block_by_user = Limit::Off;
            config.rocketchat.block_by_address = Limit::Off;
            config.rocketchat.socket_login_limit = Limit::Off;
            config.rocketchat.max_sockets_per_network = u32::MAX;
        }
        config
    }
}

/// A random token.
fn token() -> Token {
    let mut bytes = [0; TOKEN];
    SystemRng.fill(&mut bytes);
    Token::new(BASE64URL_NOPAD.encode(&bytes))
}

/// Answers requests to the control endpoints until told to stop.
fn serve_control(listener: TcpListener, control: Arc<Control>, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let listener = SideListener { listener, tls: None, service: control, tasks: tasks.clone() };
    let listener = Arc::new(listener);
    let (supervisor, _failures) = Supervisor::new(stop, tasks);
    supervisor.keep("the control endpoints", move |stop| Arc::clone(&listener).serve(stop));
}

/// Waits until the parent has ended: for ever where it doesn't matter.
async fn ended(parent: Option<&Parent>) {
    match parent {
        Some(parent) => parent.ended().await,
        None => std::future::pending().await,
    }
}
