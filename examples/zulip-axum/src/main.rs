//! Serves Zulip's login API and `/hello` at `http://127.0.0.1:8080`, with accounts in the folder `zulip-axum-data`.
#![expect(clippy::print_stdout, reason = "the output is for people")]

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use auth_engine::Config;
use auth_tower::Proxies;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let folder = Path::new("zulip-axum-data");
    std::fs::create_dir_all(folder).context("the folder can't be made")?;
    let engine = zulip_axum::open(folder, Config::default()).await?;
    // Revocations by other programs are noticed, and what has ended is deleted, for as long as this lives.
    let _maintenance = engine.spawn_maintenance();
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://127.0.0.1:8080");
    // Limits count clients by their addresses, so the service has to be told them.
    let app = zulip_axum::app(&engine, &Proxies::default());
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
