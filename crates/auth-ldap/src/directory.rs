//! [`Directory`]: the backend, and the operator's views of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use auth_core::{
    Accepted, BackendAnswer, Clock, Entry, FailureReason, Identifier, InternalError, Password,
    PasswordBackend, Realm, SecretInput, VerifyRequest,
};

use crate::attributes;
use crate::carried::GroupList;
use crate::config::{BindMethod, DirectoryConfig};
use crate::entry::SearchEntry;
use crate::error::{ConfigError, DirectoryError, VerifyError};
use crate::login::Login;
use crate::pool::{Lease, Pool};
use crate::session::Session;
use crate::trace::Trace;

/// An LDAP directory as a [`PasswordBackend`]. See the [crate documentation](crate) for an example.
pub struct Directory {
    config: DirectoryConfig,
    /// The attributes that every search requests.
    requested: Vec<String>,
    pool: Pool,
    counts: Mutex<DirectoryCounts>,
}

/// What a directory answered since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryCounts {
    /// Logins and look-ups of people whom the directory accepted.
    pub accepted: u64,
    /// Those that it refused.
    pub rejected: u64,
    /// Those of names that it doesn't know.
    pub unknown: u64,
    /// Those that it could not judge, since no server of it answered.
    pub unavailable: u64,
}

/// The steps and the result of a login. Contains no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginTrace {
    /// The requests to the directory and its answers, in order, as text for the operator.
    pub steps: Vec<String>,
    /// The person, or why the directory would refuse the login. The account is not considered.
    pub result: Result<Entry, VerifyError>,
}

/// An entry of the list of all people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedEntry {
    /// The unique and unchanging identifier, as in [`Entry::id`].
    pub id: String,
    /// Whether the entry may log in to the realm: it is not disabled, and [`RealmAccess`](crate::RealmAccess) allows
    /// it.
    pub may_log_in: bool,
    /// The entries of the groups that the person is in, of those that were asked for.
    pub groups: Vec<String>,
}

impl Directory {
    /// Creates a directory. The first login makes the first connection.
    ///
    /// # Errors
    /// [`ConfigError`]: the first mistake in the configuration.
    pub fn open(mut config: DirectoryConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.validate()?;
        config.names.search_email &= !config.attributes.email.is_empty();
        let tls = auth_outbound::client_config(config.ca_certificates.as_deref())?;
        let pool = Pool::new(&config, tls, clock);
        Ok(Self { requested: attributes::requested(&config), config, pool, counts: Mutex::default() })
    }

    /// Runs a login like [`PasswordBackend::verify`] and records its steps.
    ///
    /// Without a password none is tried, and the result is that of a login with the right password. With
    /// [`BindMethod::Direct`] nothing can be searched without a password, so the result is then
    /// [`VerifyError::UnknownName`].
    pub async fn trace_login(&self, realm: &Realm, typed: &str, password: Option<&Password>) -> LoginTrace {
        let mut trace = Trace::recording();
        let result = self.log_in(Login { realm, typed, password }, &mut trace).await;
        LoginTrace { steps: trace.into_steps(), result }
    }

    /// Passes every person in the directory to `each`.
    ///
    /// # Errors
    /// A [`DirectoryError`] if the list can't be read to its end. `each` may have been called by then, but not with
    /// every entry.
    pub async fn list(
        &self,
        realm: &Realm,
        each: &mut (dyn FnMut(ListedEntry) + Send),
    ) -> Result<(), DirectoryError> {
        self.list_members(realm, &GroupList::default(), each).await
    }

