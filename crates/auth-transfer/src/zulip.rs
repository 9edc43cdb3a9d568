//! Realms and users of a Zulip as import lines: its tables `zerver_realm` and `zerver_userprofile` as PostgreSQL
//! writes them as CSV with a header line. Pure.
//!
//! Kept are ids, addresses, names, roles, languages, kinds and owners of bots, hashes and API keys. Zulip has no user names: people log in
//! by address at every protocol, unless names are made for them.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use auth_core::{BotKind, Role};

use super::converted::{ConvertError, Converted};
use super::language::known_language;
use super::line::{BadLine, RealmLine, UserLine, bad, rfc3339, time};
use super::missing_realms::MissingRealms;
use super::text::{Text, without_mark};

/// Why the users of a realm that can't be taken can't be either.
const NO_REALM: &str = "its realm can't be taken";

/// Where Zulip keeps the bots of its own.
const INTERNAL: &str = "zulipinternal";

/// Whether people who come without a user name are given one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum UserNames {
    /// They log in by address, and choose a name at Rocket.Chat.
    None,
    /// A name is made of the full name or the address, unique among those of the same realm in the table.
    Made,
}

/// Converts the tables to import lines. `root` is the slug of the realm that Zulip knows without a name, that of
/// the host itself.
///
/// # Errors
/// [`ConvertError`] when a table can't be read or lacks a column.
///
/// ```
/// use auth_transfer::{UserNames, convert_zulip};
/// let realms = "id,string_id,name,deactivated\n2,zulip,Zulip Dev,f\n";
/// let users = "id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id\n\
///              9,iago@zulip.com,Iago,!unusable,m0BUIKOpJCxIaNY5ma5lEttYAglrpCxN,200,t,f,,2026-10-23 00:03:00+00,2\n";
/// let mut converted = convert_zulip(realms.as_bytes(), users.as_bytes(), "main", UserNames::None)?;
/// assert!(converted.lines.text()?.contains(r#""realm":"zulip","id":9,"email":"iago@zulip.com""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert_zulip(
    realms: impl Read,
    users: impl Read,
    root: &str,
    user_names: UserNames,
) -> Result<Converted, ConvertError> {
    let mut named: HashMap<String, HashSet<String>> = HashMap::new();
    let mut converted = Converted::default();
    let mut slugs = HashMap::new();
    let mut taken = HashSet::new();
    Table::new("zerver_realm", realms, &["id", "string_id", "name", "deactivated"])?.each(|row| {
        let (id, subdomain) = (row.text("id").to_owned(), row.text("string_id").to_owned());
        let place = format!("realm {id} ({})", subdomain.escape_debug());
        if subdomain == INTERNAL {
            converted.note(&place, "left out with its bots: it is Zulip's own");
            slugs.insert(id, None);
            return;
        }
        let slug = if subdomain.is_empty() { root.to_owned() } else { subdomain.clone() };
        if !taken.insert(slug.clone()) {
            converted.bad.push(place, "another realm has that name: give the host's own with --realm");
            return;
        }
        converted.take_or_refuse(place, realm(row, &slug, subdomain));
        slugs.insert(id, Some(slug));
    })?;
    let columns = [
        "id",
        "full_name",
        "password",
        "api_key",
        "role",
        "is_active",
        "is_bot",
        "date_joined",
        "realm_id",
        "delivery_email",
    ];
    let mut missing = MissingRealms::default();
    Table::new("zerver_userprofile", users, &columns)?.each(|row| {
        let place = format!("user {} ({})", row.text("id"), row.text("delivery_email").escape_debug());
        match slugs.get(row.text("realm_id")) {
            Some(Some(slug)) => {
                let mut line = user(row, slug);
                if let (UserNames::Made, Ok(line)) = (user_names, &mut line) {
                    give_user_name(line, named.entry(slug.clone()).or_default());
                }
                converted.take_or_refuse(place, line);
            }
            Some(None) => {}
            None => {
                if let Err(place) = missing.count(row.text("realm_id").to_owned(), place) {
                    converted.bad.push(place, NO_REALM);
                }
            }
        }
    })?;
    for (place, reason, users) in missing.take(NO_REALM) {
        converted.bad.push_of_many(place, reason, users);
    }
    Ok(converted)
}

fn realm(row: &Row<'_>, slug: &str, subdomain: String) -> Result<RealmLine, BadLine> {
    let description = row.text("description");
    // Zulip keeps what was written and shows HTML made of it.
    let description =
        if description.is_empty() { String::new() } else { format!("<p>{}</p>", escaped(description)) };
    Ok(RealmLine {
        subdomain: Some(Some(subdomain)),
        name: Some(row.text("name").to_owned()),
        description: Some(description),
        active: Some(!row.flag("deactivated")?),
        ..RealmLine::new(slug)
    })
}

