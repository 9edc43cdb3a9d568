//! `auth-server dev`: a demo server for trying out and for test suites.

mod seed;

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_admin::Accounts;
use auth_core::{ImportMode, ProtocolName};
use auth_proto_web::{Demo, DemoCommand, DemoUser};
use auth_transfer::{import, unwatched, without_mark};
use serde_json::{Value, json};

use super::input::open_file;
use super::output::print_line;
use crate::assemble::Assembled;
use crate::config::{AdminSocket, Config, Limit, Listen, PROTOCOLS, Switch};
use crate::edge::socket::LocalAddress;
use crate::logging;
use crate::mail::{KeptMails, MailPage, PAGE_PATH};
use crate::process::{self, Parent};
use crate::serve::Bound;
use crate::store_lock::StoreLock;
use crate::system;

/// The demo users, whom the examples of the three systems' manuals log in.
const DEMO: &str = include_str!("dev/demo.jsonl");

/// The users that the front page shows.
const SHOWN: usize = 20;

/// How the names of the folders begin whose data is thrown away.
const PREFIX: &str = "auth-server-dev-";

/// The file by which a folder is known to be one that may be thrown away.
const MARK: &str = "thrown-away-by-auth-server-dev";

/// A server has locked its folder long before.
const STARTING: Duration = Duration::from_secs(60);

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
    /// Import these users instead of the demo users. All protocols serve the first realm in the file.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// When ready, print nothing but a line of JSON with the address and the users.
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
        let temporary = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        std::fs::write(temporary.path().join(MARK), "")?;
        let folder = self.data.as_deref().unwrap_or(temporary.path());
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;

        let seed = match &self.seed {
            Some(path) => open_file(path)
                .and_then(|file| Ok(std::io::read_to_string(without_mark(file)?)?))
                .with_context(|| format!("{} can't be read", path.display()))?,
            None => DEMO.to_owned(),
        };
        let lines: Vec<Value> = seed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let realm = of_kind(&lines, "realm").next().and_then(|line| line.get("realm")?.as_str());
        let realm = realm.context("the seed names no realm")?;

        let mut config = self.config(folder, realm);
        let _log = logging::start(&config.log)?;
        process::prepare(&config);
        let bound = Bound::bind(&config).await?;
        let Some(LocalAddress::Tcp(address)) = bound.addresses()?.into_iter().next() else {
            bail!("no address")
        };
        config.rocketchat.site_url = format!("http://{address}");
        // Browsers take the cookies of pages from this machine's name alone.
        config.web.url = Some(format!("http://localhost:{}", address.port()));
        config.web.realm = realm.to_owned();
        config.web.demo = Some(demo(address, &lines, self.seed.is_none()));
        let mails = Arc::new(KeptMails::default());
        config.kept_mails = Some(Arc::clone(&mails));
        let mut assembled = Assembled::open_with(&config, Vec::new()).await?;
        let engine = assembled.engine();
        if Accounts::new(engine).realm(realm).await.is_err() {
            import(engine, seed.as_bytes(), ImportMode::Write, &mut unwatched).await.context("the seed")?;
        }
        assembled.open_protocols(&config).await?;
        assembled.mount(Arc::new(MailPage(mails)));
        let server = bound.serve(&config, assembled)?;
        if self.ready_json {
            print_json(address, &lines)?;
        } else {
            print_introduction(address, &lines, self.seed.is_none())?;
        }
        match parent {
            Some(parent) => server.run_until(parent.ended()).await,
            None => server.run().await,
        }
    }

    fn config(&self, folder: &Path, realm: &str) -> Config {
        let mut config = Config::default();
        config.server.listen = vec![Listen::at(self.listen)];
        config.server.loopback_hosts_only = true;
        config.admin.socket = AdminSocket::Off;
        config.store.set_file(&folder.join("auth.db"));
        config.keys.file = folder.join("keys.toml").into();
        config.log.level = if self.ready_json { "warn" } else { "info" }.to_owned();
        config.log.names = true;
        config.zulip.realm = Some(realm.to_owned());
        config.zulip.url_scheme = "http".to_owned();
        config.zulip.development = true;
        config.rocketchat.realm = realm.to_owned();
        config.zettelstore.realm = realm.to_owned();
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

/// Removes the folders of demo servers that were killed. A folder whose server runs is locked; one that is so young may be
/// that of a server that starts just now.
fn remove_left_behind(folder: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.metadata().is_ok_and(|file| {
                let age = file.modified().ok().and_then(system::age_of);
                file.is_dir() && file.uid() == me && age.is_some_and(|age| age > STARTING)
            });
        let path = entry.path();
        if is_ours
            && path.join(MARK).is_file()
            && let Ok(_lock) = StoreLock::take_file(&path.join("auth.db"))
        {
            // What can't be removed now is removed next time.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// What the front page shows: the users, and for the demo users commands to try.
fn demo(address: SocketAddr, lines: &[Value], is_demo: bool) -> Demo {
    let text = |user: &Value, key| user.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let users = of_kind(lines, "user").take(SHOWN).map(|user| {
        let (name, email) = (text(user, "username"), text(user, "email"));
        DemoUser {
            name: if name.is_empty() { email } else { name },
            password: text(user, "password"),
            what: text(user, "full_name"),
        }
    });
    let commands = if is_demo { commands(&format!("http://{address}")).to_vec() } else { Vec::new() };
    let commands =
        commands.into_iter().map(|(title, command)| DemoCommand { title: title.to_owned(), command });
    Demo { users: users.collect(), mails: PAGE_PATH.to_owned(), commands: commands.collect() }
}

/// What can be tried with the demo users.
fn commands(base: &str) -> [(&'static str, String); 3] {
    [
        (
            "Zulip",
            format!(
                "curl -sSX POST {base}/api/v1/fetch_api_key --data-urlencode username=iago@zulip.com \
                 --data-urlencode password=abcd1234"
            ),
        ),
        ("Rocket.Chat", format!("curl {base}/api/v1/login -d \"user=myusername&password=mypassword\"")),
        ("Zettelstore", format!("curl -X POST -u IDENT:PASSWORD {base}/a")),
    ]
}

/// Prints the address and the users as a line of JSON, for programs.
fn print_json(address: SocketAddr, lines: &[Value]) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    let users: Vec<&Value> = of_kind(lines, "user").collect();
    let mut line = json!({"ready": true, "address": address.to_string(), "users": users});
    if let Some(line) = line.as_object_mut() {
        for protocol in PROTOCOLS {
            line.insert(protocol.to_string(), base.clone().into());
        }
        let pages = format!("http://localhost:{}", address.port());
        line.insert("mails".to_owned(), format!("{pages}{PAGE_PATH}").into());
        line.insert(ProtocolName::WEB.to_string(), pages.into());
    }
    print_line(line)?;
    Ok(())
}

/// Prints the addresses, the users and, for the demo users, commands to try, for people.
fn print_introduction(address: SocketAddr, lines: &[Value], is_demo: bool) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    print_line(format_args!(
        "auth-server {} is ready. Every user can use every protocol.\n",
        env!("CARGO_PKG_VERSION")
    ))?;
    for protocol in PROTOCOLS {
        let base = if protocol == ProtocolName::WEB {
            format!("http://localhost:{}", address.port())
        } else {
            base.clone()
        };
        print_line(format_args!("  {protocol:<12} {base}"))?;
    }
    print_line(format_args!("  {:<12} http://localhost:{}{PAGE_PATH}", "mails", address.port()))?;
    print_line("\nUsers:")?;
    for user in of_kind(lines, "user") {
        let text = |key| user.get(key).and_then(Value::as_str).unwrap_or("-");
        print_line(format_args!("  {:<12} {:<20} {}", text("username"), text("email"), text("password")))?;
    }
    if is_demo {
        print_line("\nTry:")?;
        for (_, command) in commands(&base) {
            print_line(format_args!("  {command}"))?;
        }
        print_line("")?;
    }
    Ok(())
}

/// The import lines of a kind.
fn of_kind<'a>(lines: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line.get("kind").and_then(Value::as_str) == Some(kind))
}
