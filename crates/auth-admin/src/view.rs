//! What operations show of records: everything but secrets.

mod group;
mod name;
mod network_rule;

use std::borrow::Cow;

use auth_core::{
    Account, Activity, AdminKey, AttemptRecord, AuditRecord, Credential, Language, NameKind, ProtocolName,
    Realm, Timestamp,
};
use auth_engine::ClosedLimit;
use data_encoding::HEXLOWER;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use group::GroupView;
pub use name::NameView;
pub use network_rule::NetworkRuleView;

/// A moment, written as RFC 3339 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "it is the moment")]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    /// A moment that the format can't express is the nearest that it can.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        let nearest = if millis < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(nearest);
        serializer.collect_str(&moment)
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom("not an RFC 3339 time"))?;
        Ok(Self(Timestamp::from_millis(moment.as_millisecond())))
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct UserView {
    /// The slug of the realm.
    pub realm: String,
    /// The id.
    pub id: String,
    /// The user name.
    pub username: Option<String>,
    /// The first e-mail address.
    pub email: Option<String>,
    /// The id of the entry of a directory that the account belongs to.
    pub directory_name: Option<String>,
    /// The display name.
    pub full_name: String,
    /// The role.
    pub role: String,
    /// The language of mails.
    pub language: Option<String>,
    /// Whether it is a bot.
    pub bot: bool,
    /// Whether it may log in.
    pub active: bool,
    /// Whether it must have a new password.
    pub must_change_password: bool,
    /// When it was made, here or in the system that it comes from.
    pub joined: Moment,
    /// Whether it has a password here.
    pub password: bool,
    /// Whether it has a second factor.
    pub second_factor: bool,
    /// When its authenticator app is removed, where a help desk asked for that. Lists don't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_until: Option<Moment>,
    /// The id at Zulip.
    pub zulip_id: u64,
    /// The id at Rocket.Chat.
    pub rocketchat_id: String,
    /// The id of the user's zettel.
    pub zettelstore_zid: String,
    /// The last login, where one is known.
    pub last_login: Option<Moment>,
    /// The last use of a token or a key, to the minute, where one is known.
    pub last_use: Option<Moment>,
}

impl UserView {
    /// What is shown of an account of a realm, and of when it was last seen.
    #[must_use]
    pub fn of(account: &Account, realm: &Realm, activity: Option<&Activity>) -> Self {
        let user = &account.user;
        Self {
            realm: realm.slug.clone(),
            id: user.id.to_string(),
            username: user.user_name().map(str::to_owned),
            email: user.email().map(|email| email.address.to_owned()),
            directory_name: user.name(NameKind::Directory).map(|name| name.exact.clone()),
            full_name: user.full_name.clone(),
            role: user.role.as_str().to_owned(),
            language: user.language.map(|language| Language::tag(language).to_owned()),
            bot: user.bot.is_some(),
            active: user.active,
            must_change_password: user.must_change_password,
            joined: Moment(user.joined),
            password: account.has_password(),
            second_factor: account.has_second_factor(),
            second_factor_until: None,
            zulip_id: user.external_number(ProtocolName::ZULIP),
            rocketchat_id: user.external_text(ProtocolName::ROCKETCHAT).to_owned(),
            zettelstore_zid: format!("{:014}", user.external_number(ProtocolName::ZETTELSTORE)),
            last_login: activity.and_then(|activity| activity.last_login).map(Moment),
            last_use: activity.and_then(|activity| activity.last_use).map(Moment),
        }
    }
}

/// A token or a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TokenView {
    /// The id.
    pub id: String,
    /// The kind.
    pub kind: String,
    /// The name that its owner gave it.
    pub name: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it ends.
    pub ends: Option<Moment>,
}

impl TokenView {
    /// What is shown of a credential.
    #[must_use]
    pub fn of(token: &Credential) -> Self {
        Self {
            id: token.id.to_string(),
            kind: token.kind.as_str().to_owned(),
            name: token.label.clone(),
            created: Moment(token.created),
            last_used: token.last_used.map(Moment),
            ends: token.expires.map(Moment),
        }
    }
}

