//! Users of a Rocket.Chat as import lines: the `users` collection as `mongoexport` writes it. Pure.
//!
//! A document a line, or an array of them; dates and ids as extended JSON has them, in its relaxed or canonical
//! form. Kept are names, roles, the password's hash, the TOTP device with its backup codes, mailed codes, and the
//! tokens, whose digests are ours: nobody is logged out.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use auth_core::Timestamp;
use data_encoding::HEXLOWER;
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::converted::{ConvertError, Converted};
use super::language::known_language;
use super::line::{BadLine, TokenLine, UserLine, bad, rfc3339, time};
use super::text::without_mark;

/// Converts exported users to import lines for a realm.
///
/// # Errors
/// [`ConvertError`] when it is no JSON to its end: nothing after that place could be told.
///
/// ```
/// use auth_transfer::convert_rocketchat;
/// let exported = r#"{"_id":"aYjKmNpQrStUvWxYz","type":"user","username":"ada","active":true,"roles":["user"]}"#;
/// let mut converted = convert_rocketchat(exported.as_bytes(), "chat")?;
/// assert!(converted.lines.text()?.contains(r#""rocketchat_id":"aYjKmNpQrStUvWxYz""#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert_rocketchat(exported: impl Read, realm: &str) -> Result<Converted, ConvertError> {
    let mut converted = Converted::default();
    let mut exported = BufReader::new(without_mark(exported)?);
    let is_array = first_byte(&mut exported).map_err(ConvertError::Read)? == Some(b'[');
    let mut json = serde_json::Deserializer::from_reader(exported);
    let read = if is_array {
        let array = Documents { realm, converted: &mut converted };
        json.deserialize_seq(array).and_then(|()| json.end())
    } else {
        let documents = json.into_iter::<Value>();
        (1_u64..).zip(documents).try_for_each(|(number, document)| {
            convert(&document?, number, realm, &mut converted);
            Ok(())
        })
    };
    read.map_err(|error| match error.classify() {
        serde_json::error::Category::Io => ConvertError::Read(error.into()),
        _ => ConvertError::Form(format!("line {}: not JSON", error.line())),
    })?;
    Ok(converted)
}

/// The first byte that is no space, which stays to be read.
fn first_byte(text: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let ahead = text.fill_buf()?;
        let spaces = ahead.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (first, is_empty) = (ahead.get(spaces).copied(), ahead.is_empty());
        if first.is_some() || is_empty {
            return Ok(first);
        }
        text.consume(spaces);
    }
}

/// The documents of an array, one after the other.
struct Documents<'a> {
    realm: &'a str,
    converted: &'a mut Converted,
}

impl<'de> Visitor<'de> for Documents<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        for number in 1_u64.. {
            let Some(document) = array.next_element::<Value>()? else { break };
            convert(&document, number, self.realm, self.converted);
        }
        Ok(())
    }
}

fn convert(document: &Value, number: u64, realm: &str, converted: &mut Converted) {
    let name = document.get("username").and_then(Value::as_str);
    let place = match name {
        Some(name) => format!("document {number} ({})", name.escape_debug()),
        None => format!("document {number}"),
    };
    let line = user(document, realm, &mut |note| converted.note(&place, note));
    converted.take_or_refuse(place.clone(), line);
}

fn user(document: &Value, realm: &str, note: &mut dyn FnMut(&str)) -> Result<UserLine, BadLine> {
    let fields = document.as_object().ok_or_else(|| bad("not a document"))?;
    let id = fields.get("_id").and_then(id).ok_or_else(|| bad("`_id` is neither a text nor an id"))?;
    let bot = match text(fields, "type") {
        None | Some("user") => None,
        Some("bot") => Some("default"),
        Some("app") => Some("app"),
        Some(_) => return Err(bad("its `type` is not one that logs in")),
    };
    if flag(fields, "federated") {
        return Err(bad("it is a user of another server (`federated`)"));
    }
    let active = flag(fields, "active");
    if !active && !fields.contains_key("active") {
        note("taken as deactivated: it doesn't say that it is active");
    }
    let services = fields.get("services").and_then(Value::as_object);
    let service = |name: &str| services.and_then(|all| all.get(name)).and_then(Value::as_object);
    let mut line = UserLine {
        kind: "user".to_owned(),
        realm: realm.to_owned(),
        rocketchat_id: Some(id),
        username: given(fields, "username").map(str::to_owned),
        full_name: text(fields, "name").unwrap_or_default().to_owned(),
        bot: bot.map(str::to_owned),
        active,
        joined: fields.get("createdAt").and_then(date).and_then(rfc3339),
        must_change_password: flag(fields, "requirePasswordChange"),
        language: text(fields, "language").and_then(known_language),
        email_2fa: Some(service("email2fa").is_some_and(|factor| flag(factor, "enabled"))),
        ..UserLine::default()
    };
    take_address(fields, &mut line, note);
    take_roles(fields, &mut line);
    match service("password").and_then(|password| text(password, "bcrypt")) {
        Some(hash) => line.password_hash = Some(format!("rocketchat${hash}")),
        None if bot.is_none() => note("taken without a password: it has no bcrypt hash"),
        None => {}
    }
    if let Some(device) = service("totp").filter(|device| flag(device, "enabled")) {
        let secret = text(device, "secret").ok_or_else(|| bad("`services.totp.secret` is missing"))?;
        line.totp_secret = Some(secret.to_owned());
        line.backup_code_digests =
            list(device, "hashedBackup").filter_map(Value::as_str).map(str::to_lowercase).collect();
        if line.backup_code_digests.iter().any(|digest| !is_digest(digest)) {
            return Err(bad("`services.totp.hashedBackup` has one that is not SHA-256"));
        }
    }
    if let Some(resume) = service("resume") {
        line.rocketchat_tokens = list(resume, "loginTokens").map(token).collect::<Result<_, _>>()?;
    }
    Ok(line)
}

