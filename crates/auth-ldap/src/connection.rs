//! A connection to one LDAP server. Every request has a time limit.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::Password;
use auth_outbound::describe_tls_failure;
use futures_util::FutureExt;
use ldap3::adapters::{Adapter, EntriesOnly};
use ldap3::controls::{Control, ControlType, PagedResults, RawControl};
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Scope, SearchOptions,
};
use rustls::ClientConfig;

use crate::entry::SearchEntry;
use crate::error::DirectoryError;
use crate::referral::Referral;
use crate::refusal::BindRefusal;
use crate::result_code::{self, INVALID_CREDENTIALS, INVALID_DN_SYNTAX, NO_SUCH_OBJECT, SUCCESS};
use crate::server::Server;

/// The size limit of a search for one entry: a second result shows that the name is ambiguous.
const ONE_ENTRY_LIMIT: i32 = 2;

/// The number of entries on a page of a list.
const PAGE_SIZE: i32 = 500;

/// The attribute that requests none (RFC 4511, section 4.5.1.8).
pub(crate) const NO_ATTRIBUTES: &str = "1.1";

/// Why a bind failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BindError {
    /// The server rejected the name or the password.
    #[error("{0}")]
    Rejected(BindRefusal),
    /// The server gave no usable answer.
    #[error(transparent)]
    Failed(#[from] DirectoryError),
}

/// Where a search begins and how deep it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SearchBase<'a> {
    /// The entry with this distinguished name and all entries below it.
    Subtree(&'a str),
    /// The entry with this distinguished name alone.
    Entry(&'a str),
}

/// The entries of a search with a limit.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) entries: Vec<SearchEntry>,
    /// Whether there are more, by the limit of the request or a lower one of the server.
    pub(crate) is_cut: bool,
}

/// A connection to an LDAP server.
pub(crate) struct Connection {
    ldap: Ldap,
    timeout: Duration,
    /// Whether the connection is bound as the service account. It isn't after a password was tried on it.
    is_service: bool,
}

