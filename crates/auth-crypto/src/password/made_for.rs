//! The name and the id that a Zettelstore hash was made with, where its user has others by now:
//! `zettelstore$@ID@NAME@$2a$…`, with the name in base64url.

use data_encoding::BASE64URL_NOPAD;

use super::error::StoredPasswordError;
use super::input::NameContext;

/// The prefix of Zettelstore's hashes.
pub(super) const PREFIX: &str = "zettelstore$";

/// What begins and separates the parts.
const MARK: char = '@';

/// Splits what follows [`PREFIX`] into the name and the id, where they are there, and the hash.
pub(super) fn split(text: &str) -> Result<(Option<Box<NameContext>>, &str), StoredPasswordError> {
    let Some(parts) = text.strip_prefix(MARK) else { return Ok((None, text)) };
    let parts = parts.split_once(MARK).and_then(|(id, rest)| Some((id, rest.split_once(MARK)?)));
    let (id, (name, hash)) = parts.ok_or(StoredPasswordError::Malformed)?;
    let name = BASE64URL_NOPAD.decode(name.as_bytes()).ok().and_then(|name| String::from_utf8(name).ok());
    let (Ok(zettelstore_id), Some(user_name)) = (id.parse(), name) else {
        return Err(StoredPasswordError::Malformed);
    };
    Ok((Some(Box::new(NameContext { zettelstore_id, user_name })), hash))
}

/// A stored string, wrapped or not, that names whom its hash was made for; `None` where it names somebody already, or is
/// no Zettelstore hash.
pub(super) fn named(text: &str, context: &NameContext) -> Option<String> {
    let (before, hash) = text.split_once(PREFIX)?;
    if hash.starts_with(MARK) {
        return None;
    }
    let NameContext { zettelstore_id, user_name } = context;
    let name = BASE64URL_NOPAD.encode(user_name.as_bytes());
    Some(format!("{before}{PREFIX}{MARK}{zettelstore_id:014}{MARK}{name}{MARK}{hash}"))
}
