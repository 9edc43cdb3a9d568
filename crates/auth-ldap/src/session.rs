//! The requests of one login on one connection: bind, search for an entry, search for groups.

use auth_core::{FailureReason, Password, Role, fold};

use crate::config::{BindMethod, DirectoryConfig};
use crate::connection::{BindError, Connection, Found, NO_ATTRIBUTES, SearchBase};
use crate::dn::is_below;
use crate::entry::SearchEntry;
use crate::error::{DirectoryError, VerifyError};
use crate::groups::HeldGroups;
use crate::names::NameQuery;
use crate::referral::Referral;
use crate::trace::Trace;
use crate::{attributes, filter};

/// Why nobody can tell all groups of a person.
const ELSEWHERE: &str =
    "the directory leaves configured groups to other servers, to which no reference is followed";

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
    /// [`FailureReason::WrongPassword`] if the server rejects it, or the reason that Active Directory tells besides.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Password) -> Result<(), VerifyError> {
        match self.connection.bind(dn, password).await {
            Ok(()) => {
                self.trace.add(|| format!("bind as {dn}: the password is right"));
                Ok(())
            }
            Err(BindError::Rejected(refusal)) => {
                self.trace.add(|| format!("bind as {dn}: {refusal}"));
                Err(VerifyError::Rejected(refusal.reason()))
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
        let Found { mut entries, is_cut } = self.connection.search(base, filter, self.requested).await?;
        let mut result = match (entries.pop(), entries.is_empty() && !is_cut) {
            (Some(entry), true) => Ok(entry),
            (None, true) => Err(VerifyError::UnknownName),
            (Some(_), false) => Err(VerifyError::Rejected(FailureReason::AmbiguousEntry)),
            (None, false) => Err(DirectoryError::Cut.into()),
        };
        self.trace.add(|| {
            let base = match base {
                SearchBase::Subtree(dn) => format!("below {dn}"),
                SearchBase::Entry(dn) => format!("of {dn}"),
            };
            let found = match &result {
                Ok(entry) => format!("one entry, {}", entry.dn),
                Err(VerifyError::UnknownName) => "no entry".to_owned(),
                Err(VerifyError::Unavailable(error)) => error.to_string(),
                Err(VerifyError::Rejected(_)) => "more than one entry".to_owned(),
            };
            format!("search {base} for {filter}: {found}")
        });
        if let Ok(entry) = &mut result {
            self.complete(entry).await?;
        }
        result
    }

    /// Reads the values that the server held back: Active Directory gives 1500 of an attribute at a time.
    pub(crate) async fn complete(&mut self, entry: &mut SearchEntry) -> Result<(), DirectoryError> {
        while let Some(range) = entry.next_range() {
            let request = std::slice::from_ref(&range);
            let found =
                self.connection.search(SearchBase::Entry(&entry.dn), filter::all(""), request).await?;
            entry.add_range(found.entries.first());
            self.trace.add(|| format!("read {range} of {}", entry.dn));
        }
        Ok(())
    }

    /// Whether an entry has the name of a query, apart from case. Servers also ignore invisible characters such as soft
    /// hyphens when they compare. Such a spelling must not log in, because the rate limits count it as another name.
    pub(crate) fn has_name(&self, entry: &SearchEntry, query: &NameQuery) -> bool {
        let (attributes, typed) = attributes_of(self.config, query);
        let folded = fold(typed);
        attributes.iter().any(|attribute| entry.texts(attribute).any(|value| fold(value.trim()) == folded))
    }

    /// The role that an entry's groups give. `None` if the directory sets no roles, or gives only a part of the groups: then
    /// nobody can tell, and an account keeps its role.
    pub(crate) async fn role_of(&mut self, entry: &SearchEntry) -> Result<Option<Role>, DirectoryError> {
        let groups = &self.config.groups;
        if groups.roles.is_empty() {
            return Ok(None);
        }
        let mut held = HeldGroups::none(groups);
        let (source, partial) = if groups.base.is_empty() {
            entry.texts(&groups.attribute).for_each(|group| held.add(group));
            let is_cut = entry.is_cut(&groups.attribute);
            (groups.attribute.clone(), is_cut.then(|| DirectoryError::Cut.to_string()))
        } else {
            let user = entry.text(&self.config.attributes.user).unwrap_or_default();
            let filter = filter::groups(&groups.filter, &entry.dn, user);
            let mut add = |group: SearchEntry| held.add(&group.dn);
            let none = [NO_ATTRIBUTES.to_owned()];
            let may_matter =
                |referral: &Referral| groups.roles.iter().any(|(_, group)| referral.may_hold(group));
            let partial = match self.connection.list(&groups.base, &filter, &none, &mut add).await {
                Ok(referrals) => referrals.iter().any(may_matter).then(|| ELSEWHERE.to_owned()),
                Err(DirectoryError::Cut) => Some(DirectoryError::Cut.to_string()),
                Err(error) => return Err(error),
            };
            (format!("search below {} for {filter}", groups.base), partial)
        };
        let count = held.count();
        self.trace.add(|| match &partial {
            None => format!("{source}: {count} groups"),
            Some(why) => format!("{source}: {count} groups, and then {why}; the role stays as it is"),
        });
        if partial.is_some() {
            tracing::warn!(
                target: "auth::account",
                directory = self.config.name,
                groups = count,
                "the directory gave only a part of a person's groups: the role stays as it is"
            );
        }
        Ok(partial.is_none().then(|| held.role()))
    }

    /// Records in the trace which of the configured groups no entry is in, as far as the server tells.
    pub(crate) async fn check_groups(&mut self) -> Result<(), DirectoryError> {
        if !self.trace.is_recording() {
            return Ok(());
        }
        for (role, group) in &self.config.groups.roles {
            let found = self.is_group_in_use(group).await;
            let role = role.as_str();
            self.trace.add(|| match &found {
                Ok(true) => format!("the group {group} gives the role {role}"),
                Ok(false) => format!(
                    "the group {group} would give the role {role}, but no entry is in it: see its spelling"
                ),
                Err(error) => format!("the group {group} can't be checked: {error}"),
            });
            match found {
                Err(error) if error.is_server_failure() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether an entry is in a group.
    async fn is_group_in_use(&mut self, group: &str) -> Result<bool, DirectoryError> {
        let config = self.config;
        let groups = &config.groups;
        let none = [NO_ATTRIBUTES.to_owned()];
        let found = if groups.base.is_empty() {
            let attribute = std::slice::from_ref(&groups.attribute);
            let filter = filter::any_equals(&config.filter, attribute, group);
            self.connection.search(SearchBase::Subtree(&config.base), &filter, &none).await?
        } else {
            if !is_below(group, &groups.base) {
                return Ok(false);
            }
            let filter = filter::groups_of_anyone(&groups.filter);
            self.connection.search(SearchBase::Entry(group), &filter, &none).await?
        };
        Ok(!found.entries.is_empty())
    }

    /// Whether an entry has this id, also one that the configured filter leaves out.
    pub(crate) async fn has_entry(&mut self, id: &str) -> Result<bool, DirectoryError> {
        let filter = attributes::id_filter(&self.config.attributes.id, id);
        let none = [NO_ATTRIBUTES.to_owned()];
        let found = self.connection.search(SearchBase::Subtree(&self.config.base), &filter, &none).await?;
        Ok(found.is_cut || !found.entries.is_empty())
    }

    /// Passes every person's entry to `each`. People of other servers, to which this one refers, are not among them, as they
    /// can't log in either; the log says so.
    ///
    /// # Errors
    /// [`DirectoryError::Cut`] if the server gives only a part of the list, or of what decides about an entry.
    pub(crate) async fn list(
        &mut self,
        each: &mut (dyn FnMut(SearchEntry) + Send),
    ) -> Result<(), DirectoryError> {
        let filter = filter::all(&self.config.filter);
        // The server has more values of these entries.
        let mut open = Vec::new();
        let mut sort = |entry: SearchEntry| match entry.next_range() {
            None => each(entry),
            Some(_) => open.push(entry.dn),
        };
        let referrals = self.connection.list(&self.config.base, filter, self.requested, &mut sort).await?;
        if referrals.iter().any(Referral::may_hold_people) {
            tracing::warn!(
                target: "auth::account",
                directory = self.config.name,
                "the directory refers to other servers for a part of its people, which is not read: whoever is there can't \
                 log in, and counts as gone"
            );
        }
        for dn in open {
            match self.read(&dn).await {
                Ok(entry) => each(entry),
                // Deleted meanwhile.
                Err(VerifyError::UnknownName) => {}
                Err(VerifyError::Unavailable(error)) => return Err(error),
                Err(VerifyError::Rejected(_)) => return Err(DirectoryError::Cut),
            }
        }
        Ok(())
    }
}

/// The attributes that a query searches, and the typed text that it searches for.
fn attributes_of<'a>(config: &'a DirectoryConfig, query: &'a NameQuery) -> (&'a [String], &'a str) {
    match query {
        NameQuery::Email(email) => (std::slice::from_ref(&config.attributes.email), email),
        NameQuery::Name(name) => (&config.names.search_attributes, name),
    }
}
