//! The steps of a login on one connection, for either way to bind.

use auth_core::{Entry, FailureReason, Password, Realm, Role};

use crate::config::BindMethod;
use crate::entry::SearchEntry;
use crate::error::VerifyError;
use crate::names::{self, NameQuery};
use crate::session::Session;
use crate::{attributes, filter};

/// A name and a password, typed to log in to a realm.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) typed: &'a str,
    /// `None` looks the entry up without a bind, for the operator.
    pub(crate) password: Option<&'a Password>,
}

impl Login<'_> {
    /// Finds the entry, tries the password if there is one, and returns the person.
    pub(crate) async fn run(&self, session: &mut Session<'_>) -> Result<Entry, VerifyError> {
        let queries = names::queries(&session.config.names, self.typed);
        if queries.is_empty() {
            session.trace.add(|| "the name is empty, too long or in another domain".to_owned());
            return Err(VerifyError::UnknownName);
        }
        let config = session.config;
        let entry = match &config.bind {
            BindMethod::ServiceAccount { .. } => {
                session.bind_service().await?;
                session.check_groups().await?;
                session.find(&queries).await?
            }
            BindMethod::Direct { template } => self.bind_directly(session, template, &queries).await?,
        };
        let role = session.role_of(&entry).await?;
        let groups = session.carried_groups(&entry).await?;
        if let (BindMethod::ServiceAccount { .. }, Some(password)) = (&config.bind, self.password) {
            session.bind(&entry.dn, password).await?;
        }
        let person = self.admit(session, &entry, role)?;
        Ok(Entry { groups, ..person })
    }

    /// Binds as the name that the template makes, then reads the entry of that name.
    async fn bind_directly(
        &self,
        session: &mut Session<'_>,
        template: &str,
        queries: &[NameQuery],
    ) -> Result<SearchEntry, VerifyError> {
        // A template takes a user name. To search for an address, the connection would have to be bound already.
        let Some((query, name)) = queries.iter().find_map(|query| match query {
            NameQuery::Name(name) => Some((query, name)),
            NameQuery::Email(_) => None,
        }) else {
            return Err(VerifyError::UnknownName);
        };
        let Some(bind_name) = filter::bind_name(template, name) else {
            session.trace.add(|| "the name has characters that a login name can't have".to_owned());
            return Err(VerifyError::UnknownName);
        };
        let Some(password) = self.password else {
            session.trace.add(|| format!("bind as {bind_name}: not tried without a password"));
            return Err(VerifyError::UnknownName);
        };
        session.bind(&bind_name, password).await?;
        session.check_groups().await?;
        let found = if filter::is_dn(template) {
            session.read(&bind_name).await
        } else {
            session.find(std::slice::from_ref(query)).await
        };
        match found {
            Ok(entry) if session.has_name(&entry, query) => Ok(entry),
            // The password is right, but the entry is outside the base or the filter, has another name, or may not
            // read itself.
            Ok(_) | Err(VerifyError::UnknownName) => {
                Err(VerifyError::Rejected(FailureReason::EntryIncomplete))
            }
            Err(error) => Err(error),
        }
    }

    /// Decides whether the entry may log in, once its password is known to be right.
    fn admit(
        &self,
        session: &mut Session<'_>,
        entry: &SearchEntry,
        role: Option<Role>,
    ) -> Result<Entry, VerifyError> {
        let config = session.config;
        let person = attributes::person(config, entry, role).map_err(|reason| {
            session.trace.add(|| format!("the entry has no {}", config.attributes.id));
            VerifyError::Rejected(reason)
        })?;
        session.trace.add(|| describe(&person));

        let is_disabled = attributes::is_disabled(config, entry);
        session.trace.add(|| format!("disabled: {}", if is_disabled { "yes" } else { "no" }));
        if is_disabled {
            return Err(VerifyError::Rejected(FailureReason::EntryDisabled));
        }

        let is_allowed = config.access.allows(self.realm, entry)?;
        session.trace.add(|| {
            let access = if is_allowed { "access allowed" } else { "access denied" };
            format!("realm {}: {access}", self.realm.slug)
        });
        if is_allowed { Ok(person) } else { Err(VerifyError::Rejected(FailureReason::EntryNotAllowed)) }
    }
}

fn describe(person: &Entry) -> String {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    format!(
        "entry: id {}, user name {}, e-mail {}, full name {}, role {}",
        person.id,
        shown(&person.user_name),
        shown(&person.email),
        shown(&person.full_name),
        person.role.map_or_else(|| "–".to_owned(), |role| format!("{role:?}").to_lowercase()),
    )
}
