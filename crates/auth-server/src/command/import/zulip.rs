//! The tables of a Zulip database, copied as CSV.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use auth_outbound::{client_config, describe_tls_failure};
use auth_store::postgres_address;
use futures_util::{StreamExt, pin_mut};
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
    let connected = config.connect(MakeRustlsConnect::new(Arc::unwrap_or_clone(client_config(None)?))).await;
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

/// The name of a table as a statement has it: in the search path, which only Zulip's own role has set for Zulip's
/// schema, or in that schema.
const TABLE: &str = "SELECT coalesce(to_regclass($1), to_regclass('zulip.' || $1))::text";

async fn copy_table(client: &Client, name: &str) -> anyhow::Result<File> {
    let found = client.query_one(TABLE, &[&name]).await.map_err(|error| plain_error(&error))?;
    let Some(table) = found.try_get::<_, Option<String>>(0)? else {
        bail!("it has no table {name}, neither in the search path nor in the schema zulip: is it a Zulip's?");
    };
    let statement = format!("COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT (FORMAT csv, HEADER)");
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
        (None, Some(cause)) => {
            anyhow::anyhow!(describe_tls_failure(error).unwrap_or_else(|| cause.to_string()))
        }
        (None, None) => anyhow::anyhow!("{error}"),
    }
}
