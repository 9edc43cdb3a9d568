//! Users of a Zettelstore as import lines. Pure.
//!
//! ```text
//! 20240101000200.zettel   metadata up to the first blank line, then whatever there is
//! 20240101000200          metadata, in a file beside that of the content; `.meta` before version 0.3
//! 20240101000200.txt      the two lines that `zettelstore password` prints
//! users.txt               these lines more than once, each time with a line `zid: …`
//! ```
//!
//! A text file whose zettel id a file of metadata has is the content of that zettel: every writer of the Zettelstore could
//! have written it, and no user is read from it.
//!
//! What Zettelstore itself would not heed is left out and noted: a second zettel with the same `user-id`, a
//! credential that no password fits.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use auth_core::{Timestamp, fold};
use auth_crypto::password::{NameContext, check_import};

use super::converted::Converted;
use super::line::{BadLine, UserLine, bad, rfc3339};
use super::text::without_mark;

/// The keys of metadata with their values, trimmed; of a repeated key the last counts.
type Metadata = BTreeMap<String, String>;

/// A user as a file says.
struct ZettelUser {
    file: String,
    zid: u64,
    user_id: String,
    metadata: Metadata,
}

/// Converts files, each a name and its content, to import lines for a realm. Files that hold no user are passed
/// over.
///
/// ```
/// use auth_transfer::convert_zettel;
/// let zettel = b"title: Ada\nuser-id: ada\nuser-role: writer\n\nThe one and only.\n".to_vec();
/// let mut converted = convert_zettel([("20240101000200.zettel".to_owned(), zettel)], "notes");
/// assert!(converted.lines.text()?.contains(r#""username":"ada""#) && converted.places.len() == 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn convert_zettel(files: impl IntoIterator<Item = (String, Vec<u8>)>, realm: &str) -> Converted {
    let mut converted = Converted::default();
    let mut users = Vec::new();
    let files: Vec<_> = files.into_iter().collect();
    let mut best: HashMap<u64, Form> = HashMap::new();
    for (file, _) in &files {
        if let Some(zid) = zid_of_name(file) {
            let best = best.entry(zid).or_insert(Form::Other);
            *best = (*best).max(Form::of(file));
        }
    }
    for (file, content) in files {
        // A zettel of the syntax `meta` has its content in a file that ends so, too.
        let is_content = zid_of_name(&file).is_some_and(|zid| best.get(&zid) > Some(&Form::of(&file)));
        if is_content {
            continue;
        }
        match users_of(&file, &content) {
            Ok(found) => users.extend(found),
            Err(BadLine(reason)) => converted.bad.push(file, reason),
        }
    }
    users.sort_by_key(|user| user.zid);
    let mut zids: HashMap<u64, String> = HashMap::new();
    let mut known: HashMap<String, u64> = HashMap::new();
    for user in users {
        if let Some(other) = zids.get(&user.zid) {
            let reason = format!("the zettel id {:014} is also found in {other}", user.zid);
            converted.bad.push(user.file, reason);
        } else if let Some(older) = known.get(&user.user_id) {
            let note = format!("left out: its user-id is that of {older:014}, which is older");
            converted.notes.push(user.file, note);
        } else {
            zids.insert(user.zid, user.file.clone());
            known.insert(user.user_id.clone(), user.zid);
            take(&mut converted, user, realm);
        }
    }
    converted
}

fn take(converted: &mut Converted, user: ZettelUser, realm: &str) {
    let ZettelUser { file, zid, user_id, metadata } = user;
    let value = |key: &str| metadata.get(key).filter(|value| !value.is_empty());
    let password_hash = match value("credential").map(|hash| format!("zettelstore${hash}")) {
        None => {
            converted.note(&file, "taken without a password: it has no credential");
            None
        }
        Some(hash) => {
            let context = NameContext { zettelstore_id: zid, user_name: user_id.clone() };
            match check_import(&hash, Some(&context)) {
                Ok(_) => Some(hash),
                Err(why) => {
                    converted.note(&file, format!("taken without a password: {why}"));
                    None
                }
            }
        }
    };
    let role = value("user-role").map(|role| fold(role));
    let is_owner = role.as_deref() == Some("owner");
    let created = value("created").and_then(|digits| moment(digits));
    let line = UserLine {
        kind: "user".to_owned(),
        realm: realm.to_owned(),
        username: Some(user_id),
        full_name: value("title").cloned().unwrap_or_default(),
        role: is_owner.then(|| "owner".to_owned()),
        active: true,
        joined: created.or_else(|| moment(&format!("{zid:014}"))).and_then(rfc3339),
        password_hash,
        zettelstore_zid: Some(format!("{zid:014}")),
        zettelstore_role: role.filter(|_| !is_owner),
        ..UserLine::default()
    };
    converted.take(&file, &line);
}

