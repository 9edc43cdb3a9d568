//! The kinds of rows that a store has, and the form of a row that is the same in every store.

use hmac_sha256::Hash as Sha256;
use serde::{Deserialize, Serialize};

use self::ColumnKind::{Bool, Bytes, Escaped, Integer, Place, SqliteNumber, Text};

/// A kind of rows, which is a table of the schema or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Realm,
    User,
    LoginName,
    ExternalId,
    Credential,
    /// Which credential another comes from: written once all credentials are there, in whatever order they come.
    CredentialParent,
    Activity,
    Group,
    Membership,
    ImportMark,
    NetworkRule,
    AdminKey,
    Audit,
    Attempt,
    Mail,
    Spent,
    Meta,
}

/// What a column holds, and how each store writes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Integer,
    /// 0 or 1 in SQLite.
    Bool,
    Text,
    /// Text that PostgreSQL has without the character NUL.
    Escaped,
    Bytes,
    /// A number that SQLite alone has: kept from SQLite to SQLite, given anew otherwise, in the order in which rows come.
    SqliteNumber,
    /// The place of a row among those of the same moment, in each store's own form. Copies keep the order.
    Place,
}

/// A column: its name in SQLite, and what it holds.
pub(crate) type Column = (&'static str, ColumnKind);

impl RecordKind {
    /// All kinds, each after those that its rows refer to.
    pub(crate) const ALL: [Self; 17] = [
        Self::Realm,
        Self::User,
        Self::LoginName,
        Self::ExternalId,
        Self::Credential,
        Self::CredentialParent,
        Self::Activity,
        Self::Group,
        Self::Membership,
        Self::ImportMark,
        Self::NetworkRule,
        Self::AdminKey,
        Self::Audit,
        Self::Attempt,
        Self::Mail,
        Self::Spent,
        Self::Meta,
    ];

    /// The kind in words, for operators.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Realm => "realms",
            Self::User => "users",
            Self::LoginName => "login names",
            Self::ExternalId => "external ids",
            Self::Credential => "credentials",
            Self::CredentialParent => "credentials of credentials",
            Self::Activity => "activity",
            Self::Group => "groups",
            Self::Membership => "memberships",
            Self::ImportMark => "marks of imports",
            Self::NetworkRule => "rules of networks",
            Self::AdminKey => "admin keys",
            Self::Audit => "audit log",
            Self::Attempt => "attempts",
            Self::Mail => "mails",
            Self::Spent => "spent texts",
            Self::Meta => "values of the store",
        }
    }

    /// The kind of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that is copied after this one.
    pub(crate) fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|kind| *kind != self).nth(1)
    }

    /// How many columns, from the first, tell a row from all others. Rows are in their order.
    pub(crate) fn key(self) -> usize {
        match self {
            Self::LoginName => 4,
            Self::ExternalId | Self::Membership | Self::ImportMark | Self::Audit | Self::Attempt => 2,
            _ => 1,
        }
    }

    /// The columns of a row.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Realm => &[
                ("id", Bytes),
                ("slug", Text),
                ("subdomain", Text),
                ("name", Escaped),
                ("icon", Escaped),
                ("description", Escaped),
                ("active", Bool),
                ("password_login", Bool),
                ("digest_logins", Bool),
                ("min_length", Integer),
                ("min_guesses", Integer),
                ("backends", Text),
                ("require_second_factor", Bool),
            ],
            Self::User => &[
                ("id", Bytes),
                ("number", SqliteNumber),
                ("realm", Bytes),
                ("full_name", Escaped),
                ("role", Text),
                ("bot", Text),
                ("active", Bool),
                ("joined", Integer),
                ("valid_from", Integer),
                ("email_second_factor", Bool),
                ("must_change_password", Bool),
                ("zulip", Integer),
                ("rocketchat", Escaped),
                ("rocketchat_roles", Text),
                ("zettelstore", Integer),
                ("zettelstore_role", Escaped),
                ("version", Integer),
                ("password", Text),
                ("external", Text),
                ("bot_owner", Integer),
                ("language", Text),
            ],
            Self::LoginName => &[
                ("kind", Integer),
                ("folded", Escaped),
                ("realm", Bytes),
                ("exact", Escaped),
                ("user", Bytes),
                ("position", Integer),
                ("verified", Bool),
            ],
            Self::ExternalId => &[
                ("user", Bytes),
                ("protocol", Text),
                ("realm", Bytes),
                ("number", Integer),
                ("text", Escaped),
            ],
            Self::Credential => &[
                ("id", Bytes),
                ("number", SqliteNumber),
                ("user", Bytes),
                ("kind", Text),
                ("digest", Bytes),
                ("sealed", Bytes),
                ("clear_only", Bool),
                ("doors", Text),
                ("bypass_second_factor", Bool),
                ("label", Escaped),
                ("client", Text),
                ("agent", Escaped),
                ("created", Integer),
                ("expires", Integer),
                ("last_used", Integer),
                ("counter", Integer),
            ],
            Self::CredentialParent => &[("id", Bytes), ("parent", Bytes)],
            Self::Activity => &[
                ("user", Bytes),
                ("realm", Bytes),
                ("last_login", Integer),
                ("last_use", Integer),
                ("seen", Integer),
            ],
            Self::Group => &[
                ("id", Bytes),
                ("realm", Bytes),
                ("name", Escaped),
                ("folded", Escaped),
                ("directory", Escaped),
                ("entry", Escaped),
                ("made", Integer),
            ],
            Self::Membership => &[("user_group", Bytes), ("user", Bytes)],
            Self::ImportMark => {
                &[("source", Text), ("key", Bytes), ("user", Bytes), ("digest", Bytes), ("fields", Bytes)]
            }
            Self::NetworkRule => {
                &[("network", Text), ("kind", Text), ("until", Integer), ("made", Integer), ("note", Escaped)]
            }
            Self::AdminKey => &[
                ("id", Bytes),
                ("name", Escaped),
                ("digest", Bytes),
                ("scope", Escaped),
                ("realm", Bytes),
                ("made", Integer),
                ("ends", Integer),
                ("last_used", Integer),
            ],
            Self::Audit => &[
                ("at", Integer),
                ("number", Integer),
                ("actor", Text),
                ("actor_user", Bytes),
                ("actor_name", Escaped),
                ("act", Text),
                ("realm", Bytes),
                ("user", Bytes),
                ("detail", Escaped),
                ("client", Text),
                ("protocol", Text),
                ("request", Text),
            ],
            Self::Attempt => &[
                ("at", Integer),
                ("number", Place),
                ("door", Escaped),
                ("realm", Bytes),
                ("user", Bytes),
                ("name", Escaped),
                ("network", Escaped),
                ("outcome", Escaped),
            ],
            Self::Mail => &[
                ("id", Bytes),
                ("recipient", Escaped),
                ("subject", Escaped),
                ("body", Bytes),
                ("due", Integer),
                ("failures", Integer),
            ],
            Self::Spent => &[("digest", Bytes), ("until", Integer)],
            Self::Meta => &[("name", Text), ("value", Bytes)],
        }
    }
}

