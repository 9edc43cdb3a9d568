//! `auth-server dev`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use auth_core::{ImportMode, ProtocolName};
use auth_engine::transfer::unwatched;
use serde_json::{Value, json};

use super::{open_file, say};
use crate::config::{Config, Limit, Listen, Switch};
use crate::{Assembled, Bound, logging};

/// The users that the three manuals' examples log in.
const DEMO: &str = include_str!("demo.jsonl");

/// Try it: all protocols on one realm, demo users, throw-away data. Listens on loopback only, and without limits
/// unless they are asked for.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  auth-server dev\n  auth-server dev --listen 127.0.0.1:0 --seed users.jsonl \
                        --ready-json"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Dev {
    #[command(subcommand)]
    tool: Option<Tool>,
    /// A loopback address; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Keep the data in this folder instead of throwing it away.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Import these users instead of the demo's; all protocols serve the first realm in the file.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Say one line of JSON with address and users when ready, and nothing else.
    #[arg(long)]
    ready_json: bool,
    /// Keep the limits that `serve` has by default.
    #[arg(long)]
    limits: bool,
}

/// What else developers need.
#[derive(Debug, clap::Subcommand)]
enum Tool {
    /// Fill a store with made-up users.
    Seed(super::seed::Seed),
}

impl Dev {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        if let Some(Tool::Seed(seed)) = self.tool {
            return seed.run().await;
        }
        if !self.listen.ip().is_loopback() {
            bail!("dev lets anybody in: it listens on loopback only, as with --listen 127.0.0.1:8080");
        }
        let throw_away = tempfile::Builder::new().prefix("auth-server-dev-").tempdir()?;
        let folder = self.data.as_deref().unwrap_or(throw_away.path());
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;

        let seed = match &self.seed {
            Some(path) => std::io::read_to_string(open_file(path)?)
                .with_context(|| format!("{} can't be read", path.display()))?,
            None => DEMO.to_owned(),
        };
        let lines: Vec<Value> = seed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let realm = lines
            .iter()
            .find(|line| line.get("kind").and_then(Value::as_str) == Some("realm"))
            .and_then(|line| line.get("realm")?.as_str())
            .context("the seed names no realm")?
            .to_owned();

        let mut config = self.config(folder, &realm);
        logging::start(&config.log)?;
        let bound = Bound::bind(&config).await?;
        let address = *bound.addresses()?.first().context("no address")?;
        config.rocketchat.site_url = format!("http://{address}");
        let mut assembled = Assembled::open(&config).await?;
        if assembled.engine().realm_named(&realm).await.is_err() {
            let import = assembled.engine().import(seed.as_bytes(), ImportMode::Write, &mut unwatched).await;
            import.context("the seed")?;
        }
        assembled.open_protocols(&config).await?;
        let server = bound.serve(&config, assembled)?;
        if self.ready_json {
            ready(address, &lines)?;
        } else {
            introduce(address, &lines, self.seed.is_none())?;
        }
        server.run().await;
        Ok(())
    }

    fn config(&self, folder: &std::path::Path, realm: &str) -> Config {
        let mut config = Config::default();
        config.server.listen = vec![Listen::All(self.listen)];
        config.store.url = format!("sqlite:{}", folder.join("auth.db").display());
        config.keys.file = folder.join("keys.toml");
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

/// One line for programs.
fn ready(address: SocketAddr, lines: &[Value]) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    let users: Vec<&Value> = users(lines).collect();
    let mut line = json!({"ready": true, "address": address.to_string(), "users": users});
    if let Some(line) = line.as_object_mut() {
        for (_, protocol) in ProtocolName::ALL {
            line.insert(protocol.to_owned(), base.clone().into());
        }
    }
    say(line)?;
    Ok(())
}

/// A page for people.
fn introduce(address: SocketAddr, lines: &[Value], demo: bool) -> anyhow::Result<()> {
    let base = format!("http://{address}");
    say(format_args!(
        "auth-server {} is ready. Every user can use every protocol.\n",
        env!("CARGO_PKG_VERSION")
    ))?;
    for (_, protocol) in ProtocolName::ALL {
        say(format_args!("  {protocol:<12} {base}"))?;
    }
    say("\nUsers:")?;
    for user in users(lines) {
        let text = |key| user.get(key).and_then(Value::as_str).unwrap_or("-");
        say(format_args!("  {:<12} {:<20} {}", text("username"), text("email"), text("password")))?;
    }
    if demo {
        say(format_args!(
            "\nTry:\n  \
             curl -sSX POST {base}/api/v1/fetch_api_key --data-urlencode username=iago@zulip.com \
             --data-urlencode password=abcd1234\n  \
             curl {base}/api/v1/login -d \"user=myusername&password=mypassword\"\n  \
             curl -X POST -u IDENT:PASSWORD {base}/a\n"
        ))?;
    }
    Ok(())
}

fn users(lines: &[Value]) -> impl Iterator<Item = &Value> {
    lines.iter().filter(|line| line.get("kind").and_then(Value::as_str) == Some("user"))
}
