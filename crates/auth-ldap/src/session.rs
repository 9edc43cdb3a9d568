//! The requests of one login on one connection: bind, search for an entry, search for groups.

use auth_core::{FailureReason, Password, fold};

use crate::config::{BindMethod, DirectoryConfig};
use crate::connection::{BindError, Connection, SearchBase};
use crate::entry::SearchEntry;
use crate::error::{DirectoryError, VerifyError};
use crate::filter;
use crate::names::NameQuery;
use crate::trace::Trace;

/// A connection in use, with the configuration that its requests are made from and the trace that records them.
pub(crate) struct Session<'a> {
    pub(crate) config: &'a DirectoryConfig,
    /// The attributes that every search requests.
    pub(crate) requested: &'a [String],
    pub(crate) connection: &'a mut Connection,
    pub(crate) trace: &'a mut Trace,
}

impl Session<'_> {
    /// Binds as the service account, unless the connection already is bound so or none is configured.
    pub(crate) async fn bind_service(&mut self) -> Result<(), DirectoryError> {
        let BindMethod::ServiceAccount { dn, password } = &self.config.bind else { return Ok(()) };
        if self.connection.is_service() {
            return Ok(());
        }
        let who = || if dn.is_empty() { "anonymous".to_owned() } else { format!("the service account {dn}") };
        let bound = self.connection.bind_service(dn, password).await;
        self.trace.add(|| match &bound {
            Ok(()) => format!("bind as {}: done", who()),
            Err(error) => format!("bind as {}: {error}", who()),
        });
        bound
    }

    /// Tries a password.
    ///
    /// # Errors
    /// [`FailureReason::WrongPassword`] if the server rejects it, whatever its reason.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Password) -> Result<(), VerifyError> {
        match self.connection.bind(dn, password).await {
            Ok(()) => {
                self.trace.add(|| format!("bind as {dn}: the password is right"));
                Ok(())
            }
            Err(error @ BindError::Rejected(_)) => {
                self.trace.add(|| format!("bind as {dn}: {error}"));
                Err(VerifyError::Rejected(FailureReason::WrongPassword))
            }
            Err(BindError::Failed(error)) => Err(error.into()),
        }
    }

    /// Finds the one entry that the first successful query finds.
    ///
    /// # Errors
    /// [`FailureReason::AmbiguousEntry`] if several entries have the user name. Several entries with the same e-mail
    /// address count as none, and the next query is tried (docs/contract/zulip.md, section 7).
    pub(crate) async fn find(&mut self, queries: &[NameQuery]) -> Result<SearchEntry, VerifyError> {
        let config = self.config;
        for query in queries {
            let (attributes, typed) = attributes_of(config, query);
            let filter = filter::any_equals(&config.filter, attributes, typed);
            match self.search_one(SearchBase::Subtree(&config.base), &filter).await {
                Ok(entry) if self.has_name(&entry, query) => return Ok(entry),
                Ok(_) => self.trace.add(|| "the entry's name is spelled differently: ignored".to_owned()),
                Err(VerifyError::UnknownName) => {}
                Err(VerifyError::Rejected(_)) if matches!(query, NameQuery::Email(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(VerifyError::UnknownName)
    }

    /// Reads the entry with the distinguished name `dn`, if it matches the configured filter.
    pub(crate) async fn read(&mut self, dn: &str) -> Result<SearchEntry, VerifyError> {
        self.search_one(SearchBase::Entry(dn), filter::all(&self.config.filter)).await
    }

    async fn search_one(&mut self, base: SearchBase<'_>, filter: &str) -> Result<SearchEntry, VerifyError> {
        let mut found = self.connection.search(base, filter, self.requested).await?;
        let result = match (found.pop(), found.is_empty()) {
            (Some(entry), true) => Ok(entry),
            (Some(_), false) => Err(VerifyError::Rejected(FailureReason::AmbiguousEntry)),
            (None, _) => Err(VerifyError::UnknownName),
        };
        self.trace.add(|| {
            let base = match base {
                SearchBase::Subtree(dn) => format!("below {dn}"),
                SearchBase::Entry(dn) => format!("of {dn}"),
            };
            let found = match &result {
                Ok(entry) => format!("one entry, {}", entry.dn),
                Err(VerifyError::UnknownName) => "no entry".to_owned(),
                Err(_) => "more than one entry".to_owned(),
            };
            format!("search {base} for {filter}: {found}")
        });
        result
    }

    /// Whether an entry has the name of a query, apart from case. Servers also ignore invisible characters such as soft
    /// hyphens when they compare. Such a spelling must not log in, because the rate limits count it as another name.
    pub(crate) fn has_name(&self, entry: &SearchEntry, query: &NameQuery) -> bool {
        let (attributes, typed) = attributes_of(self.config, query);
        let folded = fold(typed);
        attributes.iter().any(|attribute| entry.texts(attribute).any(|value| fold(value.trim()) == folded))
    }

    /// Searches for the groups of an entry, if roles come from such a search. Returns their distinguished names.
    pub(crate) async fn groups_of(&mut self, entry: &SearchEntry) -> Result<Vec<String>, DirectoryError> {
        let groups = &self.config.groups;
        if groups.roles.is_empty() || groups.base.is_empty() {
            return Ok(Vec::new());
        }
        let user = entry.text(&self.config.attributes.user).unwrap_or_default();
        let filter = filter::groups(&groups.filter, &entry.dn, user);
        let found = self.connection.groups(&groups.base, &filter).await?;
        self.trace.add(|| format!("search below {} for {filter}: {} groups", groups.base, found.len()));
        Ok(found)
    }

    /// Passes every person's entry to `each`. A list that ends early is an error.
    pub(crate) async fn list(
        &mut self,
        each: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> Result<(), DirectoryError> {
        let filter = filter::all(&self.config.filter);
        self.connection.list(&self.config.base, filter, self.requested, each).await
    }
}

/// The attributes that a query searches, and the typed text that it searches for.
fn attributes_of<'a>(config: &'a DirectoryConfig, query: &'a NameQuery) -> (&'a [String], &'a str) {
    match query {
        NameQuery::Email(email) => (std::slice::from_ref(&config.attributes.email), email),
        NameQuery::Name(name) => (&config.names.search_attributes, name),
    }
}
