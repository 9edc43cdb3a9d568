//! Moves the users of a Django application here, with their passwords: they log in as before, and notice nothing.
//!
//! Django keeps each password as `ALGORITHM$…` in the table `auth_user`. This project reads what Django writes:
//! `pbkdf2_sha256$…`, `argon2$…` and `bcrypt_sha256$…`, and `bcrypt$…` of older versions. So nothing is hashed anew now;
//! each owner's next login replaces the hash by a current one.
//!
//! [`read_users`] makes an import line of each row, and [`migrate`] hands all of them to `auth-transfer`, which checks every
//! line and writes all or none. To see what would happen, import with [`ImportMode::DryRun`]. An account whose password is of
//! an algorithm that is not read, such as `scrypt$…`, comes without one: [`Migrated::without_password`] names them, and a
//! mailed link or an operator sets a new one.

use std::path::Path;

use anyhow::Context as _;
use auth_core::{ImportMode, Role};
use auth_crypto::password::check_import;
use auth_engine::Engine;
use auth_transfer::{ImportReport, import, unwatched};
use rusqlite::{Connection, OpenFlags, Row};
use serde::Serialize;

/// What has become of a table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Migrated {
    /// What was written.
    pub report: ImportReport,
    /// The user names of accounts whose passwords could not be taken.
    pub without_password: Vec<String>,
}

/// The rows of a table as import lines.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Lines {
    /// A line for the realm, and one for each user.
    pub text: String,
    /// The user names of accounts whose passwords can't be taken.
    pub without_password: Vec<String>,
}

/// An import line. `docs/operating.md` of the project describes all keys.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    realm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<&'a str>,
}

/// A row of `auth_user`.
struct DjangoUser {
    id: i64,
    username: String,
    email: String,
    first_name: String,
    last_name: String,
    password: String,
    is_active: bool,
    is_staff: bool,
    is_superuser: bool,
    date_joined: String,
}

impl DjangoUser {
    const SELECT: &str = "SELECT id, username, email, first_name, last_name, password, is_active, is_staff, \
                          is_superuser, date_joined FROM auth_user ORDER BY id";

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            username: row.get("username")?,
            email: row.get("email")?,
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            password: row.get("password")?,
            is_active: row.get("is_active")?,
            is_staff: row.get("is_staff")?,
            is_superuser: row.get("is_superuser")?,
            date_joined: row.get("date_joined")?,
        })
    }

    /// Whether the password can be taken, or there is none: Django writes `!` before what is no password.
    fn has_known_password(&self) -> bool {
        self.password.starts_with('!') || check_import(&self.password, None).is_ok()
    }

    fn role(&self) -> Role {
        match (self.is_superuser, self.is_staff) {
            (true, _) => Role::Owner,
            (false, true) => Role::Admin,
            (false, false) => Role::Member,
        }
    }

    fn line<'a>(&'a self, realm: &'a str) -> Line<'a> {
        let is_given = |text: &String| !text.is_empty();
        let full_name = format!("{} {}", self.first_name, self.last_name).trim().to_owned();
        let has_hash = self.has_known_password() && !self.password.starts_with('!');
        Line {
            kind: "user",
            realm,
            id: Some(self.id),
            username: Some(&self.username),
            email: Some(self.email.clone()).filter(is_given),
            full_name: Some(full_name).filter(is_given),
            role: Some(self.role().as_str()),
            active: Some(self.is_active),
            // `2024-05-17 08:30:00.123456`, in UTC.
            joined: self.date_joined.get(..19).map(|moment| format!("{}Z", moment.replace(' ', "T"))),
            password_hash: has_hash.then_some(&self.password),
        }
    }
}

/// Makes import lines of the table `auth_user` of a SQLite database, for a realm of that slug.
///
/// # Errors
/// When the table can't be read.
pub fn read_users(database: &Connection, realm: &str) -> anyhow::Result<Lines> {
    let mut lines = Lines::default();
    let mut push = |line: &Line<'_>| -> anyhow::Result<()> {
        lines.text.push_str(&serde_json::to_string(line)?);
        lines.text.push('\n');
        Ok(())
    };
    push(&Line {
        kind: "realm",
        realm,
        id: None,
        username: None,
        email: None,
        full_name: None,
        role: None,
        active: None,
        joined: None,
        password_hash: None,
    })?;
    let mut select = database.prepare(DjangoUser::SELECT).context("there is no table of Django's users")?;
    for user in select.query_map([], DjangoUser::of)? {
        let user = user?;
        push(&user.line(realm))?;
        if !user.has_known_password() {
            lines.without_password.push(user.username);
        }
    }
    Ok(lines)
}

/// Moves the users of a Django application's SQLite file into a realm, which is made where it is missing: all of them, or
/// none.
///
/// # Errors
/// When the file can't be read, or a row can't be taken, as when two users' names differ in case alone.
pub async fn migrate(
    engine: &Engine,
    django: &Path,
    realm: &str,
    mode: ImportMode,
) -> anyhow::Result<Migrated> {
    let lines = {
        let database = Connection::open_with_flags(django, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        read_users(&database, realm)?
    };
    let report = import(engine, lines.text.as_bytes(), mode, &mut unwatched).await?;
    Ok(Migrated { report, without_password: lines.without_password })
}
