//! Logs in with a name and a password: `http-backend SERVICE NAME PASSWORD`, with accounts in the folder
//! `http-backend-data`.
#![expect(clippy::print_stdout, reason = "the output is for people")]

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Context as _;
use auth_core::Peer;
use auth_engine::{Config, LoginOutcome};
use http_backend::{REALM, open};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: http-backend SERVICE NAME PASSWORD");
    let (service, name, password) = (next()?, next()?, next()?);
    let folder = Path::new("http-backend-data");
    std::fs::create_dir_all(folder).context("the folder can't be made")?;
    let engine = open(folder, service.parse().context("no address")?, Config::default()).await?;
    let peer = Peer::new(Ipv4Addr::LOCALHOST.into());
    match engine.log_in_with_password(REALM, &name, &password, &peer).await?.released().await {
        LoginOutcome::SignedIn(login) => println!("logged in as {}", login.profile.user.full_name),
        LoginOutcome::WrongCredentials => println!("wrong name or password"),
        other => println!("{other:?}"),
    }
    Ok(())
}
