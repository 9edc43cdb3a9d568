//! The list form of a token: the text `(KIND "USER" IAT EXP ZID)` and its HMAC-SHA384, both in base64url.

use auth_core::{Timestamp, Token};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

use super::claims::{Claims, TokenKind, parse_zettel_id};
use crate::jwt::Invalid;

/// The longest first part that Zettelstore accepts.
const MAX_TEXT: usize = 1024;

/// The length of the second part: the 48 bytes of the HMAC in base64url.
const MAC_TEXT: usize = 64;

pub(super) fn sign(key: &hmac::Key, claims: &Claims) -> Token {
    let text = print(claims);
    let mac = hmac::sign(key, text.as_bytes());
    let mut token = BASE64URL_NOPAD.encode(text.as_bytes());
    token.push('.');
    BASE64URL_NOPAD.encode_append(mac.as_ref(), &mut token);
    Token::new(token)
}

pub(super) fn verify<'k>(
    token: &str,
    keys: impl IntoIterator<Item = &'k hmac::Key>,
) -> Result<Claims, Invalid> {
    let (text, mac) = token.split_once('.').ok_or(Invalid)?;
    if text.len() > MAX_TEXT || mac.len() != MAC_TEXT {
        return Err(Invalid);
    }
    let text = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| Invalid)?;
    let mac = BASE64URL_NOPAD.decode(mac.as_bytes()).map_err(|_| Invalid)?;
    keys.into_iter().find(|key| hmac::verify(key, &text, &mac).is_ok()).ok_or(Invalid)?;
    std::str::from_utf8(&text).ok().and_then(parse).ok_or(Invalid)
}

fn print(claims: &Claims) -> String {
    let user = claims.user.replace('\\', r"\\").replace('"', "\\\"");
    let (issued, expires) = (claims.issued.as_secs(), claims.expires.as_secs());
    format!("({} \"{user}\" {issued} {expires} {})", claims.kind.number(), claims.zid)
}

fn parse(text: &str) -> Option<Claims> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let (kind, rest) = inner.split_once(" \"")?;
    let (user, rest) = rest.rsplit_once("\" ")?;
    let mut numbers = rest.split(' ');
    let [Some(issued), Some(expires), Some(zid), None] =
        [numbers.next(), numbers.next(), numbers.next(), numbers.next()]
    else {
        return None;
    };
    let claims = Claims {
        kind: TokenKind::from_number(kind.parse().ok()?)?,
        user: user.replace("\\\"", "\"").replace(r"\\", "\\"),
        zid: parse_zettel_id(zid)?,
        issued: Timestamp::from_secs(issued.parse().ok()?),
        expires: Timestamp::from_secs(expires.parse().ok()?),
    };
    // Zettelstore computes the HMAC of the text that it prints, so other spellings of the same claims are invalid.
    (print(&claims) == text).then_some(claims)
}
