//! PostgreSQL clusters that tests start for themselves: a temporary folder, a free port on loopback, gone with the
//! process that started them.
//!
//! The server's programs are looked for where Debian's package `postgresql` puts them. They refuse to run as root:
//! for root they run as the user `postgres`. A test that finds no PostgreSQL fails and says so. This crate starts
//! and stops clusters and nothing else: no statement goes through it but those of `createdb`.
//!
//! ```
//! let cluster = test_postgres::Cluster::start(test_postgres::Durability::None)?;
//! let url = cluster.database()?;
//! assert!(url.starts_with("postgres://postgres@127.0.0.1:"));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod system;

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::system::System;

/// How often a wait looks again, and for how long altogether it does.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 1500;

/// Whether a cluster survives the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "either it does or not")]
pub enum Durability {
    /// It does: every commit is on disk.
    Full,
    /// It doesn't, and is faster: for tests of anything else.
    None,
}

/// A running cluster. It ends, and its folder goes, when this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Cluster {
    system: System,
    folder: PathBuf,
    port: u16,
    /// Ends the cluster when its standard input is closed.
    keeper: Option<(Child, ChildStdin)>,
    databases: AtomicU32,
}

impl Cluster {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When there is no PostgreSQL, or it doesn't start, with what it said.
    pub fn start(durability: Durability) -> Result<Self> {
        Self::with_settings(durability, "")
    }