/// The first address that is verified, else the first; login uses one.
fn take_address(fields: &Map<String, Value>, line: &mut UserLine, note: &mut dyn FnMut(&str)) {
    let addresses = list(fields, "emails").filter_map(|entry| {
        let entry = entry.as_object()?;
        Some((given(entry, "address")?, flag(entry, "verified")))
    });
    let addresses: Vec<_> = addresses.collect();
    let verified = addresses.iter().find(|(_, verified)| *verified);
    let Some((address, verified)) = verified.or(addresses.first()) else { return };
    line.email = Some((*address).to_owned());
    line.email_verified = *verified;
    if addresses.len() > 1 {
        note(&format!("of its addresses only {} is taken", address.escape_debug()));
    }
}

fn take_roles(fields: &Map<String, Value>, line: &mut UserLine) {
    let roles: Vec<String> = list(fields, "roles").filter_map(Value::as_str).map(str::to_owned).collect();
    let has = |name: &str| roles.iter().any(|role| role == name);
    let role = if has("admin") {
        Some("admin")
    } else if has("guest") && !has("user") {
        Some("guest")
    } else {
        None
    };
    line.role = role.map(str::to_owned);
    line.rocketchat_roles = Some(roles);
}

fn token(entry: &Value) -> Result<TokenLine, BadLine> {
    let fields =
        entry.as_object().ok_or_else(|| bad("`services.resume.loginTokens` has one that is none"))?;
    let digest = text(fields, "hashedToken");
    let digest = digest.ok_or_else(|| bad("`services.resume.loginTokens` has one without `hashedToken`"))?;
    let is_personal = text(fields, "type") == Some("personalAccessToken");
    let created = fields.get("when").or_else(|| fields.get("createdAt")).and_then(date).and_then(rfc3339);
    let name = text(fields, "name").map(str::to_owned);
    if is_personal && name.is_none() {
        return Err(bad("`services.resume.loginTokens` has a personal access token without `name`"));
    }
    Ok(TokenLine {
        digest: digest.to_owned(),
        created,
        expires: None,
        name: name.filter(|_| is_personal),
        last_part: text(fields, "lastTokenPart").map(str::to_owned).filter(|_| is_personal),
        bypass_second_factor: is_personal && flag(fields, "bypassTwoFactor"),
    })
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name)?.as_str()
}

/// A text that says something: a form that was left empty is kept as an empty text.
fn given<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    text(fields, name).filter(|text| !text.trim().is_empty())
}

fn flag(fields: &Map<String, Value>, name: &str) -> bool {
    fields.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(fields: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn is_digest(text: &str) -> bool {
    HEXLOWER.decode(text.as_bytes()).is_ok_and(|bytes| bytes.len() == 32)
}

/// A text, or `{"$oid": …}`.
fn id(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("$oid")?.as_str()).map(str::to_owned)
}

/// `{"$date": …}` with an RFC 3339 time, milliseconds, or `{"$numberLong": …}`; or a plain text.
fn date(value: &Value) -> Option<Timestamp> {
    let inner = value.get("$date").unwrap_or(value);
    let millis = inner.get("$numberLong").map_or_else(|| inner.as_i64(), |long| long.as_str()?.parse().ok());
    millis.map(Timestamp::from_millis).or_else(|| time(inner.as_str()?))
}
