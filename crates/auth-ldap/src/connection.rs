//! One connection to a server: every request within its time.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Password;
use futures_util::FutureExt;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchOptions,
};
use rustls::ClientConfig;

use crate::raw::RawEntry;
use crate::settings::Server;

/// How many entries a look-up asks for: one more than it can use.
const LOOKED_UP: i32 = 2;

/// How many groups of one person are read.
const GROUPS: i32 = 1000;

/// How many entries a page of a list has.
const PAGE: i32 = 500;

// Result codes (RFC 4511, appendix A.1).
const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const CONSTRAINT_VIOLATION: u32 = 19;
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_DN: u32 = 34;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;
const INSUFFICIENT_ACCESS: u32 = 50;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;
const UNWILLING: u32 = 53;

/// Answers to a bind that tell of a wrong password, or of an entry that may not log in, rather than of a server
/// that can't say. A locked or expired entry is told as one or another of them, as the server likes.
const REFUSALS: [u32; 7] = [
    CONSTRAINT_VIOLATION,
    NO_SUCH_OBJECT,
    INVALID_DN,
    INAPPROPRIATE_AUTHENTICATION,
    INVALID_CREDENTIALS,
    INSUFFICIENT_ACCESS,
    UNWILLING,
];

/// Why a server gave no answer that could be used. No name and no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No connection could be made, or it is gone.
    Gone(String),
    /// It took too long.
    Late,
    /// It answered with an error of its own.
    Refused(u32),
    /// The service account's name or password is wrong.
    ServiceAccount(u32),
    /// No server is there; it was tried a moment ago.
    Down,
    /// No connection was free in time.
    Busy,
}

impl Trouble {
    /// Whether another server may do better. What a server refuses for the request's own sake, or the operator's
    /// mistake, any of them does.
    pub(crate) fn is_the_servers(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::Late | Self::Refused(BUSY | UNAVAILABLE))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(why) => write!(f, "the directory can't be reached: {why}"),
            Self::Late => f.write_str("the directory didn't answer in time"),
            Self::Refused(code) => write!(f, "the directory answered with error {code} (RFC 4511, A.1)"),
            Self::ServiceAccount(code) => {
                write!(f, "the directory refused the service account with error {code} (RFC 4511, A.1)")
            }
            Self::Down => f.write_str("no server of the directory could be reached a moment ago"),
            Self::Busy => f.write_str("all connections to the directory are in use"),
        }
    }
}

impl std::error::Error for Trouble {}

/// What an answer to a bind says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The password is right.
    Right,
    /// It is wrong, or may not be used: the code is for the operator.
    Refused(u32),
}