fn user(row: &Row<'_>, realm: &str) -> Result<UserLine, BadLine> {
    let id: i64 = row.number("id")?;
    let role = match row.number("role")? {
        100 => Role::Owner,
        200 => Role::Admin,
        300 => Role::Moderator,
        400 => Role::Member,
        600 => Role::Guest,
        _ => return Err(bad("`role` is not one we know")),
    };
    let bot = match (row.flag("is_bot")?, row.text("bot_type")) {
        (false, _) => None,
        (true, "" | "1") => Some(BotKind::Default),
        (true, "2") => Some(BotKind::IncomingWebhook),
        (true, "3") => Some(BotKind::OutgoingWebhook),
        (true, "4") => Some(BotKind::Embedded),
        (true, _) => return Err(bad("`bot_type` is not one we know")),
    };
    let bot_owner_id = match row.text("bot_owner_id") {
        "" => None,
        _ => Some(row.number("bot_owner_id")?).filter(|_| bot.is_some()),
    };
    let joined = time(row.text("date_joined")).ok_or_else(|| bad("`date_joined` is not a time"))?;
    let given = |name: &str| Some(row.text(name).to_owned()).filter(|text| !text.is_empty());
    Ok(UserLine {
        kind: "user".to_owned(),
        realm: realm.to_owned(),
        id: Some(id),
        email: given("delivery_email").or_else(|| given("email")),
        email_verified: true,
        full_name: row.text("full_name").to_owned(),
        role: Some(role.as_str().to_owned()),
        bot: bot.map(|bot| bot.as_str().to_owned()),
        bot_owner_id,
        active: row.flag("is_active")?,
        joined: rfc3339(joined),
        language: known_language(row.text("default_language")),
        password_hash: given("password"),
        zulip_api_key: given("api_key"),
        ..UserLine::default()
    })
}

/// Gives a person the first name that suits and that nobody of the realm has yet.
fn give_user_name(line: &mut UserLine, taken: &mut HashSet<String>) {
    if line.bot.is_none() {
        let mut names = auth_engine::user_names(&line.full_name, line.email.as_deref());
        line.username = names.find(|name| taken.insert(name.clone()));
    }
}

/// A table as CSV.
struct Table<R> {
    name: &'static str,
    reader: csv::Reader<Text<R>>,
    columns: HashMap<String, usize>,
}

/// A row of it.
struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl<R: Read> Table<R> {
    fn new(name: &'static str, text: R, needed: &[&str]) -> Result<Self, ConvertError> {
        let mut reader = csv::Reader::from_reader(without_mark(text)?);
        let header = reader.headers().map_err(|error| broken(name, error))?;
        let columns: HashMap<String, usize> =
            header.iter().enumerate().map(|(index, column)| (column.to_owned(), index)).collect();
        if let Some(missing) = needed.iter().find(|column| !columns.contains_key(**column)) {
            return Err(ConvertError::Form(format!(
                "{name} has no column {missing}: was a header line written?"
            )));
        }
        Ok(Self { name, reader, columns })
    }

    fn each(mut self, mut take: impl FnMut(&Row<'_>)) -> Result<(), ConvertError> {
        let mut record = csv::StringRecord::new();
        while self.reader.read_record(&mut record).map_err(|error| broken(self.name, error))? {
            take(&Row { columns: &self.columns, record: &record });
        }
        Ok(())
    }
}

impl Row<'_> {
    /// What stands in a column; nothing where it is null, empty, or unknown to this version of Zulip.
    fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default()
    }

    fn number(&self, column: &str) -> Result<i64, BadLine> {
        self.text(column).parse().map_err(|_| BadLine(format!("`{column}` is not a number")))
    }

    fn flag(&self, column: &str) -> Result<bool, BadLine> {
        match self.text(column) {
            "t" | "true" => Ok(true),
            "f" | "false" => Ok(false),
            _ => Err(BadLine(format!("`{column}` is neither t nor f"))),
        }
    }
}

/// Where a table is broken, without what stands there.
fn broken(name: &str, error: csv::Error) -> ConvertError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ConvertError::Read(error),
        csv::ErrorKind::Utf8 { .. } => ConvertError::Form(format!("{name}, line {line}: not UTF-8")),
        _ => ConvertError::Form(format!("{name}, line {line}: not as many columns as the header")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
