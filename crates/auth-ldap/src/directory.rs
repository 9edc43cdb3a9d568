//! A log-in at a directory: find the one entry, bind as it, read what it says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Accepted, BackendAnswer, Clock, Entry, FailureReason, Identifier, InternalError, Password,
    PasswordBackend, Realm, SecretInput, VerifyRequest, fold,
};

use crate::connection::{Below, Bound, Connection, Trouble};
use crate::facts;
use crate::filter;
use crate::journal::Journal;
use crate::names::{self, Reading};
use crate::pool::Pool;
use crate::raw::RawEntry;
use crate::settings::{Bind, Settings, SettingsError};
use crate::tls;

/// How soon to try again where all connections are in use.
const BUSY: Duration = Duration::from_secs(1);

/// A directory: see the crate's front page.
pub struct Directory {
    settings: Settings,
    wanted: Vec<String>,
    pool: Pool,
}

/// What was asked of a directory and answered, step by step, with no secret in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explained {
    /// The steps.
    pub steps: Vec<String>,
    /// The person that was found.
    pub entry: Option<Entry>,
    /// Why there would be no log-in, whatever the account says; `None` where there would be one.
    pub refused: Option<String>,
}

/// A person of a directory's list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// What never changes and is nobody else's: see [`Entry::id`].
    pub id: String,
    /// Whether it may log in to the realm: it is not disabled, and the realm is open to it.
    pub may_log_in: bool,
}

/// What became of a name and a password.
enum Verdict {
    /// No entry goes by the name.
    Nobody,
    /// The entry's password is right, where one was given, and it may log in.
    Somebody(Entry),
    /// An entry goes by the name, but there is no log-in.
    Refused(FailureReason, Option<Entry>),
}

/// What a search for a name found.
enum Found {
    Nobody,
    Several,
    One(RawEntry),
}