    /// Does the same, and tells in which of `groups` each person is.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_members(
        &self,
        realm: &Realm,
        groups: &GroupList,
        each: &mut (dyn FnMut(ListedEntry) + Send),
    ) -> Result<(), DirectoryError> {
        let config = &self.config;
        let mut unknown = None;
        let mut each = |entry: SearchEntry| {
            let Some(id) = attributes::id(&entry, &config.attributes.id) else { return };
            let judged = config.access.allows(realm, &entry);
            match judged.and_then(|is_allowed| Ok((is_allowed, groups.of_person(config, &entry)?))) {
                Ok((is_allowed, groups)) => {
                    let may_log_in = is_allowed && !attributes::is_disabled(config, &entry);
                    each(ListedEntry { id, may_log_in, groups });
                }
                Err(error) => unknown = Some(error),
            }
        };
        let mut trace = Trace::off();
        let mut lease = self.pool.acquire(&mut trace).await?;
        let mut session = self.session(&mut lease, &mut trace);
        let result = match session.bind_service().await {
            Ok(()) => session.list(&mut each).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(()) => self.pool.release(lease),
            Err(error) => self.pool.discard(lease, error),
        }
        result.and(unknown.map_or(Ok(()), Err))
    }

    /// All groups that are carried over; `None` where none are.
    ///
    /// # Errors
    /// A [`DirectoryError`] if the list, or that of the members of a group, can't be read to its end.
    pub async fn groups(&self) -> Result<Option<GroupList>, DirectoryError> {
        if !self.config.carried.is_on() {
            return Ok(None);
        }
        let mut trace = Trace::off();
        let mut lease = self.pool.acquire(&mut trace).await?;
        let mut session = self.session(&mut lease, &mut trace);
        let result = match session.bind_service().await {
            Ok(()) => session.list_groups().await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(_) => self.pool.release(lease),
            Err(error) => self.pool.discard(lease, error),
        }
        result.map(Some)
    }

    /// Whether [`list`](Self::list) can be used: it needs a [`BindMethod::ServiceAccount`].
    #[must_use]
    pub fn can_list(&self) -> bool {
        matches!(self.config.bind, BindMethod::ServiceAccount { .. })
    }

    /// Runs a login, and starts over on another connection while servers fail.
    async fn log_in(&self, login: Login<'_>, trace: &mut Trace) -> Result<Entry, VerifyError> {
        let mut last_error = DirectoryError::NoServer;
        for _ in 0..self.pool.max_attempts() {
            let mut lease = match self.pool.acquire(trace).await {
                Ok(lease) => lease,
                // The error of the attempt before says why no server is left.
                Err(DirectoryError::NoServer) => return Err(last_error.into()),
                Err(error) => return Err(error.into()),
            };
            let result = login.run(&mut self.session(&mut lease, trace)).await;
            let Err(VerifyError::Unavailable(error)) = result else {
                self.pool.release(lease);
                return result;
            };
            self.pool.discard(lease, &error);
            if !error.is_server_failure() {
                return Err(error.into());
            }
            trace.add(|| error.to_string());
            last_error = error;
        }
        Err(last_error.into())
    }

    /// What the directory answered since the start.
    #[must_use]
    pub fn counts(&self) -> DirectoryCounts {
        *self.lock_counts()
    }

    fn lock_counts(&self) -> MutexGuard<'_, DirectoryCounts> {
        // A count is sound after a panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a login comes to, as the answer of a backend.
    async fn answer(&self, login: Login<'_>) -> BackendAnswer {
        let result = self.log_in(login, &mut Trace::off()).await;
        let mut counts = self.lock_counts();
        let (count, answer) = match result {
            Ok(person) => (&mut counts.accepted, BackendAnswer::Accept(Accepted::entry(person))),
            Err(VerifyError::Rejected(reason)) => (&mut counts.rejected, BackendAnswer::Reject(reason)),
            Err(VerifyError::UnknownName) => (&mut counts.unknown, BackendAnswer::NotMine),
            Err(VerifyError::Unavailable(error)) => {
                (&mut counts.unavailable, BackendAnswer::Unavailable(error.into()))
            }
        };
        *count += 1;
        answer
    }

    async fn has_entry(&self, id: &str) -> Result<bool, DirectoryError> {
        let mut trace = Trace::off();
        let mut lease = self.pool.acquire(&mut trace).await?;
        let mut session = self.session(&mut lease, &mut trace);
        let result = match session.bind_service().await {
            Ok(()) => session.has_entry(id).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(_) => self.pool.release(lease),
            Err(error) => self.pool.discard(lease, error),
        }
        result
    }

    fn session<'a>(&'a self, lease: &'a mut Lease, trace: &'a mut Trace) -> Session<'a> {
        let Self { config, requested, .. } = self;
        Session { config, requested, connection: &mut lease.connection, trace }
    }
}

#[async_trait]
impl PasswordBackend for Directory {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn is_directory(&self) -> bool {
        true
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        let password: &Password = match request.secret {
            SecretInput::Password(password) => password,
            // A bind needs the password itself (docs/contract/rocketchat.md, section 5).
            SecretInput::Digest(_) => return BackendAnswer::Reject(FailureReason::DigestNotAccepted),
        };
        // Servers take an empty password for an anonymous bind and answer with success (RFC 4513, section 5.1.2).
        if password.expose().is_empty() || password.is_too_long() {
            return BackendAnswer::Reject(FailureReason::WrongPassword);
        }
        let typed = match request.who {
            // The directory doesn't know the ids that protocols show to their clients, but the account does.
            Identifier::Name { typed, .. } => Some(typed.as_str()),
            _ => request.account.and_then(|account| account.user.user_name()),
        };
        let Some(typed) = typed else { return BackendAnswer::NotMine };
        self.answer(Login { realm: request.realm, typed, password: Some(password) }).await
    }

    /// With [`BindMethod::Direct`] nothing can be looked up without a password.
    async fn find_entry(&self, realm: &Realm, typed: &str) -> BackendAnswer {
        self.answer(Login { realm, typed, password: None }).await
    }

    /// Without a service account nobody can search, and every entry counts as there.
    async fn has_entry(&self, id: &str) -> Result<bool, InternalError> {
        if !self.can_list() {
            return Ok(true);
        }
        Ok(Self::has_entry(self, id).await?)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("name", &self.config.name).finish_non_exhaustive()
    }
}
