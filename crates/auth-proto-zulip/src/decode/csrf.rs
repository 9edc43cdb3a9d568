//! CSRF tokens, and the check of requests that change something, as Django has them.
//!
//! A browser has a secret in a cookie. Pages carry it masked, freshly each time; the secret itself is a token too.

use std::fmt;

use auth_core::Token;

/// The length of a secret, in characters.
pub const SECRET_LENGTH: usize = 32;

/// The symbols of secrets and masks, in the order that masking counts by.
const SYMBOLS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// What is judged of a request that changes something.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols and tests build it")]
pub struct Sent<'a> {
    /// Whether browsers reach the site by TLS.
    pub is_secure: bool,
    /// The host that the request is for, with a port where one was sent.
    pub host: &'a str,
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The `Referer` header.
    pub referer: Option<&'a str>,
    /// The cookie of the secret.
    pub cookie: Option<&'a Token>,
    /// The field `csrfmiddlewaretoken` of a form.
    pub field: Option<&'a str>,
    /// The `X-CSRFToken` header.
    pub header: Option<&'a str>,
}

/// Why a request is taken for one that another site made a browser send. Its text is what clients are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are Django's reasons")]
pub enum CsrfError {
    /// The `Origin` is another one.
    Origin(String),
    /// There is no `Referer`, although the site is reached by TLS.
    NoReferer,
    /// The `Referer` is no address.
    MalformedReferer,
    /// The `Referer` is an address without TLS.
    InsecureReferer,
    /// The `Referer` is another site.
    Referer(String),
    /// There is no cookie.
    NoCookie,
    /// The cookie can't hold a secret.
    Cookie(Malformed),
    /// There is no token.
    NoToken,
    /// The token can't be one.
    Token(Source, Malformed),
    /// The token is another browser's.
    WrongToken(Source),
}

/// What is wrong with a text that should be a secret or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Django looks at two things")]
pub enum Malformed {
    /// It is neither as long as a secret nor as long as a masked one.
    Length,
    /// It has other characters than letters and digits.
    Characters,
}

/// Where a token was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Django looks at two places")]
pub enum Source {
    /// In a form.
    Field,
    /// In a header.
    Header,
}

/// Judges a request that changes something.
///
/// ```
/// use auth_core::Token;
/// use auth_proto_zulip::decode::csrf::{CsrfError, Sent, check, mask};
///
/// let secret = Token::new("a".repeat(32));
/// let token = mask(&secret, &"z9".repeat(16));
/// let sent = Sent {
///     is_secure: true,
///     host: "zulip.example.org",
///     origin: Some("https://zulip.example.org"),
///     referer: None,
///     cookie: Some(&secret),
///     field: Some(token.expose()),
///     header: None,
/// };
/// assert_eq!(check(&sent), Ok(()));
/// assert_eq!(check(&Sent { cookie: None, ..sent }), Err(CsrfError::NoCookie));
/// ```
///
/// # Errors
/// A [`CsrfError`] with the first thing that is wrong.
pub fn check(sent: &Sent<'_>) -> Result<(), CsrfError> {
    let scheme = if sent.is_secure { "https" } else { "http" };
    match sent.origin {
        Some(origin) if origin == format!("{scheme}://{}", sent.host) => {}
        Some(origin) => return Err(CsrfError::Origin(origin.to_owned())),
        None if sent.is_secure => check_referer(sent.referer, sent.host)?,
        None => {}
    }
    let cookie = sent.cookie.ok_or(CsrfError::NoCookie)?;
    let secret = secret_of(cookie.expose()).map_err(CsrfError::Cookie)?;
    let (token, source) = match (sent.field.filter(|field| !field.is_empty()), sent.header) {
        (Some(field), _) => (field, Source::Field),
        (None, Some(header)) => (header, Source::Header),
        (None, None) => return Err(CsrfError::NoToken),
    };
    let shown = secret_of(token).map_err(|malformed| CsrfError::Token(source, malformed))?;
    // Secret types are compared in constant time.
    if shown == secret { Ok(()) } else { Err(CsrfError::WrongToken(source)) }
}

fn check_referer(referer: Option<&str>, host: &str) -> Result<(), CsrfError> {
    let referer = referer.ok_or(CsrfError::NoReferer)?;
    let is_scheme = |scheme: &&str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let (scheme, rest) = referer.split_once("://").ok_or(CsrfError::MalformedReferer)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let has_brackets = authority.contains('[') == authority.contains(']');
    if !is_scheme(&scheme) || authority.is_empty() || !has_brackets {
        return Err(CsrfError::MalformedReferer);
    }
    if !scheme.eq_ignore_ascii_case("https") {
        return Err(CsrfError::InsecureReferer);
    }
    if authority == host { Ok(()) } else { Err(CsrfError::Referer(referer.to_owned())) }
}