/// A value of a row, the same in every store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Value {
    /// No value.
    #[serde(rename = "n")]
    Null,
    /// A number, or 0 or 1 for a yes or no.
    #[serde(rename = "i")]
    Integer(i64),
    #[serde(rename = "t")]
    Text(String),
    #[serde(rename = "b")]
    Bytes(Vec<u8>),
}

/// A row, with a value for each column of its kind.
pub(crate) type Row = Vec<Value>;

/// A digest over rows of one kind, in their order.
pub(crate) struct RowsDigest(Sha256);

impl RowsDigest {
    pub(crate) fn of(kind: RecordKind) -> Self {
        let mut digest = Self(Sha256::new());
        digest.part(b't', kind.name().as_bytes());
        digest
    }

    /// Adds a row, without what each store has its own form of.
    pub(crate) fn add(&mut self, kind: RecordKind, row: &Row) {
        for ((_, column), value) in kind.columns().iter().zip(row) {
            match (column, value) {
                (SqliteNumber | Place, _) => {}
                (_, Value::Null) => self.part(b'n', b""),
                (_, Value::Integer(number)) => self.part(b'i', &number.to_be_bytes()),
                (_, Value::Text(text)) => self.part(b't', text.as_bytes()),
                (_, Value::Bytes(bytes)) => self.part(b'b', bytes),
            }
        }
    }

    pub(crate) fn add_number(&mut self, number: u64) {
        self.part(b'i', &number.to_be_bytes());
    }

    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        self.part(b'b', bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize()
    }

    /// Adds a value with its form and its length, so that different rows give different bytes.
    fn part(&mut self, form: u8, bytes: &[u8]) {
        self.0.update([form]);
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
    }
}
