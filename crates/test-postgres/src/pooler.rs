//! PgBouncer before a cluster.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, end};
use crate::programs::Programs;

/// Where Debian's package installs it.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// How often a wait polls, and how many times: half a minute in all.
const POLL: Duration = Duration::from_millis(20);
const POLLS: u32 = 1500;

/// How long a client of the pooler keeps a connection of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "PgBouncer has these three")]
pub enum PoolMode {
    /// Until it disconnects.
    Session,
    /// Until its transaction ends.
    Transaction,
    /// Until its statement ends. There are no transactions.
    Statement,
}

impl fmt::Display for PoolMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        })
    }
}

/// A running PgBouncer. It ends, and its folder is removed, when this is dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    supervisor: Option<(Child, ChildStdin)>,
}

impl Pooler {
    /// Starts PgBouncer before a cluster, for which it opens at most `connections` connections to each database.
    ///
    /// # Errors
    /// When PgBouncer is not installed or does not start, with what it printed.
    pub fn start(cluster: &Cluster, mode: PoolMode, connections: u32) -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.create_folder()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let file = folder.join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n\
             default_pool_size = {connections}\n",
            cluster.port()
        );
        programs.write(&file, &settings)?;
        let supervisor =
            programs.supervise_command(&folder, "TERM", &[PROGRAM.as_ref(), file.as_ref()]).map(Some)?;
        let pooler = Self { port, supervisor };
        pooler.wait(folder)?;
        Ok(pooler)
    }

    /// The URL by which a database is reached through the pooler, made from the database's own.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let name = database.rsplit('/').next().unwrap_or_default();
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Whether the installed version keeps the prepared statements of clients apart in transaction mode: from 1.21 on.
    ///
    /// # Errors
    /// When PgBouncer is not installed, or doesn't say its version.
    pub fn knows_prepared_statements() -> Result<bool> {
        let output = Command::new(PROGRAM).arg("--version").output().context(MISSING)?;
        let text = String::from_utf8(output.stdout)?;
        let version = text.split_whitespace().nth(1).context("no version")?;
        let mut numbers = version.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            bail!("a version {version}");
        };
        Ok((major, minor) >= (1, 21))
    }

    fn wait(&self, folder: PathBuf) -> Result<()> {
        for _ in 0..POLLS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("{MISSING}: {}", fs::read_to_string(folder.join("log")).unwrap_or_default())
    }
}

/// What is wrong when PgBouncer does not start.
const MISSING: &str = "PgBouncer does not start: is Debian's package pgbouncer installed?";

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            end(supervisor);
        }
    }
}