    /// The same with more lines of `postgresql.conf`.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn with_settings(durability: Durability, lines: &str) -> Result<Self> {
        let mut cluster = Self::make()?;
        let data = cluster.data();
        cluster.system.run(
            "initdb",
            &["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"],
            &["-D".as_ref(), data.as_ref()],
        )?;
        let sync = if durability == Durability::Full { "on" } else { "off" };
        cluster.configure(&format!("fsync = {sync}\nfull_page_writes = {sync}\n{lines}"))?;
        cluster.go_on()?;
        Ok(cluster)
    }

    /// A cluster without durability that takes connections by TLS alone, with this certificate and its key in PEM.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn with_tls(certificate: &str, key: &str) -> Result<Self> {
        let mut cluster = Self::start(Durability::None)?;
        cluster.system.write(&cluster.data().join("server.crt"), certificate)?;
        cluster.system.write(&cluster.data().join("server.key"), key)?;
        cluster.configure("ssl = on\n")?;
        let rules = "local all all trust\nhostssl all all all trust\n";
        fs::write(cluster.data().join("pg_hba.conf"), rules)?;
        cluster.go_on()?;
        Ok(cluster)
    }

    /// The one cluster that all tests of a process share, without durability.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start(Durability::None).map_err(|why| format!("{why:#}")));
        shared.as_ref().map_err(|why| anyhow!("{why}"))
    }

    /// A copy of this cluster that follows it as a standby, which the primary waits for at every commit.
    ///
    /// # Errors
    /// When it can't be copied or doesn't start.
    pub fn standby(&self) -> Result<Self> {
        let mut standby = Self::make()?;
        let data = standby.data();
        // By this name the primary knows whom to wait for.
        let whence = format!("host=127.0.0.1 port={} user=postgres application_name=standby", self.port);
        let fixed = ["--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast"];
        let more = ["-d".as_ref(), whence.as_ref(), "-D".as_ref(), data.as_ref()];
        standby.system.run("pg_basebackup", &fixed, &more)?;
        // The copy waits for nobody once it is a primary itself.
        standby.configure("synchronous_standby_names = ''\n")?;
        standby.go_on()?;
        self.configure("synchronous_standby_names = 'standby'\nsynchronous_commit = on\n")?;
        self.system.run("pg_ctl", &["reload", "--silent"], &["-D".as_ref(), self.data().as_ref()])?;
        self.wait_for(
            "a synchronous standby",
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
            "1",
        )?;
        Ok(standby)
    }

    /// Makes a database; gives its URL.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        // From the template that nobody is ever connected to.
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        self.sql(&create)?;
        Ok(self.url(&name))
    }

    /// The URL of a database of that name.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the cluster's data are.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Has the database `postgres` do a statement; gives what it answers, as `psql` prints it without decoration.
    ///
    /// # Errors
    /// When it is refused, with what it said.
    pub fn sql(&self, statement: &str) -> Result<String> {
        self.sql_in("postgres", statement)
    }

    /// The same in a database of that name.
    ///
    /// # Errors
    /// When it is refused, with what it said.
    pub fn sql_in(&self, database: &str, statement: &str) -> Result<String> {
        let port = self.port.to_string();
        let fixed = ["--username=postgres", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet"];
        // By the socket, which asks for neither TLS nor a password.
        let socket = self.folder.display().to_string();
        let more = [
            "--host",
            &socket,
            "--port",
            &port,
            "--dbname",
            database,
            "--set=ON_ERROR_STOP=1",
            "--command",
            statement,
        ];
        Ok(self.system.run("psql", &fixed, &more.map(AsRef::as_ref))?.trim().to_owned())
    }

    /// Kills every process of the cluster (SIGKILL), as a crash does.
    ///
    /// # Errors
    /// When it was not running.
    pub fn kill(&self) -> Result<()> {
        let pid = self.pid()?;
        // The children first find out that their parent is gone and end by themselves.
        self.system.signal("KILL", pid)?;
        self.wait_until("its end", || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_ok()))
    }

    /// Starts a cluster that was killed.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn go_on(&mut self) -> Result<()> {
        let keep = self.folder.join("keep");
        fs::write(&keep, "")?;
        if let Some(keeper) = self.keeper.take() {
            end(keeper);
        }
        // A crash leaves the file behind; while its process is gone it is stale.
        let _gone = fs::remove_file(self.data().join("postmaster.pid"));
        self.keeper = Some(self.system.keep(&self.folder)?);
        // Only now may the keeper take the folder away: should this process end, nobody else would.
        fs::remove_file(keep)?;
        let ready = self.wait_until("its start", || Ok(self.sql("SELECT 1").is_ok()));
        ready.with_context(|| fs::read_to_string(self.folder.join("log")).unwrap_or_default())
    }

    /// Makes a standby a primary; returns once it is one.
    ///
    /// # Errors
    /// When it is none.
    pub fn promote(&self) -> Result<()> {
        self.system.run(
            "pg_ctl",
            &["promote", "--wait", "--silent"],
            &["-D".as_ref(), self.data().as_ref()],
        )?;
        Ok(())
    }

    /// Waits until a query answers as expected.
    ///
    /// # Errors
    /// When it doesn't within half a minute.
    pub fn wait_for(&self, what: &str, query: &str, answer: &str) -> Result<()> {
        self.wait_until(what, || Ok(self.sql(query)? == answer))
    }

    fn make() -> Result<Self> {
        let system = System::find()?;
        let folder = system.folder()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { system, folder, port, keeper: None, databases: AtomicU32::new(0) })
    }

    /// Adds lines to the configuration; later ones count.
    fn configure(&self, lines: &str) -> Result<()> {
        let file = self.data().join("postgresql.conf");
        let mut text = fs::read_to_string(&file).context("the cluster's configuration")?;
        let folder = self.folder.display();
        write!(
            text,
            "\nlisten_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{folder}'\n\
             max_connections = 200\nshared_buffers = 128MB\nwal_level = replica\n{lines}",
            self.port
        )?;
        fs::write(&file, text).context("the cluster's configuration")
    }

    fn pid(&self) -> Result<u32> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).context("it isn't running")?;
        Ok(text.lines().next().context("an empty pid file")?.trim().parse()?)
    }

    fn wait_until(&self, what: &str, is_there: impl Fn() -> Result<bool>) -> Result<()> {
        for _ in 0..LOOKS {
            if is_there()? {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
        bail!("PostgreSQL in {}: {what} doesn't come", self.folder.display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            end(keeper);
        }
        self.system.forget(&self.folder);
    }
}

/// Closes the keeper's standard input and waits for it.
fn end((mut keeper, input): (Child, ChildStdin)) {
    drop(input);
    // It can't be waited for only when it was already.
    let _ended = keeper.wait();
}

/// The path of a folder that holds clusters' folders.
fn base() -> &'static Path {
    Path::new("/tmp")
}
