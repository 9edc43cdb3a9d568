//! The tables of a Zulip database, copied as CSV.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_store::postgres_address;
use futures_util::{StreamExt, pin_mut};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::SecretFile;

/// The time limit for connecting to the database.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Copies `zerver_realm` and `zerver_userprofile` of one snapshot into files without names. [`postgres_address`]
/// says when the connection uses TLS.
pub(super) async fn tables(url: &str, password_file: Option<SecretFile>) -> anyhow::Result<(File, File)> {
    let mut config =
        postgres_address(url).map_err(|error| anyhow::anyhow!("the address can't be read: {error}"))?;
    if config.get_password().is_some() {
        bail!(
            "the address holds a password, which every user of this machine can read in the list of processes: \
             leave it out, and name a file that holds it with --password-file"
        );
    }
    if let Some(file) = password_file {
        config.password(file.read_text("--password-file")?.as_bytes());
    }
    config.application_name("auth-server import").connect_timeout(CONNECT_TIMEOUT);
    let connected = config.connect(MakeRustlsConnect::new(tls()?)).await;
    let (client, connection) = connected.map_err(|error| plain_error(&error))?;
    let connection = tokio::spawn(connection);
    let tables = copy_tables(&client).await;
    drop(client);
    // The copy has reported the errors of the connection.
    let _ended = connection.await;
    tables
}

async fn copy_tables(client: &Client) -> anyhow::Result<(File, File)> {
    // One snapshot for both tables, and times in a format that can be parsed.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL datestyle = 'ISO'; \
                 SET LOCAL timezone = 'UTC'; SET LOCAL client_encoding = 'UTF8'";
    client.batch_execute(begin).await.map_err(|error| plain_error(&error))?;
    Ok((copy_table(client, "zerver_realm").await?, copy_table(client, "zerver_userprofile").await?))
}

async fn copy_table(client: &Client, name: &str) -> anyhow::Result<File> {
    let statement = format!("COPY (SELECT * FROM {name} ORDER BY id) TO STDOUT (FORMAT csv, HEADER)");
    let rows = client.copy_out(&statement).await.map_err(|error| plain_error(&error))?;
    pin_mut!(rows);
    let mut file = tempfile::tempfile().context("a temporary file can't be made")?;
    while let Some(bytes) = rows.next().await {
        file.write_all(&bytes.map_err(|error| plain_error(&error))?)
            .context("a temporary file can't be written")?;
    }
    file.rewind()?;
    Ok(file)
}

/// The message of the database server, or of the connection.
fn plain_error(error: &tokio_postgres::Error) -> anyhow::Error {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(error), _) => anyhow::anyhow!("{}", error.message()),
        (None, Some(cause)) => anyhow::anyhow!("{cause}"),
        (None, None) => anyhow::anyhow!("{error}"),
    }
}

fn tls() -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(builder) => Ok(builder.with_root_certificates(roots).with_no_client_auth()),
        Err(error) => bail!("TLS can't be used: {error}"),
    }
}
