//! A real directory server for one test: OpenLDAP's slapd with the entries of `data/directory.ldif`.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::certificates::{write_certificates, write_self_signed};
use crate::process::{Process, free_address, run};

/// The entries that the directory starts with.
const ENTRIES: &str = include_str!("../data/directory.ldif");

/// The base DN of the people in the directory.
pub const BASE: &str = "ou=people,dc=example,dc=org";

/// DN and password of an account that may search.
pub const SERVICE: (&str, &str) = ("cn=auth,dc=example,dc=org", "service-pass");

/// DN and password of an account that may do everything.
const ADMIN: (&str, &str) = ("cn=admin,dc=example,dc=org", "admin-pass");

/// The configuration: attributes that access rules read, a flag for deactivated people, and the attributes and classes
/// of Active Directory.
const CONFIGURATION: &str = "
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.55555.1 NAME 'department' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.2 NAME 'test1' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.3 NAME 'test2' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.4 NAME 'deactivated' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.5 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )
objectclass ( 1.3.6.1.4.1.55555.9 NAME 'testPerson' AUXILIARY MAY ( department $ test1 $ test2 $ deactivated $ userAccountControl ) )
attributetype ( 1.3.6.1.4.1.55555.6 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.7 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.8 NAME 'objectCategory' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.55555.10 NAME 'objectGUID' EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
attributetype ( 1.3.6.1.4.1.55555.11 NAME 'memberOf' EQUALITY distinguishedNameMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.3.6.1.4.1.55555.12 NAME 'user' AUXILIARY MAY ( sAMAccountName $ userPrincipalName $ objectCategory $ objectGUID $ memberOf $ userAccountControl $ displayName $ mail ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile @DIR@/slapd.pid
TLSCACertificateFile @DIR@/ca.pem
TLSCertificateFile @DIR@/server.pem
TLSCertificateKeyFile @DIR@/server.key
allow bind_anon_cred
database mdb
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw admin-pass
directory @DIR@/data
maxsize 67108864
dbnosync
limits dn.exact=cn=auth,dc=example,dc=org size.prtotal=unlimited
index objectClass,uid,mail,entryUUID eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
";

/// A running directory server. It is ended when this is dropped.
#[derive(Debug)]
pub struct Slapd {
    dir: TempDir,
    plain: SocketAddr,
    tls: SocketAddr,
    process: Option<Process>,
}

impl Slapd {
    /// Makes certificates and data, and starts the server. It accepts a bind with an empty password (an anonymous one),
    /// as many directories do by default or by mistake.
    ///
    /// # Errors
    /// When slapd is not installed or does not listen, with what it printed.
    pub fn start() -> Result<Self> {
        Self::with_certificates(write_certificates)
    }

    /// Starts the server with a certificate that signs itself, made by `openssl req -x509`.
    ///
    /// # Errors
    /// See [`Slapd::start`].
    pub fn self_signed() -> Result<Self> {
        Self::with_certificates(write_self_signed)
    }

    fn with_certificates(write: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slapd-").tempdir()?;
        let at = |name: &str| dir.path().join(name);
        write(dir.path())?;
        fs::create_dir(at("data"))?;
        fs::write(at("slapd.conf"), CONFIGURATION.replace("@DIR@", &dir.path().to_string_lossy()))?;
        let done = run(Command::new(program("slapadd")).arg("-q").arg("-f").arg(at("slapd.conf")), ENTRIES)
            .context("running slapadd: cargo xtask test installs slapd")?;
        ensure!(done.status.success(), "slapadd: {}", String::from_utf8_lossy(&done.stderr));
        let mut slapd = Self { plain: free_address()?, tls: free_address()?, process: None, dir };
        slapd.resume()?;
        Ok(slapd)
    }

    /// Starts the server again, on the same addresses with the same data.
    ///
    /// # Errors
    /// See [`Slapd::start`].
    pub fn resume(&mut self) -> Result<()> {
        let log = self.dir.path().join("log");
        let mut command = Command::new(program("slapd"));
        command
            // In the foreground, and silent.
            .args(["-d", "0", "-h", &format!("ldap://{}/ ldaps://{}/", self.plain, self.tls), "-f"])
            .arg(self.dir.path().join("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&log)?);
        let mut process = Process::spawn(&mut command).context("cargo xtask test installs slapd")?;
        process.wait_until_listening(self.plain, &log)?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills the server, as a failing machine does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops the process (`true`) or lets it continue. While it is stopped, connections stay open and nothing is
    /// answered.
    ///
    /// # Errors
    /// When the server is not running.
    pub fn hang(&self, hangs: bool) -> Result<()> {
        let process = self.process.as_ref().context("slapd is not running")?;
        process.signal(if hangs { "STOP" } else { "CONT" })?;
        if hangs { process.wait_until_stopped() } else { Ok(()) }
    }

    /// The address for plain connections and StartTLS.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.plain
    }

    /// The address for connections that begin with TLS.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.tls
    }

    /// The file with the certificate of the authority that signed the server's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Changes entries, by LDIF in the form that `ldapmodify` takes.
    ///
    /// # Errors
    /// When the directory refuses the changes.
    pub fn modify(&self, changes: &str) -> Result<()> {
        let url = format!("ldap://{}", self.plain);
        let (dn, password) = ADMIN;
        let mut command = Command::new("ldapmodify");
        command.args(["-x", "-H", &url, "-D", dn, "-w", password]).env("LDAPNOINIT", "1");
        let done = run(&mut command, changes).context("cargo xtask test installs ldap-utils")?;
        ensure!(done.status.success(), "ldapmodify: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}

/// The path of one of slapd's programs, which Debian installs where the path of an ordinary user does not lead.
fn program(name: &str) -> PathBuf {
    let path = Path::new("/usr/sbin").join(name);
    if path.exists() { path } else { name.into() }
}
