//! An auth-server that speaks GitLab's session API beside its own three protocols.
//!
//! The rules go to the server when it opens the store, since the login pipeline needs them; the protocol is mounted when
//! the engine is there to answer it.

use std::path::PathBuf;
use std::sync::Arc;

use auth_core::{Exact, ExactPoint};
use auth_server::{Assembled, Bound, config};
use clap::Parser;
use gitlab_session::{Config, EXACT_POINTS, GitLabProtocol, GitLabRules};
use tracing_subscriber::EnvFilter;

/// Serve as auth-server does, with GitLab's session API below /api/v4, until SIGTERM.
#[derive(Debug, Parser)]
#[command(after_help = "Example: gitlab-session --config auth.toml --realm main")]
struct Arguments {
    /// The configuration file of auth-server.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The realm whose users log in by GitLab's API.
    #[arg(long, value_name = "SLUG", default_value = "main")]
    realm: String,
    /// An exact point of GitLab to switch on; may be given several times.
    #[arg(long, value_name = "POINT", value_parser = exact_point)]
    exact: Vec<ExactPoint>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let server = config::Config::load(&arguments.config, &[])?;
    let gitlab = Config { exact: Exact::only(arguments.exact), ..Config::new(arguments.realm) };

    start_log(&server)?;
    let mut assembled = Assembled::open_with(&server, vec![Arc::new(GitLabRules::new(&gitlab))]).await?;
    let services = Arc::clone(assembled.engine());
    // Before the others: all of /api is Rocket.Chat's prefix.
    assembled.mount(Arc::new(GitLabProtocol::new(gitlab, services)));
    assembled.open_protocols(&server).await?;

    Bound::bind(&server).await?.serve(&server, assembled)?.run().await
}

/// Writes log lines to standard error, down to the configured level.
fn start_log(server: &config::Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&server.log.level)?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    for warning in server.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(())
}

/// The point of that name.
fn exact_point(name: &str) -> Result<ExactPoint, String> {
    let found = EXACT_POINTS.iter().find(|point| point.as_str() == name);
    found.copied().ok_or_else(|| {
        let known: Vec<&str> = EXACT_POINTS.iter().map(ExactPoint::as_str).collect();
        format!("the points are: {}", known.join(", "))
    })
}
