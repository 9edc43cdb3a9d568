//! A cluster, from its start to its end.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdin};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::programs::Programs;

/// How often a wait polls, and how many times: half a minute in all.
const POLL: Duration = Duration::from_millis(20);
const POLLS: u32 = 1500;

/// Whether a cluster survives a loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a cluster either survives or does not")]
pub enum Durability {
    /// It survives: every commit is on disk.
    Full,
    /// It does not survive, and is faster: for tests of anything else.
    None,
}

/// A running cluster. It ends, and its folder is removed, when this is dropped or when the process ends in any way.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    folder: PathBuf,
    port: u16,
    /// Ends the cluster when its standard input is closed.
    supervisor: Option<(Child, ChildStdin)>,
    databases: AtomicU32,
}

impl Cluster {
    /// Creates a cluster and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start, with what it printed.
    pub fn start(durability: Durability) -> Result<Self> {
        Self::with_settings(durability, "")
    }

    /// Creates a cluster with additional lines of `postgresql.conf` and starts it.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn with_settings(durability: Durability, lines: &str) -> Result<Self> {
        let mut cluster = Self::create()?;
        let data = cluster.data();
        cluster.programs.run(
            "initdb",
            &["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8"],
            &["-D".as_ref(), data.as_ref()],
        )?;
        let sync = if durability == Durability::Full { "on" } else { "off" };
        cluster.configure(&format!("fsync = {sync}\nfull_page_writes = {sync}\n{lines}"))?;
        cluster.restart()?;
        Ok(cluster)
    }

    /// Starts a cluster without durability that accepts only TLS on TCP, with this certificate and its key in PEM.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn with_tls(certificate: &str, key: &str) -> Result<Self> {
        let mut cluster = Self::start(Durability::None)?;
        cluster.programs.write(&cluster.data().join("server.crt"), certificate)?;
        cluster.programs.write(&cluster.data().join("server.key"), key)?;
        cluster.configure("ssl = on\n")?;
        let rules = "local all all trust\nhostssl all all all trust\n";
        fs::write(cluster.data().join("pg_hba.conf"), rules)?;
        cluster.restart()?;
        Ok(cluster)
    }

    /// The one cluster without durability that all tests of a process share.
    ///
    /// # Errors
    /// See [`Cluster::start`].
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared =
            SHARED.get_or_init(|| Self::start(Durability::None).map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts a copy of this cluster that follows it as a synchronous standby.
    ///
    /// # Errors
    /// When the cluster cannot be copied, or the copy does not start.
    pub fn standby(&self) -> Result<Self> {
        let mut standby = Self::create()?;
        let data = standby.data();
        // The primary waits for the standby of this name at every commit.
        let source = format!("host=127.0.0.1 port={} user=postgres application_name=standby", self.port);
        let fixed = ["--wal-method=stream", "--write-recovery-conf", "--checkpoint=fast"];
        let more = ["-d".as_ref(), source.as_ref(), "-D".as_ref(), data.as_ref()];
        standby.programs.run("pg_basebackup", &fixed, &more)?;
        // The copy must not wait for a standby once it is a primary itself.
        standby.configure(include_str!("../../../deploy/postgresql/standby.conf"))?;
        standby.restart()?;
        self.configure(include_str!("../../../deploy/postgresql/primary.conf"))?;
        self.programs.run("pg_ctl", &["reload", "--silent"], &["-D".as_ref(), self.data().as_ref()])?;
        self.wait_for(
            "a synchronous standby",
            "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'",
            "1",
        )?;
        Ok(standby)
    }

    /// Creates a database and returns its URL.
    ///
    /// # Errors
    /// When the database cannot be created.
    pub fn database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        // A template with connections cannot be copied, and template0 has none.
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

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Runs a statement in the database `postgres`, and returns its result as `psql` prints it without decoration.
    ///
    /// # Errors
    /// When the statement fails, with the server's message.
    pub fn sql(&self, statement: &str) -> Result<String> {
        self.sql_in("postgres", statement)
    }

    /// Runs a statement in a database, and returns its result as `psql` prints it without decoration.
    ///
    /// # Errors
    /// When the statement fails, with the server's message.
    pub fn sql_in(&self, database: &str, statement: &str) -> Result<String> {
        let port = self.port.to_string();
        let fixed = ["--username=postgres", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet"];
        // Through the Unix socket, which needs neither TLS nor a password.
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
        Ok(self.programs.run("psql", &fixed, &more.map(AsRef::as_ref))?.trim().to_owned())
    }

    /// Ends every process of the cluster by SIGKILL, as a crash does.
    ///
    /// # Errors
    /// When the cluster does not run.
    pub fn kill(&self) -> Result<()> {
        let pid = self.pid()?;
        // The child processes notice that their parent is gone, and end by themselves.
        self.programs.signal("KILL", pid)?;
        self.wait_until("the end", || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_ok()))
    }

    /// Starts the cluster again on its data, after [`Cluster::kill`] or to apply a configuration.
    ///
    /// # Errors
    /// When the cluster does not start.
    pub fn restart(&mut self) -> Result<()> {
        let keep = self.folder.join("keep");
        fs::write(&keep, "")?;
        if let Some(supervisor) = self.supervisor.take() {
            end(supervisor);
        }
        // A crash leaves this file behind.
        let _gone = fs::remove_file(self.data().join("postmaster.pid"));
        self.supervisor = Some(self.programs.supervise(&self.folder)?);
        // From now on the supervisor removes the folder at its end, should this process end first.
        fs::remove_file(keep)?;
        let ready = self.wait_until("the start", || Ok(self.sql("SELECT 1").is_ok()));
        ready.with_context(|| fs::read_to_string(self.folder.join("log")).unwrap_or_default())
    }

    /// Promotes a standby, and returns once it is a primary.
    ///
    /// # Errors
    /// When the cluster is not a standby.
    pub fn promote(&self) -> Result<()> {
        self.programs.run(
            "pg_ctl",
            &["promote", "--wait", "--silent"],
            &["-D".as_ref(), self.data().as_ref()],
        )?;
        Ok(())
    }

    /// Waits until a query returns the expected result.
    ///
    /// # Errors
    /// When it does not within half a minute; `what` names the result in the message.
    fn wait_for(&self, what: &str, query: &str, expected: &str) -> Result<()> {
        self.wait_until(what, || Ok(self.sql(query)? == expected))
    }

    fn create() -> Result<Self> {
        let programs = Programs::find()?;
        let folder = programs.create_folder()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Ok(Self { programs, folder, port, supervisor: None, databases: AtomicU32::new(0) })
    }

    /// Adds lines to the configuration. Of a setting that is there twice, PostgreSQL takes the last.
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
        let text =
            fs::read_to_string(self.data().join("postmaster.pid")).context("the cluster does not run")?;
        Ok(text.lines().next().context("an empty pid file")?.trim().parse()?)
    }

    fn wait_until(&self, what: &str, condition: impl Fn() -> Result<bool>) -> Result<()> {
        for _ in 0..POLLS {
            if condition()? {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("PostgreSQL in {}: {what} does not come within half a minute", self.folder.display())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(supervisor) = self.supervisor.take() {
            end(supervisor);
        }
        // The supervisor has removed the folder, if it could.
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// Closes the supervisor's standard input and waits for its end.
pub(crate) fn end((mut supervisor, input): (Child, ChildStdin)) {
    drop(input);
    // Fails only for a process that has been waited for.
    let _ended = supervisor.wait();
}