/// Where a search begins and how deep it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Below<'a> {
    /// Everything below.
    Tree(&'a str),
    /// The entry itself.
    Itself(&'a str),
}

/// A connection to a server.
pub(crate) struct Connection {
    ldap: Ldap,
    timeout: Duration,
    /// Whether it searches as whoever searches, not as somebody whose password was tried on it.
    pub(crate) as_service: bool,
}

impl Connection {
    /// Connects, with TLS where the server is so written.
    pub(crate) async fn open(
        server: &Server,
        tls: &Arc<ClientConfig>,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self, Trouble> {
        let settings = LdapConnSettings::new()
            .set_config(Arc::clone(tls))
            .set_starttls(server.starttls)
            .set_conn_timeout(connect_timeout);
        let connecting = LdapConnAsync::with_settings(settings, &server.url);
        let (driver, ldap) = within(connect_timeout, connecting).await?;
        tokio::spawn(async move {
            // Whoever waits for an answer learns of the end.
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "a connection to the directory has ended");
            }
        });
        Ok(Self { ldap, timeout, as_service: false })
    }

    /// Whether its end is known already.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Whether the server still answers: reads what every server tells of itself.
    pub(crate) async fn answers(&mut self, timeout: Duration) -> bool {
        let asked = self.ldap.search("", Scope::Base, "(objectClass=*)", ["1.1"]);
        within(timeout, asked).await.is_ok()
    }

    /// Binds as whoever searches.
    pub(crate) async fn bind_service(&mut self, dn: &str, password: &Password) -> Result<(), Trouble> {
        let LdapResult { rc, .. } =
            within(self.timeout, self.ldap.simple_bind(dn, password.expose())).await?;
        self.as_service = rc == SUCCESS;
        match rc {
            SUCCESS => Ok(()),
            code if REFUSALS.contains(&code) => Err(Trouble::ServiceAccount(code)),
            code => Err(Trouble::Refused(code)),
        }
    }

    /// Tries a password. An empty one is never sent: servers take it for no log-in at all, and say that it worked.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Password) -> Result<Bound, Trouble> {
        if password.expose().is_empty() || dn.is_empty() {
            return Ok(Bound::Refused(INVALID_CREDENTIALS));
        }
        self.as_service = false;
        let LdapResult { rc, .. } =
            within(self.timeout, self.ldap.simple_bind(dn, password.expose())).await?;
        match rc {
            SUCCESS => Ok(Bound::Right),
            code if REFUSALS.contains(&code) => Ok(Bound::Refused(code)),
            code => Err(Trouble::Refused(code)),
        }
    }

    /// Up to two entries that fit a filter: whoever gets two knows that it is not one.
    pub(crate) async fn look_up(
        &mut self,
        below: Below<'_>,
        filter: &str,
        attributes: &[String],
    ) -> Result<Vec<RawEntry>, Trouble> {
        self.search(below, filter, attributes, LOOKED_UP).await
    }

    /// The names of groups that fit a filter.
    pub(crate) async fn groups(&mut self, base: &str, filter: &str) -> Result<Vec<String>, Trouble> {
        // Names alone, no attributes (RFC 4511 4.5.1.8).
        let found = self.search(Below::Tree(base), filter, &["1.1".to_owned()], GROUPS).await?;
        Ok(found.into_iter().map(|entry| entry.dn).collect())
    }

    async fn search(
        &mut self,
        below: Below<'_>,
        filter: &str,
        attributes: &[String],
        limit: i32,
    ) -> Result<Vec<RawEntry>, Trouble> {
        let (base, scope) = match below {
            Below::Tree(base) => (base, Scope::Subtree),
            Below::Itself(dn) => (dn, Scope::Base),
        };
        self.ldap.with_search_options(options().sizelimit(limit));
        let found = within(self.timeout, self.ldap.search(base, scope, filter, attributes)).await?;
        match found.1.rc {
            SUCCESS | SIZE_LIMIT_EXCEEDED => Ok(found.0.into_iter().filter_map(RawEntry::of).collect()),
            // The entry itself is what was looked for.
            NO_SUCH_OBJECT if matches!(below, Below::Itself(_)) => Ok(Vec::new()),
            code => Err(Trouble::Refused(code)),
        }
    }

    /// Hands every entry that fits a filter to `each`, page by page. Nothing less than all of them is a success.
    pub(crate) async fn list(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[String],
        each: &mut (dyn FnMut(RawEntry) + Send),
    ) -> Result<(), Trouble> {
        let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        self.ldap.with_search_options(options());
        let begun =
            self.ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes.to_vec());
        let mut stream = within(self.timeout, begun).await?;
        while let Some(item) = within(self.timeout, stream.next()).await? {
            if let Some(entry) = RawEntry::of(item) {
                each(entry);
            }
        }
        match stream.finish().await.rc {
            SUCCESS => Ok(()),
            code => Err(Trouble::Refused(code)),
        }
    }
}

/// Aliases stay what they are: no entry is anybody else's.
fn options() -> SearchOptions {
    SearchOptions::new().deref(DerefAliases::Never)
}

/// The answer to a request, within its time. The library takes answers apart that no server should send by
/// panicking: that too is trouble with the server.
async fn within<T>(
    timeout: Duration,
    asked: impl Future<Output = Result<T, LdapError>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(timeout, AssertUnwindSafe(asked).catch_unwind()).await {
        Err(_) => Err(Trouble::Late),
        Ok(Err(_)) => Err(Trouble::Gone("its answer makes no sense".to_owned())),
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(LdapError::Timeout { .. }))) => Err(Trouble::Late),
        Ok(Ok(Err(LdapError::LdapResult { result }))) => Err(Trouble::Refused(result.rc)),
        Ok(Ok(Err(error))) => Err(Trouble::Gone(plain(&error))),
    }
}

/// Why, in words that name no user.
fn plain(error: &LdapError) -> String {
    match error {
        LdapError::Io { source } => source.to_string(),
        LdapError::Rustls { source } => source.to_string(),
        LdapError::DNSName { .. } => "its name is none that a certificate can have".to_owned(),
        LdapError::FilterParsing => "the filter can't be read".to_owned(),
        _ => "the connection has ended".to_owned(),
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("as_service", &self.as_service).finish_non_exhaustive()
    }
}