impl Directory {
    /// Checks the settings. No connection is made before the first log-in.
    ///
    /// # Errors
    /// [`SettingsError`]: the first thing that is wrong.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut settings = settings;
        settings.naming.by_email &= !settings.attributes.email.is_empty();
        let tls = tls::config(settings.authorities.as_deref())?;
        let times = [settings.connect_timeout, settings.timeout];
        let pool = Pool::new(settings.servers.clone(), tls, settings.connections, times, clock);
        Ok(Self { wanted: facts::wanted(&settings), settings, pool })
    }

    /// Shows what a log-in does. Without a password none is tried.
    pub async fn explain(&self, realm: &Realm, typed: &str, password: Option<&Password>) -> Explained {
        let mut journal = Journal::kept();
        let verdict = self.judge(realm, typed, password, &mut journal).await;
        let (entry, refused) = match verdict {
            Ok(Verdict::Somebody(entry)) => (Some(entry), None),
            Ok(Verdict::Nobody) => (None, Some("no entry goes by that name".to_owned())),
            Ok(Verdict::Refused(cause, entry)) => (entry, Some(cause.as_str().to_owned())),
            Err(trouble) => (None, Some(trouble.to_string())),
        };
        Explained { steps: journal.into_lines(), entry, refused }
    }

    /// Hands everybody in the directory to `each`: all of them, or there is an error.
    ///
    /// # Errors
    /// A [`InternalError`] when the list can't be read to its end. Some may have been handed over then.
    pub async fn list(
        &self,
        realm: &Realm,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), InternalError> {
        let settings = &self.settings;
        let mut listed = |raw: RawEntry| {
            if let Some(id) = facts::id(&raw, &settings.attributes.id) {
                let may_log_in = !facts::is_disabled(settings, &raw) && settings.access.allows(realm, &raw);
                each(Listed { id, may_log_in });
            }
        };
        let mut lease = self.pool.lease(&mut Journal::default()).await.map_err(fault)?;
        let connection = &mut lease.connection;
        let done = async {
            self.as_service(connection, &mut Journal::default()).await?;
            let everybody = filter::everybody(&settings.filter);
            connection.list(&settings.base, everybody, &self.wanted, &mut listed).await
        };
        let done = done.await;
        self.settle(lease, &done);
        done.map_err(fault)
    }

    /// Whether the list can be read: it takes somebody who may read it.
    #[must_use]
    pub fn can_list(&self) -> bool {
        matches!(self.settings.bind, Bind::Service { .. })
    }

    /// Judges on one server after the other, as long as they fail.
    async fn judge(
        &self,
        realm: &Realm,
        typed: &str,
        password: Option<&Password>,
        journal: &mut Journal,
    ) -> Result<Verdict, Trouble> {
        let mut last = Trouble::Down;
        for _ in 0..self.pool.tries() {
            let mut lease = self.pool.lease(journal).await.map_err(|trouble| match trouble {
                // Why is what the server said before.
                Trouble::Down if last != Trouble::Down => last.clone(),
                other => other,
            })?;
            let judged = self.ask(&mut lease.connection, realm, typed, password, journal).await;
            self.settle(lease, &judged);
            match judged {
                Err(trouble) if trouble.is_the_servers() => {
                    journal.note(|| trouble.to_string());
                    last = trouble;
                }
                judged => return judged,
            }
        }
        Err(last)
    }

    fn settle<T>(&self, lease: crate::pool::Lease, done: &Result<T, Trouble>) {
        match done {
            Ok(_) => self.pool.give_back(lease),
            Err(trouble) => self.pool.give_up(lease, trouble),
        }
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        realm: &Realm,
        typed: &str,
        password: Option<&Password>,
        journal: &mut Journal,
    ) -> Result<Verdict, Trouble> {
        match &self.settings.bind {
            Bind::Service { .. } => self.search_then_bind(connection, realm, typed, password, journal).await,
            Bind::Direct { template } => {
                self.bind_then_read(connection, realm, typed, (template, password), journal).await
            }
        }
    }

    async fn search_then_bind(
        &self,
        connection: &mut Connection,
        realm: &Realm,
        typed: &str,
        password: Option<&Password>,
        journal: &mut Journal,
    ) -> Result<Verdict, Trouble> {
        let readings = names::readings(&self.settings.naming, typed);
        if readings.is_empty() {
            journal.note(|| "the name can't be anybody's here: it is empty, or of another domain".to_owned());
            return Ok(Verdict::Nobody);
        }
        self.as_service(connection, journal).await?;
        let raw = match self.find(connection, &readings, journal).await? {
            Found::Nobody => return Ok(Verdict::Nobody),
            Found::Several => return Ok(Verdict::Refused(FailureReason::AmbiguousEntry, None)),
            Found::One(raw) => raw,
        };
        let groups = self.groups_of(connection, &raw, journal).await?;
        if let Some(password) = password {
            match connection.bind(&raw.dn, password).await? {
                Bound::Right => journal.note(|| format!("bind as {}: the password is right", raw.dn)),
                Bound::Refused(code) => {
                    journal.note(|| format!("bind as {}: refused with code {code} (RFC 4511, A.1)", raw.dn));
                    return Ok(Verdict::Refused(FailureReason::WrongPassword, None));
                }
            }
        }
        Ok(self.admit(realm, &raw, &groups, journal))
    }

    async fn bind_then_read(
        &self,
        connection: &mut Connection,
        realm: &Realm,
        typed: &str,
        (template, password): (&str, Option<&Password>),
        journal: &mut Journal,
    ) -> Result<Verdict, Trouble> {
        let readings = names::readings(&self.settings.naming, typed);
        // A name is all that a template can take; addresses are looked for nowhere before somebody is bound.
        let Some(name) = readings.iter().find_map(|reading| match reading {
            Reading::Name(name) => Some(name),
            Reading::Email(_) => None,
        }) else {
            journal.note(|| "the name can't be anybody's here: it is empty, or of another domain".to_owned());
            return Ok(Verdict::Nobody);
        };
        let Some(bind_name) = filter::bind_name(template, name) else {
            journal.note(|| "the name has letters that a log-in name can't have".to_owned());
            return Ok(Verdict::Nobody);
        };
        let Some(password) = password else {
            journal.note(|| format!("bind as {bind_name}: not tried without a password"));
            return Ok(Verdict::Nobody);
        };
        if let Bound::Refused(code) = connection.bind(&bind_name, password).await? {
            journal.note(|| format!("bind as {bind_name}: refused with code {code} (RFC 4511, A.1)"));
            return Ok(Verdict::Refused(FailureReason::WrongPassword, None));
        }
        journal.note(|| format!("bind as {bind_name}: the password is right"));
        let found = if filter::is_dn(template) {
            let below = Below::Itself(&bind_name);
            let filter = filter::everybody(&self.settings.filter);
            self.look_up(connection, below, filter, journal).await?
        } else {
            self.find(connection, &[Reading::Name(name.clone())], journal).await?
        };
        let raw = match found {
            Found::One(raw) if self.goes_by(&raw, &Reading::Name(name.clone())) => raw,
            Found::Several => return Ok(Verdict::Refused(FailureReason::AmbiguousEntry, None)),
            // Not below the base, not what the filter asks for, or not readable to itself.
            Found::Nobody | Found::One(_) => {
                return Ok(Verdict::Refused(FailureReason::EntryIncomplete, None));
            }
        };
        let groups = self.groups_of(connection, &raw, journal).await?;
        Ok(self.admit(realm, &raw, &groups, journal))
    }

    /// What the entry itself says of a log-in with the right password.
    fn admit(&self, realm: &Realm, raw: &RawEntry, groups: &[String], journal: &mut Journal) -> Verdict {
        let entry = match facts::person(&self.settings, raw, groups) {
            Ok(entry) => entry,
            Err(cause) => {
                journal.note(|| format!("the entry has no {}", self.settings.attributes.id));
                return Verdict::Refused(cause, None);
            }
        };
        journal.note(|| {
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
            format!(
                "the entry says: id {}, user name {}, e-mail {}, full name {}, role {}",
                entry.id,
                shown(&entry.user_name),
                shown(&entry.email),
                shown(&entry.full_name),
                entry.role.map_or_else(|| "–".to_owned(), |role| format!("{role:?}").to_lowercase()),
            )
        });
        let is_disabled = facts::is_disabled(&self.settings, raw);
        journal.note(|| format!("disabled: {}", if is_disabled { "yes" } else { "no" }));
        if is_disabled {
            return Verdict::Refused(FailureReason::EntryDisabled, Some(entry));
        }
        let is_allowed = self.settings.access.allows(realm, raw);
        journal.note(|| {
            format!("realm {}: {}", realm.slug, if is_allowed { "open to it" } else { "closed to it" })
        });
        if is_allowed {
            Verdict::Somebody(entry)
        } else {
            Verdict::Refused(FailureReason::EntryNotAllowed, Some(entry))
        }
    }

    /// Binds as whoever searches, where the connection isn't bound so already.
    async fn as_service(&self, connection: &mut Connection, journal: &mut Journal) -> Result<(), Trouble> {
        let Bind::Service { dn, password } = &self.settings.bind else { return Ok(()) };
        if connection.as_service {
            return Ok(());
        }
        let shown = || if dn.is_empty() { "nobody".to_owned() } else { format!("the service account {dn}") };
        connection.bind_service(dn, password).await.inspect_err(|trouble| {
            journal.note(|| format!("bind as {}: {trouble}", shown()));
        })?;
        journal.note(|| format!("bind as {}: done", shown()));
        Ok(())
    }

    /// The one entry that a reading of the name finds. Several addresses alike are none, as zulip.md 7 has it;
    /// several names alike are a refusal.
    async fn find(
        &self,
        connection: &mut Connection,
        readings: &[Reading],
        journal: &mut Journal,
    ) -> Result<Found, Trouble> {
        let settings = &self.settings;
        for reading in readings {
            let filter = match reading {
                Reading::Email(email) => filter::any_equals(
                    &settings.filter,
                    std::slice::from_ref(&settings.attributes.email),
                    email,
                ),
                Reading::Name(name) => filter::any_equals(&settings.filter, &settings.naming.search, name),
            };
            let found = self.look_up(connection, Below::Tree(&settings.base), &filter, journal).await?;
            match (reading, found) {
                (_, Found::One(raw)) => {
                    if self.goes_by(&raw, reading) {
                        return Ok(Found::One(raw));
                    }
                    journal.note(|| "the entry is spelled otherwise: it counts as none".to_owned());
                }
                (Reading::Name(_), Found::Several) => return Ok(Found::Several),
                _ => {}
            }
        }
        Ok(Found::Nobody)
    }

    async fn look_up(
        &self,
        connection: &mut Connection,
        below: Below<'_>,
        filter: &str,
        journal: &mut Journal,
    ) -> Result<Found, Trouble> {
        let mut found = connection.look_up(below, filter, &self.wanted).await?;
        let (count, first) = (found.len(), found.pop());
        journal.note(|| {
            let base = match below {
                Below::Tree(base) => format!("below {base}"),
                Below::Itself(dn) => format!("of {dn}"),
            };
            let which = match (&first, count) {
                (Some(raw), 1) => format!("one entry, {}", raw.dn),
                (None, _) => "no entry".to_owned(),
                _ => "more than one entry".to_owned(),
            };
            format!("search {base} for {filter}: {which}")
        });
        Ok(match (first, count) {
            (Some(raw), 1) => Found::One(raw),
            (None, _) => Found::Nobody,
            _ => Found::Several,
        })
    }

    /// Whether an entry has the name that was typed, case aside. Directories also overlook what isn't seen, such as
    /// soft hyphens: each spelling would be counted on its own by the limits.
    fn goes_by(&self, raw: &RawEntry, reading: &Reading) -> bool {
        let (attributes, typed) = match reading {
            Reading::Email(email) => (std::slice::from_ref(&self.settings.attributes.email), email),
            Reading::Name(name) => (self.settings.naming.search.as_slice(), name),
        };
        let folded = fold(typed);
        attributes.iter().any(|attribute| raw.texts(attribute).any(|value| fold(value.trim()) == folded))
    }

    /// The names of a person's groups, where they are searched for.
    async fn groups_of(
        &self,
        connection: &mut Connection,
        raw: &RawEntry,
        journal: &mut Journal,
    ) -> Result<Vec<String>, Trouble> {
        let groups = &self.settings.groups;
        if groups.roles.is_empty() || groups.base.is_empty() {
            return Ok(Vec::new());
        }
        let user = raw.text(&self.settings.attributes.user).unwrap_or_default();
        let filter = filter::groups(&groups.filter, &raw.dn, user);
        let found = connection.groups(&groups.base, &filter).await?;
        journal.note(|| format!("search below {} for {filter}: {} groups", groups.base, found.len()));
        Ok(found)
    }
}

