//! Operations that read the audit log and the log of attempts.

use std::collections::HashMap;
use std::net::IpAddr;

use auth_core::{
    Act, AttemptFilter, AuditFilter, ClientKey, LogOrder, LogPage, Place, ProtocolName, RealmId, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Operation, Scope};
use crate::error::AdminError;
use crate::view::{AttemptView, AuditView, Moment};

/// The rows that a part of a log has at most.
const MOST: u32 = 500;

/// Rows of a log, and where the log goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "faces take it apart")]
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The argument `after` of the next part; `None` where there was no row.
    pub last: Option<String>,
    /// Whether the part was full, so that there may be more rows.
    pub more: bool,
}

/// Which rows of a log are meant, and which part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct LogQuery {
    /// A user: of the audit log the one to whom it was done, or who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<AccountName>,
    /// The slug of a realm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// An address of a client; of IPv6 addresses the first 64 bits count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// A protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// From this moment on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// Before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Whether the oldest rows come first; else the newest do.
    pub oldest_first: bool,
    /// `last` of the part before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The number of rows, 500 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A query with everything looked up.
struct Found {
    user: Option<UserId>,
    realm: Option<RealmId>,
    client: Option<ClientKey>,
    protocol: Option<ProtocolName>,
    page: LogPage,
}

impl LogQuery {
    async fn find(&self, admin: &Admin) -> Result<Found, AdminError> {
        // Whoever knows of one realm alone reads of that one alone.
        let slug = self.realm.as_ref().or(admin.operator().realm.as_ref());
        let realm = match slug {
            Some(slug) => Some(admin.realm(slug).await?.id),
            None => None,
        };
        let user = match &self.user {
            Some(user) => Some(admin.account(user).await?.0.user.id),
            None => None,
        };
        let protocol = match &self.protocol {
            Some(name) => {
                let found = admin.engine().rules().protocols().find(|protocol| protocol.as_str() == name);
                Some(found.ok_or_else(|| AdminError::NoProtocol(name.clone()))?)
            }
            None => None,
        };
        let after = self.after.as_deref().map(str::parse::<Place>).transpose();
        let page = LogPage {
            order: if self.oldest_first { LogOrder::OldestFirst } else { LogOrder::NewestFirst },
            after: after.map_err(|_| AdminError::BadCursor)?,
            limit: self.limit.unwrap_or(MOST).clamp(1, MOST),
        };
        Ok(Found { user, realm, client: self.client.map(ClientKey::of), protocol, page })
    }
}

/// Reads the audit log: who changed what, when and from where.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ReadAudit {
    /// Which rows.
    pub query: LogQuery,
    /// What was done, in a word such as `password-set`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
}

impl Operation for ReadAudit {
    const NAME: &'static str = "audit.read";
    const SUMMARY: &'static str = "Reads the audit log.";
    const SCOPES: &'static [Scope] = &[Scope::Read];
    type Reply = Rows<AuditView>;

    async fn run(self, admin: &Admin) -> Result<Rows<AuditView>, AdminError> {
        let Found { user, realm, client, protocol, page } = self.query.find(admin).await?;
        let act = match &self.act {
            Some(name) => Some(Act::from_name(name).ok_or_else(|| AdminError::NoAct(name.clone()))?),
            None => None,
        };
        let (since, until) = (self.query.since.map(|since| since.0), self.query.until.map(|until| until.0));
        let filter = AuditFilter { user, realm, act, client, protocol, since, until };
        let rows = admin.engine().store().audit_rows(&filter, page).await?;
        let mut names = Names::of(admin).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            let record = &row.record;
            let user = names.of_user(admin, record.user).await?;
            let by = names.of_user(admin, record.actor.user()).await?;
            shown.push(AuditView::of(record, names.of_realm(record.realm), user, by));
        }
        Ok(rows_of(shown, rows.last().map(|row| row.place), page))
    }
}

/// Reads the log of attempts to log in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ReadAttempts {
    /// Which rows.
    pub query: LogQuery,
    /// What became of them, in a word such as `granted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

impl Operation for ReadAttempts {
    const NAME: &'static str = "attempts.read";
    const SUMMARY: &'static str = "Reads the log of attempts to log in.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Rows<AttemptView>;

    async fn run(self, admin: &Admin) -> Result<Rows<AttemptView>, AdminError> {
        let Found { user, realm, client, protocol, page } = self.query.find(admin).await?;
        let (since, until) = (self.query.since.map(|since| since.0), self.query.until.map(|until| until.0));
        let filter = AttemptFilter { user, realm, outcome: self.outcome, client, protocol, since, until };
        let rows = admin.engine().store().attempts(&filter, page).await?;
        let mut names = Names::of(admin).await?;
        let mut shown = Vec::with_capacity(rows.len());
        for row in &rows {
            let user = names.of_user(admin, row.record.user).await?;
            shown.push(AttemptView::of(&row.record, names.of_realm(Some(row.record.realm)), user));
        }
        Ok(rows_of(shown, rows.last().map(|row| row.place), page))
    }
}

fn rows_of<T>(rows: Vec<T>, last: Option<Place>, page: LogPage) -> Rows<T> {
    let more = rows.len() >= page.limit as usize;
    Rows { rows, last: last.map(|place| place.to_string()), more }
}

/// The names by which people know realms and users, as far as these are there.
struct Names {
    realms: HashMap<RealmId, String>,
    users: HashMap<UserId, String>,
}

impl Names {
    async fn of(admin: &Admin) -> Result<Self, AdminError> {
        let realms = admin.realms().await?;
        let realms = realms.into_iter().map(|realm| (realm.id, realm.slug)).collect();
        Ok(Self { realms, users: HashMap::new() })
    }

    /// The slug, or the id of a realm that is gone.
    fn of_realm(&self, realm: Option<RealmId>) -> Option<String> {
        let realm = realm?;
        Some(self.realms.get(&realm).cloned().unwrap_or_else(|| realm.to_string()))
    }

    /// The user name or the address, and the id of a user that has none or is gone.
    async fn of_user(&mut self, admin: &Admin, user: Option<UserId>) -> Result<Option<String>, AdminError> {
        let Some(id) = user else { return Ok(None) };
        if let Some(name) = self.users.get(&id) {
            return Ok(Some(name.clone()));
        }
        let account = admin.engine().store().user(id).await?;
        let name = account.and_then(|account| {
            let user = &account.user;
            user.user_name().or(user.email().map(|email| email.address)).map(str::to_owned)
        });
        let name = name.unwrap_or_else(|| id.to_string());
        self.users.insert(id, name.clone());
        Ok(Some(name))
    }
}