/// The secret that a text is, or that it masks.
///
/// # Errors
/// [`Malformed`] when the text can be neither.
pub fn secret_of(text: &str) -> Result<Token, Malformed> {
    let (mask, cipher) = match text.chars().count() {
        SECRET_LENGTH => (None, text),
        length if length == 2 * SECRET_LENGTH => match text.split_at_checked(SECRET_LENGTH) {
            Some((mask, cipher)) => (Some(mask), cipher),
            None => return Err(Malformed::Characters),
        },
        _ => return Err(Malformed::Length),
    };
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Malformed::Characters);
    }
    Ok(match mask {
        Some(mask) => Token::new(shift(cipher, mask, |cipher, mask| cipher + SYMBOLS.len() - mask)),
        None => Token::new(cipher),
    })
}

/// Masks a secret: the mask, and the secret moved by it. Both have [`SECRET_LENGTH`] letters and digits.
#[must_use]
pub fn mask(secret: &Token, mask: &str) -> Token {
    Token::new(format!("{mask}{}", shift(secret.expose(), mask, |secret, mask| secret + mask)))
}

/// Moves each symbol of a text by the symbol of a mask.
fn shift(text: &str, mask: &str, by: impl Fn(usize, usize) -> usize) -> String {
    let place = |symbol: u8| SYMBOLS.iter().position(|found| *found == symbol).unwrap_or_default();
    let moved =
        text.bytes().zip(mask.bytes()).map(|(text, mask)| by(place(text), place(mask)) % SYMBOLS.len());
    moved.filter_map(|at| SYMBOLS.get(at).copied()).map(char::from).collect()
}

impl fmt::Display for CsrfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(origin) => {
                write!(f, "Origin checking failed - {origin} does not match any trusted origins.")
            }
            Self::NoReferer => f.write_str("Referer checking failed - no Referer."),
            Self::MalformedReferer => f.write_str("Referer checking failed - Referer is malformed."),
            Self::InsecureReferer => {
                f.write_str("Referer checking failed - Referer is insecure while host is secure.")
            }
            Self::Referer(referer) => {
                write!(f, "Referer checking failed - {referer} does not match any trusted origins.")
            }
            Self::NoCookie => f.write_str("CSRF cookie not set."),
            Self::Cookie(malformed) => write!(f, "CSRF cookie {malformed}."),
            Self::NoToken => f.write_str("CSRF token missing."),
            Self::Token(source, malformed) => write!(f, "CSRF token from {source} {malformed}."),
            Self::WrongToken(source) => write!(f, "CSRF token from {source} incorrect."),
        }
    }
}

impl std::error::Error for CsrfError {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "has incorrect length",
            Self::Characters => "has invalid characters",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Field => "POST",
            Self::Header => "the 'X-Csrftoken' HTTP header",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "abcdefghijklmnopqrstuvwxyz012345";

    /// A secret with other characters than letters and digits, and a masked one of another browser.
    const FOREIGN: &str = "--------------------------------";
    const OTHER: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