/// The users in a file: at most one in a zettel, any number in a file of another kind.
fn users_of(file: &str, content: &[u8]) -> Result<Vec<ZettelUser>, BadLine> {
    let is_zettel = Form::of(file) != Form::Other;
    let mut text = Vec::new();
    let read = without_mark(content).and_then(|mut content| content.read_to_end(&mut text));
    read.map_err(|error| BadLine(error.to_string()))?;
    let text = String::from_utf8_lossy(&text);
    let mut users = Vec::new();
    for metadata in blocks(&text, is_zettel) {
        let Some(user_id) = metadata.get("user-id").filter(|id| !id.is_empty()) else { continue };
        if metadata.values().any(|value| value.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(bad("not UTF-8"));
        }
        let zid = match metadata.get("zid").filter(|_| !is_zettel) {
            Some(zid) => zettel_id(zid).ok_or_else(|| bad("`zid` is not 14 digits"))?,
            None => zid_of_name(file).ok_or_else(|| {
                bad("no zettel id: its name doesn't begin with 14 digits, and no line `zid: …`")
            })?,
        };
        users.push(ZettelUser { file: file.to_owned(), zid, user_id: fold(user_id), metadata });
    }
    Ok(users)
}

/// The blocks of metadata in a text: of a zettel the first, which may begin with a line of hyphens and ends with
/// another or a blank one; else all, where a repeated key begins another one too.
fn blocks(text: &str, is_zettel: bool) -> Vec<Metadata> {
    let mut blocks = vec![Metadata::new()];
    let mut last_key = None;
    for (number, line) in text.lines().enumerate() {
        let ends = line.trim().is_empty() || line.starts_with("---");
        match (ends, blocks.last_mut()) {
            (true, _) if is_zettel && !(number == 0 && line.starts_with("---")) => break,
            (true, Some(block)) if !block.is_empty() => blocks.push(Metadata::new()),
            (true, _) => {}
            (false, Some(block)) => match entry(line) {
                Entry::Comment => {}
                Entry::Continued(more) => {
                    if let Some(value) = last_key.as_ref().and_then(|key| block.get_mut(key)) {
                        if !value.is_empty() {
                            value.push(' ');
                        }
                        value.push_str(more);
                    }
                }
                Entry::Pair(key, value) => {
                    last_key = Some(key.clone());
                    if block.contains_key(&key) && !is_zettel {
                        blocks.push(Metadata::from([(key, value)]));
                    } else {
                        block.insert(key, value);
                    }
                }
            },
            (false, None) => {}
        }
    }
    blocks
}

/// What a line of metadata is.
enum Entry<'a> {
    /// Nothing.
    Comment,
    /// More of the value before.
    Continued(&'a str),
    /// A key, in lower case, with its value.
    Pair(String, String),
}

fn entry(line: &str) -> Entry<'_> {
    if line.trim_start().starts_with('%') {
        return Entry::Comment;
    }
    if line.starts_with([' ', '\t']) {
        return Entry::Continued(line.trim());
    }
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let (key, rest) = line.split_at(line.find(|c| !is_key(c)).unwrap_or(line.len()));
    if key.is_empty() {
        return Entry::Comment;
    }
    let value = rest.trim_start();
    let value = value.strip_prefix(':').unwrap_or(value).trim();
    Entry::Pair(key.to_ascii_lowercase(), value.to_owned())
}

/// What a file is by its name. Of a zettel with several files, the later form holds the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// Content, or printed lines.
    Other,
    /// The metadata of a zettel, before version 0.3; or content.
    Older,
    /// The metadata of a zettel, with its content behind it or in another file.
    Metadata,
}

impl Form {
    fn of(file: &str) -> Self {
        match file.rsplit_once('.') {
            Some((_, "zettel")) => Self::Metadata,
            Some((_, "meta")) => Self::Older,
            None if zid_of_name(file).is_some() => Self::Metadata,
            _ => Self::Other,
        }
    }
}

/// The 14 digits that a file's name begins with.
fn zid_of_name(file: &str) -> Option<u64> {
    let (digits, rest) = file.split_at_checked(14)?;
    zettel_id(digits).filter(|_| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn zettel_id(digits: &str) -> Option<u64> {
    let whole = digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole { digits.parse().ok() } else { None }
}

/// The moment that 14 digits name, as if they were of UTC: Zettelstore doesn't say of which zone they are.
fn moment(digits: &str) -> Option<Timestamp> {
    zettel_id(digits)?;
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(time.timestamp().as_millisecond()))
}