impl Connection {
    /// Connects, with TLS if the server's address says so.
    pub(crate) async fn open(
        server: &Server,
        tls: &Arc<ClientConfig>,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self, DirectoryError> {
        let settings = LdapConnSettings::new()
            .set_config(Arc::clone(tls))
            .set_starttls(server.starttls)
            .set_conn_timeout(connect_timeout);
        let connecting = LdapConnAsync::with_settings(settings, &server.url);
        let (driver, ldap) =
            with_timeout(connect_timeout, connecting).await.map_err(|error| match error {
                // The only request so far.
                DirectoryError::ResultCode(code) => DirectoryError::Unreachable(format!(
                    "it refuses StartTLS with error {code} (RFC 4511, A.1)"
                )),
                error => error,
            })?;
        tokio::spawn(async move {
            // A request that waits for an answer fails as well, so the error only goes to the log here.
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "a connection to the directory has ended");
            }
        });
        Ok(Self { ldap, timeout, is_service: false })
    }

    /// Whether the connection is known to have ended.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.ldap.is_closed()
    }

    /// Whether the connection is bound as the service account.
    pub(crate) fn is_service(&self) -> bool {
        self.is_service
    }

    /// Whether the server still answers. Reads the root entry, which every server has.
    pub(crate) async fn is_alive(&mut self) -> bool {
        let request = self.ldap.search("", Scope::Base, "(objectClass=*)", [NO_ATTRIBUTES]);
        with_timeout(self.timeout, request).await.is_ok()
    }

    /// Binds as the service account. An empty name and password bind anonymously.
    pub(crate) async fn bind_service(&mut self, dn: &str, password: &Password) -> Result<(), DirectoryError> {
        self.simple_bind(dn, password).await.map_err(|error| match error {
            BindError::Rejected(refusal) => DirectoryError::ServiceAccount(refusal.in_brief()),
            BindError::Failed(error) => error,
        })?;
        self.is_service = true;
        Ok(())
    }

    /// Tries a password. An empty name or password is rejected without a request: servers take it for an anonymous
    /// bind and answer with success.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Password) -> Result<(), BindError> {
        if password.expose().is_empty() || dn.is_empty() {
            return Err(BindError::Rejected(BindRefusal::new(INVALID_CREDENTIALS, "")));
        }
        self.simple_bind(dn, password).await
    }

    async fn simple_bind(&mut self, dn: &str, password: &Password) -> Result<(), BindError> {
        self.is_service = false;
        let LdapResult { rc, text, .. } =
            with_timeout(self.timeout, self.ldap.simple_bind(dn, password.expose())).await?;
        match rc {
            SUCCESS => Ok(()),
            code if result_code::rejects_bind(code) => {
                Err(BindError::Rejected(BindRefusal::new(code, &text)))
            }
            code => Err(DirectoryError::ResultCode(code).into()),
        }
    }

    /// Searches for the one entry that matches a filter. Returns at most two entries.
    pub(crate) async fn search(
        &mut self,
        base: SearchBase<'_>,
        filter: &str,
        attributes: &[String],
    ) -> Result<Found, DirectoryError> {
        let (dn, scope) = match base {
            SearchBase::Subtree(dn) => (dn, Scope::Subtree),
            SearchBase::Entry(dn) => (dn, Scope::Base),
        };
        self.ldap.with_search_options(search_options().sizelimit(ONE_ENTRY_LIMIT));
        let found = with_timeout(self.timeout, self.ldap.search(dn, scope, filter, attributes)).await?;
        let entries = found.0.into_iter().filter_map(SearchEntry::parse).collect();
        match found.1.rc {
            SUCCESS => Ok(Found { entries, is_cut: false }),
            code if result_code::is_cut(code) => Ok(Found { entries, is_cut: true }),
            // For a single entry this means that it doesn't exist. For a subtree the configured base is wrong.
            NO_SUCH_OBJECT | INVALID_DN_SYNTAX if matches!(base, SearchBase::Entry(_)) => {
                Ok(Found { entries: Vec::new(), is_cut: false })
            }
            code => Err(DirectoryError::ResultCode(code)),
        }
    }

    /// Passes every entry that matches a filter to `each`, page by page (RFC 2696), and returns the references to other
    /// servers that came with them.
    ///
    /// # Errors
    /// [`DirectoryError::Cut`] if a limit of the server ends the list early, at whatever page, or another
    /// [`DirectoryError`].
    pub(crate) async fn list(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[String],
        each: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> Result<Vec<Referral>, DirectoryError> {
        let mut referrals = Vec::new();
        let mut cookie = Vec::new();
        loop {
            let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> = vec![Box::new(EntriesOnly::new())];
            self.ldap.with_search_options(search_options());
            self.ldap.with_controls(RawControl::from(PagedResults { size: PAGE_SIZE, cookie }));
            let search =
                self.ldap.streaming_search_with(adapters, base, Scope::Subtree, filter, attributes.to_vec());
            let mut page = with_timeout(self.timeout, search).await?;
            while let Some(item) = with_timeout(self.timeout, page.next()).await? {
                if let Some(entry) = SearchEntry::parse(item) {
                    each(entry);
                }
            }
            let done = page.finish().await;
            referrals.extend(done.refs.iter().map(|url| Referral::of(url)));
            if done.rc != SUCCESS {
                return Err(DirectoryError::of_code(done.rc));
            }
            cookie = with_timeout(self.timeout, async { Ok(next_page(&done)) }).await?;
            if cookie.is_empty() {
                return Ok(referrals);
            }
        }
    }
}

/// What the server wants to be asked for the next page by; empty if there is none.
fn next_page(done: &LdapResult) -> Vec<u8> {
    let paged = done.ctrls.iter().find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) => Some(raw.parse::<PagedResults>()),
        _ => None,
    });
    paged.map(|paged| paged.cookie).unwrap_or_default()
}

/// Aliases are not dereferenced: an alias must not let one entry log in as another.
fn search_options() -> SearchOptions {
    SearchOptions::new().deref(DerefAliases::Never)
}

/// Waits for a request's answer, at most for `timeout`. ldap3 panics on some malformed answers, so a panic counts as a
/// broken connection.
async fn with_timeout<T>(
    timeout: Duration,
    request: impl Future<Output = Result<T, LdapError>>,
) -> Result<T, DirectoryError> {
    let answer = tokio::time::timeout(timeout, AssertUnwindSafe(request).catch_unwind());
    let Ok(answer) = answer.await else { return Err(DirectoryError::Timeout) };
    let Ok(answer) = answer else {
        return Err(DirectoryError::Unreachable("its answer is malformed".to_owned()));
    };
    answer.map_err(|error| match error {
        LdapError::Timeout { .. } => DirectoryError::Timeout,
        LdapError::LdapResult { result } => DirectoryError::of_code(result.rc),
        error => DirectoryError::Unreachable(describe(&error)),
    })
}

/// Describes an error without the names and filters that ldap3 puts into its own texts.
fn describe(error: &LdapError) -> String {
    if let Some(failure) = describe_tls_failure(error) {
        return failure;
    }
    match error {
        LdapError::Io { source } => source.to_string(),
        LdapError::DNSName { .. } => "its name can't be in a certificate".to_owned(),
        LdapError::FilterParsing => "the filter can't be parsed".to_owned(),
        _ => "the connection has ended".to_owned(),
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_service", &self.is_service).finish_non_exhaustive()
    }
}
