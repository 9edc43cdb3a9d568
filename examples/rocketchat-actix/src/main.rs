//! Serves Rocket.Chat's login API at `http://127.0.0.1:3000`, with accounts in the folder `rocketchat-actix-data`.
#![expect(clippy::print_stdout, reason = "the output is for people")]

use std::path::Path;
use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};
use anyhow::Context as _;
use auth_core::SystemClock;
use auth_engine::{AccountError, Engine, NewAccount};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use auth_store::Sqlite;
use auth_tower::Proxies;
use rocketchat_actix::{Login, answer};

fn main() -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let folder = Path::new("rocketchat-actix-data");
    std::fs::create_dir_all(folder).context("the folder can't be made")?;
    let store = Sqlite::open(&folder.join("accounts.db"))?;
    let engine = Arc::new(Engine::builder(Arc::new(store)).key_file(folder.join("keys.toml")).open().await?);
    engine.ensure_realm("chat").await?;
    match engine.create_account("chat", &NewAccount::new("ada", "correct-horse-battery-9876")).await {
        Ok(_) | Err(AccountError::Taken) => {}
        Err(error) => return Err(error.into()),
    }
    let _maintenance = engine.spawn_maintenance();

    let site = "http://127.0.0.1:3000";
    let protocol = RocketChatProtocol::new(Config::new("chat", site), engine);
    let login = Data::new(Login {
        protocol: Arc::new(protocol),
        clock: Arc::new(SystemClock),
        proxies: Proxies::default(),
    });
    println!("{site}: log in as ada with correct-horse-battery-9876");
    let app = move || App::new().app_data(login.clone()).default_service(web::to(answer));
    Ok(HttpServer::new(app).bind("127.0.0.1:3000")?.run().await?)
}
