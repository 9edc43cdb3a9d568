//! The token in a response of the Zettelstore protocol.

use serde_json::Value;

use crate::http::Response;

/// What a response of the Zettelstore protocol says about a token, in JSON or as a symbolic expression.
///
/// ```
/// use auth_conformance::IssuedToken;
/// use auth_conformance::http::Response;
///
/// let response = Response::parse(b"HTTP/1.1 200 OK\r\n\r\n(\"Bearer\" \"abc\" 600)\n");
/// let issued = IssuedToken::read(&response);
/// assert_eq!((issued.token.as_deref(), issued.expires_in), (Some("abc"), Some(600)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the two values of the wire format")]
pub struct IssuedToken {
    /// The token.
    pub token: Option<String>,
    /// Its remaining lifetime in seconds.
    pub expires_in: Option<i64>,
}

impl IssuedToken {
    /// Reads a response; both values are `None` when it has another form.
    #[must_use]
    pub fn read(response: &Response) -> Self {
        if let Some(Value::Object(json)) = response.json() {
            let token = json.get("token").or_else(|| json.get("access_token"));
            return Self {
                token: token.and_then(Value::as_str).map(str::to_owned),
                expires_in: json.get("expires_in").and_then(Value::as_i64),
            };
        }
        let text = response.text();
        let list = text.trim().strip_prefix("(\"Bearer\" \"").and_then(|list| list.strip_suffix(')'));
        match list.and_then(|list| list.split_once("\" ")) {
            Some((token, seconds)) => {
                Self { token: Some(token.to_owned()), expires_in: seconds.parse().ok() }
            }
            None => Self::default(),
        }
    }
}

/// Kind, user and zettel id in the content of a token, which is a list `(KIND "USER" IAT EXP ZID)`.
pub(crate) fn read_list(text: &str) -> Option<(u64, &str, u64)> {
    let (kind, list) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(" \"")?;
    let (user, list) = list.split_once("\" ")?;
    let mut numbers = list.split(' ').map(str::parse::<u64>);
    let (_iat, _exp, zid) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    numbers.next().is_none().then_some((kind.parse().ok()?, user, zid))
}
