//! One line of the format: text ↔ fields. Pure.

use std::collections::BTreeMap;
use std::fmt;

use auth_core::{ExternalId, Realm, RealmChange, RealmId, Timestamp};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

/// A line's fields.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Realm(Box<RealmLine>),
    User(Box<UserLine>),
}

/// The fields of a realm. A line may leave out any but the first two: a realm that exists keeps what its line doesn't
/// name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RealmLine {
    pub(crate) kind: String,
    pub(crate) realm: String,
    #[serde(default, deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub(crate) subdomain: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) icon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_login: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) digest_logins: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) require_second_factor: Option<bool>,
    #[serde(default, deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub(crate) min_length: Option<Option<u32>>,
    #[serde(default, deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub(crate) min_guesses: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backends: Option<Vec<String>>,
    #[serde(flatten, skip_serializing)]
    pub(crate) unknown: BTreeMap<String, IgnoredAny>,
}

/// The fields of a user. Secrets are taken out of it as soon as the line is read.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct UserLine {
    pub(crate) kind: String,
    pub(crate) realm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) email_verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) directory_name: Option<String>,
    #[serde(default)]
    pub(crate) full_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bot: Option<String>,
    /// The `id` of the user of the realm who owns the bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bot_owner_id: Option<i64>,
    #[serde(default = "yes")]
    pub(crate) active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) joined: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) must_change_password: bool,
    /// A tag of BCP 47.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zulip_api_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rocketchat_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rocketchat_roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zettelstore_zid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zettelstore_role: Option<String>,
    /// Ids and roles at protocols that have no keys of their own here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) external_ids: BTreeMap<String, IdLine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) external_roles: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email_2fa: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) totp_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backup_codes: Vec<String>,
    /// SHA-256 of each code, in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) backup_code_digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rocketchat_tokens: Vec<TokenLine>,
    #[serde(flatten, skip_serializing)]
    pub(crate) unknown: BTreeMap<String, IgnoredAny>,
}

/// An id at a protocol: a number or a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum IdLine {
    Number(u64),
    Text(String),
}

impl From<&ExternalId> for IdLine {
    fn from(id: &ExternalId) -> Self {
        match id {
            ExternalId::Number(number) => Self::Number(*number),
            ExternalId::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<&IdLine> for ExternalId {
    fn from(id: &IdLine) -> Self {
        match id {
            IdLine::Number(number) => Self::Number(*number),
            IdLine::Text(text) => Self::Text(text.clone()),
        }
    }
}

/// A Rocket.Chat token, which is known by its digest alone; with a name it is a personal access token.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenLine {
    /// SHA-256 of the token, in base64.
    pub(crate) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<String>,
    /// By default as long after `created` as new tokens live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_part: Option<String>,
    #[serde(default, skip_serializing_if = "is_no")]
    pub(crate) bypass_second_factor: bool,
}

/// Why a line is bad, in a sentence without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine(pub(crate) String);

/// Reads a line and forgets it: whether it is a realm or a user, or why it is neither.
///
/// # Errors
/// [`BadLine`] with the reason.
///
/// ```
/// use auth_transfer::parse_line;
/// assert!(parse_line(r#"{"kind":"realm","realm":"main"}"#).is_ok());
/// assert_eq!(parse_line("{").unwrap_err().to_string(), "not JSON");
/// ```
pub fn parse_line(text: &str) -> Result<&'static str, BadLine> {
    Ok(match Line::parse(text)? {
        Line::Realm(_) => "realm",
        Line::User(_) => "user",
    })
}

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Self, BadLine> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow)]
            kind: Option<std::borrow::Cow<'a, str>>,
        }
        let kind: Kind<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => bad("not a JSON object with a text under `kind`"),
            _ => bad("not JSON"),
        })?;
        match kind.kind.as_deref() {
            Some("realm") => serde_json::from_str(text).map(Self::Realm).map_err(|e| describe(&e)),
            Some("user") => serde_json::from_str(text).map(Self::User).map_err(|e| describe(&e)),
            Some(_) => Err(bad("`kind` is neither realm nor user")),
            None => Err(bad("`kind` is missing")),
        }
    }

    /// The names of keys that mean nothing here.
    pub(crate) fn unknown_keys(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Realm(line) => line.unknown.keys(),
            Self::User(line) => line.unknown.keys(),
        }
        .map(String::as_str)
    }
}

impl RealmLine {
    /// The change that the line is.
    pub(crate) fn change(self, id: RealmId) -> RealmChange {
        RealmChange {
            id,
            slug: self.realm,
            subdomain: self.subdomain,
            name: self.name,
            icon: self.icon,
            description: self.description,
            active: self.active,
            password_login: self.password_login,
            digest_logins: self.digest_logins,
            require_second_factor: self.require_second_factor,
            min_length: self.min_length,
            min_guesses: self.min_guesses,
            backends: self.backends,
        }
    }

    /// A line that names the realm of that slug, and nothing of it.
    pub(crate) fn new(slug: &str) -> Self {
        Self { kind: "realm".to_owned(), realm: slug.to_owned(), ..Self::default() }
    }

    /// A line that names everything of a realm.
    pub(crate) fn of(realm: &Realm) -> Self {
        Self::of_change(realm.clone().into())
    }

    /// A line that names what a change does.
    pub(crate) fn of_change(change: RealmChange) -> Self {
        Self {
            subdomain: change.subdomain,
            name: change.name,
            icon: change.icon,
            description: change.description,
            active: change.active,
            password_login: change.password_login,
            digest_logins: change.digest_logins,
            require_second_factor: change.require_second_factor,
            min_length: change.min_length,
            min_guesses: change.min_guesses,
            backends: change.backends,
            ..Self::new(&change.slug)
        }
    }
}

/// Reads an RFC 3339 time.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp::from_millis(time.as_millisecond()))
}

/// Writes a time in RFC 3339, as lines have it; `None` when the format can't express it.
#[must_use]
pub fn rfc3339(time: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(time.as_millis()).ok().map(|time| time.to_string())
}

/// The name that tells an operator whose line it is.
pub(crate) fn shown(line: &UserLine) -> String {
    line.username.clone().or_else(|| line.email.clone()).unwrap_or_default()
}

pub(crate) fn bad(reason: &str) -> BadLine {
    BadLine(reason.to_owned())
}

/// What serde says, without the text it quotes: a line may hold secrets.
fn describe(error: &serde_json::Error) -> BadLine {
    let said = error.to_string();
    let field = said.split_once("missing field `").and_then(|(_, rest)| rest.split_once('`'));
    match field {
        Some((field, _)) => BadLine(format!("`{field}` is missing")),
        None => BadLine(format!("a value of the wrong type, near column {}", error.column())),
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadLine {}

impl fmt::Debug for UserLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserLine").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// Reads a value that may be null, apart from one that is missing.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no(value: &bool) -> bool {
    !value
}