#[async_trait]
impl PasswordBackend for Directory {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn verify(&self, question: &VerifyRequest<'_>) -> BackendAnswer {
        let password = match question.secret {
            SecretInput::Password(password) => password,
            // Nobody can bind with it (rocketchat.md 5).
            SecretInput::Digest(_) => return BackendAnswer::Reject(FailureReason::DigestNotAccepted),
        };
        // Servers take an empty password for no log-in at all, and say that it worked (RFC 4513 5.1.2).
        if password.expose().is_empty() || password.is_too_long() {
            return BackendAnswer::Reject(FailureReason::WrongPassword);
        }
        let typed = match question.who {
            // A directory knows nothing of ids that protocols show.
            Identifier::ExternalId(_) => question.account.and_then(|account| account.user.user_name()),
            who => Some(who.typed()),
        };
        let Some(typed) = typed else { return BackendAnswer::NotMine };
        match self.judge(question.realm, typed, Some(password), &mut Journal::default()).await {
            Ok(Verdict::Somebody(entry)) => BackendAnswer::Accept(Accepted::entry(entry)),
            Ok(Verdict::Refused(cause, _)) => BackendAnswer::Reject(cause),
            Ok(Verdict::Nobody) => BackendAnswer::NotMine,
            Err(trouble) => BackendAnswer::Unavailable(fault(trouble)),
        }
    }
}

fn fault(trouble: Trouble) -> InternalError {
    match trouble {
        Trouble::Busy => InternalError::busy(BUSY),
        other => InternalError::unavailable(other),
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("name", &self.settings.name).finish_non_exhaustive()
    }
}