    fn judge(change: impl for<'a> FnOnce(Sent<'a>) -> Sent<'a>) -> Option<String> {
        let secret = Token::new(SECRET);
        let sent = Sent {
            is_secure: true,
            host: "zulip.example.org",
            origin: None,
            referer: Some("https://zulip.example.org/login/"),
            cookie: Some(&secret),
            field: Some(SECRET),
            header: None,
        };
        check(&change(sent)).err().map(|error| error.to_string())
    }

    #[test]
    fn every_refusal_has_its_reason() {
        let own = "https://zulip.example.org";
        assert_eq!(judge(|sent| sent), None);
        assert_eq!(judge(|sent| Sent { origin: Some(own), referer: None, ..sent }), None);
        assert_eq!(judge(|sent| Sent { is_secure: false, referer: None, ..sent }), None);
        assert_eq!(judge(|sent| Sent { field: Some(""), header: Some(SECRET), ..sent }), None);
        assert_eq!(judge(|sent| Sent { referer: Some("HTTPS://zulip.example.org"), ..sent }), None);
        let mut refused = Vec::new();
        for origin in
            ["null", "https://evil.example", "http://zulip.example.org", "https://zulip.example.org:1"]
        {
            assert_eq!(
                judge(|sent| Sent { origin: Some(origin), ..sent }),
                Some(format!("Origin checking failed - {origin} does not match any trusted origins."))
            );
        }
        for (referer, reason) in [
            ("", "Referer is malformed."),
            ("zulip.example.org", "Referer is malformed."),
            ("https://", "Referer is malformed."),
            ("https://[::1/", "Referer is malformed."),
            ("http://zulip.example.org/", "Referer is insecure while host is secure."),
            ("https://evil.example/", "https://evil.example/ does not match any trusted origins."),
            (
                "https://zulip.example.org.evil.example",
                "https://zulip.example.org.evil.example does not match any trusted origins.",
            ),
            (
                "https://zulip.example.org@evil.example/",
                "https://zulip.example.org@evil.example/ does not match any trusted origins.",
            ),
        ] {
            refused.push((
                judge(|sent| Sent { referer: Some(referer), ..sent }),
                format!("Referer checking failed - {reason}"),
            ));
        }
        refused.push((
            judge(|sent| Sent { referer: None, ..sent }),
            "Referer checking failed - no Referer.".into(),
        ));
        refused.push((judge(|sent| Sent { cookie: None, ..sent }), "CSRF cookie not set.".into()));
        refused.push((judge(|sent| Sent { field: None, ..sent }), "CSRF token missing.".into()));
        for (text, reason) in [("y", "has incorrect length"), (FOREIGN, "has invalid characters")] {
            refused.push((
                judge(|sent| Sent { field: Some(text), ..sent }),
                format!("CSRF token from POST {reason}."),
            ));
            refused.push((
                judge(|sent| Sent { field: None, header: Some(text), ..sent }),
                format!("CSRF token from the 'X-Csrftoken' HTTP header {reason}."),
            ));
            let cookie = Token::new(text);
            let sent = Sent {
                is_secure: false,
                host: "",
                origin: None,
                referer: None,
                cookie: Some(&cookie),
                field: None,
                header: None,
            };
            refused
                .push((check(&sent).err().map(|error| error.to_string()), format!("CSRF cookie {reason}.")));
        }
        refused.push((
            judge(|sent| Sent { field: Some(OTHER), ..sent }),
            "CSRF token from POST incorrect.".into(),
        ));
        refused.push((
            judge(|sent| Sent { field: None, header: Some(OTHER), ..sent }),
            "CSRF token from the 'X-Csrftoken' HTTP header incorrect.".into(),
        ));
        for (found, expected) in refused {
            assert_eq!(found.as_deref(), Some(expected.as_str()));
        }
    }

    #[test]
    fn recorded_token_masks_the_recorded_secret() {
        let token = "M2wRMWCpOF8Fi84pZpoORV7JWD5xuweIwiLlDci3wZy2kkHavWfoIyDktvxKTakv";
        assert_eq!(secret_of(token).unwrap().expose(), "UqpE1qQOSuAxcmNVGH1K1NGLH2CnzOgX");
        let secret = Token::new("UqpE1qQOSuAxcmNVGH1K1NGLH2CnzOgX");
        assert_eq!(mask(&secret, &token[..32]).expose(), token);
    }

    proptest! {
        #[test]
        fn masked_secret_is_read_back(secret in "[A-Za-z0-9]{32}", with in "[A-Za-z0-9]{32}") {
            let secret = Token::new(secret);
            let token = mask(&secret, &with);
            prop_assert_eq!(token.expose().len(), 2 * SECRET_LENGTH);
            prop_assert_eq!(secret_of(token.expose()), Ok(secret));
        }

        #[test]
        fn another_secret_is_never_taken(
            secret in "[A-Za-z0-9]{32}",
            other in "[A-Za-z0-9]{32}",
            with in "[A-Za-z0-9]{32}",
        ) {
            prop_assume!(secret != other);
            let (secret, other) = (Token::new(secret), mask(&Token::new(other), &with));
            let sent = Sent {
                is_secure: false,
                host: "h",
                origin: None,
                referer: None,
                cookie: Some(&secret),
                field: Some(other.expose()),
                header: None,
            };
            prop_assert_eq!(check(&sent), Err(CsrfError::WrongToken(Source::Field)));
        }

        #[test]
        fn any_text_is_read(text: String, referer: String, origin: Option<String>) {
            let _ = secret_of(&text);
            let cookie = Token::new(text.as_str());
            let sent = Sent {
                is_secure: true,
                host: "zulip.example.org",
                origin: origin.as_deref(),
                referer: Some(&referer),
                cookie: Some(&cookie),
                field: Some(&text),
                header: None,
            };
            prop_assert!(origin.is_none() || check(&sent).is_err());
        }
    }
}