/// An app password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AppPasswordView {
    /// The name.
    pub name: Option<String>,
    /// The protocols that take it.
    pub doors: Protocols,
    /// When it was made.
    pub created: Moment,
    /// When it ends.
    pub ends: Option<Moment>,
    /// Whether clients can't present it by its digest.
    #[serde(default, skip_serializing_if = "is_no")]
    pub clear_only: bool,
}

/// The protocols that take an app password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Protocols {
    /// All that it can be for.
    All,
    /// These.
    Named(Vec<String>),
}

impl Serialize for Protocols {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Named(names) => names.serialize(serializer),
        }
    }
}

impl JsonSchema for Protocols {
    fn schema_name() -> Cow<'static, str> {
        "Protocols".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "`all`, or the names of the protocols.",
            "anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

impl<'de> Deserialize<'de> for Protocols {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, JsonSchema)]
        #[serde(untagged)]
        enum Written {
            All(String),
            Named(Vec<String>),
        }
        match Written::deserialize(deserializer)? {
            Written::All(word) if word == "all" => Ok(Self::All),
            Written::All(_) => Err(D::Error::custom("neither `all` nor a list of protocols")),
            Written::Named(names) => Ok(Self::Named(names)),
        }
    }
}

impl AppPasswordView {
    /// What is shown of an app password. The field `doors`, which lists the protocols, keeps the name that scripts know.
    #[must_use]
    pub fn of(password: &Credential) -> Self {
        let protocols: Vec<String> =
            password.scope.protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect();
        Self {
            name: password.label.clone(),
            doors: if protocols.is_empty() { Protocols::All } else { Protocols::Named(protocols) },
            created: Moment(password.created),
            ends: password.expires.map(Moment),
            clear_only: password.clear_only,
        }
    }
}

/// A key for administration, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct KeyView {
    /// The name.
    pub name: String,
    /// What it may do: `read`, `helpdesk` or `admin`.
    pub scope: String,
    /// The slug of the realm in which it may do that; `None` for all.
    pub realm: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// From when on it is refused.
    pub ends: Option<Moment>,
    /// When it was last used, to the minute.
    pub last_used: Option<Moment>,
}

impl KeyView {
    /// What is shown of a key, whose realm has this slug.
    #[must_use]
    pub fn of(key: &AdminKey, realm: Option<&str>) -> Self {
        Self {
            name: key.name.clone(),
            scope: key.scope.clone(),
            realm: realm.map(str::to_owned),
            created: Moment(key.made),
            ends: key.ends.map(Moment),
            last_used: key.last_used.map(Moment),
        }
    }
}

/// A realm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RealmView {
    /// The slug.
    pub realm: String,
    /// The id.
    pub id: String,
    /// The part of the host name before that of Zulip; `null` for none.
    pub subdomain: Option<String>,
    /// The name for people.
    pub name: String,
    /// The address of a picture.
    pub icon: String,
    /// What it is, for people.
    pub description: String,
    /// Whether its users may log in.
    pub active: bool,
    /// Whether its users may log in with passwords.
    pub password_login: bool,
    /// Whether clients may present passwords by their digest, as Rocket.Chat's do.
    pub digest_logins: bool,
    /// Whether its users need a second factor.
    pub require_second_factor: bool,
    /// The fewest characters of a new password, where that differs from the server's rule.
    pub min_length: Option<u32>,
    /// The fewest guesses that a new password must stand, where that differs from the server's rule.
    pub min_guesses: Option<u64>,
    /// What verifies passwords, in this order: `local`, or the name of a directory.
    pub backends: Vec<String>,
}

impl RealmView {
    /// What is shown of a realm.
    #[must_use]
    pub fn of(realm: &Realm) -> Self {
        Self {
            realm: realm.slug.clone(),
            id: realm.id.to_string(),
            subdomain: realm.subdomain.clone(),
            name: realm.name.clone(),
            icon: realm.icon.clone(),
            description: realm.description.clone(),
            active: realm.active,
            password_login: realm.password_login,
            digest_logins: realm.digest_logins,
            require_second_factor: realm.require_second_factor,
            min_length: realm.strength.map(|strength| strength.min_length),
            min_guesses: realm.strength.map(|strength| strength.min_guesses),
            backends: realm.backends.clone(),
        }
    }
}

