//! The list form: the text `(KIND "USER" IAT EXP ZID)` and its HMAC-SHA384.

use auth_core::{Timestamp, Token};
use ring::hmac;

use super::{BASE64URL_NOPAD, Claims, Invalid, TokenKind, zettel_id};

/// The longest first part (zettelstore.md 6).
const MAX_TEXT: usize = 1024;

/// The length of the second part: 48 bytes in base64.
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
        zid: zettel_id(zid)?,
        issued: Timestamp::from_secs(issued.parse().ok()?),
        expires: Timestamp::from_secs(expires.parse().ok()?),
    };
    // The mac is of the text as it is printed, so there is one text for the same claims.
    (print(&claims) == text).then_some(claims)
}
