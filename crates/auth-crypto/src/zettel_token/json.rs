//! The JSON claims of a token that is a JSON web token.

use auth_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::claims::{Claims, TokenKind, parse_zettel_id};
use crate::jwt::whole_seconds;

/// Prints claims as a JSON object, with the keys in Zettelstore's order.
pub(super) fn print(claims: &Claims) -> String {
    // Printing a JSON value escapes the text; the user name is the only claim that may need it.
    format!(
        r#"{{"_tk":{},"exp":{},"iat":{},"sub":{},"zid":"{:014}"}}"#,
        claims.kind.number(),
        claims.expires.as_secs(),
        claims.issued.as_secs(),
        Value::from(claims.user.as_str()),
        claims.zid,
    )
}

/// Parses claims. All but `iat` are required, and each must be of its own type.
pub(super) fn parse(json: &[u8]) -> Option<Claims> {
    let JsonClaims { kind, exp, iat, sub, zid } = serde_json::from_slice(json).ok()?;
    Some(Claims {
        kind: TokenKind::from_number(kind)?,
        user: sub,
        zid: parse_zettel_id(&zid).filter(|_| zid.len() == 14)?,
        issued: Timestamp::from_secs(iat.as_ref().map_or(Some(0), whole_seconds)?),
        expires: Timestamp::from_secs(whole_seconds(&exp)?),
    })
}

#[derive(Deserialize)]
struct JsonClaims {
    #[serde(rename = "_tk")]
    kind: u64,
    exp: Value,
    iat: Option<Value>,
    sub: String,
    zid: String,
}