/// A limit that lets nothing through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct LimitView {
    /// By which it is lifted.
    pub key: String,
    /// What it counts.
    pub what: String,
    /// The slug of the account's realm.
    pub realm: Option<String>,
    /// The name of the account that it counts.
    pub user: Option<String>,
    /// The name that was typed, where a name is counted.
    pub name: Option<String>,
    /// Until when it lets nothing through.
    pub until: Moment,
}

impl LimitView {
    /// What is shown of a limit, with its account and the slug of the account's realm.
    #[must_use]
    pub fn of(limit: &ClosedLimit, account: Option<&Account>, realm: Option<&str>) -> Self {
        let name = account.and_then(|account| {
            let user = &account.user;
            user.user_name().or(user.email().map(|email| email.address)).map(str::to_owned)
        });
        Self {
            key: HEXLOWER.encode(limit.key.as_bytes()),
            what: limit.label.clone(),
            realm: realm.map(str::to_owned),
            user: name.or_else(|| limit.user.map(|user| user.to_string())),
            name: limit.name.clone(),
            until: Moment(limit.until),
        }
    }
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AuditView {
    /// When it was done.
    pub at: Moment,
    /// What was done.
    pub act: String,
    /// The slug of the realm, or the id of one that is gone.
    pub realm: Option<String>,
    /// The name of the user to whom it was done, or the id of one that is gone.
    pub user: Option<String>,
    /// The id of the user.
    pub user_id: Option<String>,
    /// Who did it, in a word.
    pub actor: String,
    /// The name of the user or the directory that did it.
    pub by: Option<String>,
    /// What the act needs beside.
    pub detail: String,
    /// The client that asked for it.
    pub client: Option<String>,
    /// The protocol by which it was asked for.
    pub protocol: Option<String>,
    /// The id of the request, as it stands in the log lines.
    pub request_id: Option<String>,
}

impl AuditView {
    /// What is shown of a row, with the names of its realm, its user, and the user who did it.
    #[must_use]
    pub fn of(row: &AuditRecord, realm: Option<String>, user: Option<String>, by: Option<String>) -> Self {
        Self {
            at: Moment(row.at),
            act: row.act.as_str().to_owned(),
            realm,
            user,
            user_id: row.user.map(|user| user.to_string()),
            actor: row.actor.as_str().to_owned(),
            by: by.or_else(|| row.actor.name().map(str::to_owned)),
            detail: row.detail.clone(),
            client: row.client.map(|client| client.to_string()),
            protocol: row.protocol.map(|protocol| protocol.as_str().to_owned()),
            request_id: Some(row.request_id.clone()).filter(|id| !id.is_empty()),
        }
    }
}

/// A row of the log of attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AttemptView {
    /// When it was made.
    pub at: Moment,
    /// The protocol.
    pub protocol: String,
    /// The slug of the realm, or the id of one that is gone.
    pub realm: Option<String>,
    /// The name as typed; empty where names are not logged.
    pub name: String,
    /// The name of the user that it means, or the id of one that is gone.
    pub user: Option<String>,
    /// The id of the user.
    pub user_id: Option<String>,
    /// The client.
    pub client: String,
    /// `granted`, or the refusal in a word.
    pub outcome: String,
}

impl AttemptView {
    /// What is shown of a row, with the names of its realm and its user.
    #[must_use]
    pub fn of(row: &AttemptRecord, realm: Option<String>, user: Option<String>) -> Self {
        Self {
            at: Moment(row.at),
            protocol: row.protocol.as_str().to_owned(),
            realm,
            name: row.name.clone(),
            user,
            user_id: row.user.map(|user| user.to_string()),
            client: row.client_key.to_string(),
            outcome: row.outcome.clone().into_owned(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_no(value: &bool) -> bool {
    !value
}
