//! `Authorization: Basic`, read as leniently as Python reads it.

use std::fmt;

use auth_core::ApiKey;
use data_encoding::BASE64_NOPAD;

use super::base64::lenient_base64;

/// An e-mail address and an API key as presented, both trimmed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Basic {
    /// The address.
    pub email: String,
    /// The key.
    pub key: ApiKey,
}

/// Why an `Authorization` header can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BasicError {
    /// The header has another scheme.
    OtherScheme,
    /// The header has not two words, or what it holds is not base64, not UTF-8, or has not exactly one colon.
    Malformed,
    /// The key is not 32 ASCII letters and digits.
    MalformedKey,
}

impl fmt::Display for BasicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherScheme => "the scheme is not Basic",
            Self::Malformed => "the credentials are malformed",
            Self::MalformedKey => "the API key is malformed",
        })
    }
}

impl std::error::Error for BasicError {}

impl Basic {
    /// Reads the header's value.
    ///
    /// ```
    /// use auth_proto_zulip::decode::basic::{Basic, BasicError};
    ///
    /// let read = Basic::parse("basic aWFnb0B6dWxpcC5jb206Z2pBMDRaWWNxWEthbHZZTUE4T2VYU2Z6VU9McnRiWnY=").unwrap();
    /// assert_eq!(read.email, "iago@zulip.com");
    /// assert_eq!(Basic::parse("Bearer x"), Err(BasicError::OtherScheme));
    /// assert_eq!(Basic::parse("Basic"), Err(BasicError::Malformed));
    /// ```
    ///
    /// # Errors
    /// A [`BasicError`] when the value holds no address and key.
    pub fn parse(header: &str) -> Result<Self, BasicError> {
        // Nearly all values are well-formed, which is faster to read.
        let usual = header.strip_prefix("Basic ").and_then(strict_base64).map(Ok);
        let decoded = String::from_utf8(usual.unwrap_or_else(|| lenient(header))?);
        let mut decoded = decoded.map_err(|_| BasicError::Malformed)?;
        let (email, key) = decoded.split_once(':').ok_or(BasicError::Malformed)?;
        if key.contains(':') {
            return Err(BasicError::Malformed);
        }
        if !looks_like_key(key.trim()) {
            return Err(BasicError::MalformedKey);
        }
        let email = email.trim().to_owned();
        // The decoded text becomes the key, so that no copy of the key is left behind.
        let start = decoded.trim_end().len() - KEY_LENGTH;
        decoded.truncate(start + KEY_LENGTH);
        decoded.drain(..start);
        Ok(Self { email, key: ApiKey::new(decoded) })
    }
}

/// The decoded credentials of a value in any spelling of the scheme and of base64.
fn lenient(header: &str) -> Result<Vec<u8>, BasicError> {
    let mut words = header.split_whitespace();
    let (Some(scheme), Some(encoded), None) = (words.next(), words.next(), words.next()) else {
        return Err(BasicError::Malformed);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(BasicError::OtherScheme);
    }
    lenient_base64(encoded.as_bytes()).ok_or(BasicError::Malformed)
}

/// Decodes well-formed base64, of which [`lenient_base64`] gives the same bytes.
fn strict_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let bytes = BASE64_NOPAD.decode(digits.as_bytes()).ok()?;
    (text.len().is_multiple_of(4) && !digits.is_empty()).then_some(bytes)
}

/// The length of an API key, in bytes.
const KEY_LENGTH: usize = 32;

/// Whether a text has the form of an API key or of another of Zulip's tokens: 32 ASCII letters and digits.
pub(crate) fn looks_like_key(text: &str) -> bool {
    text.len() == KEY_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv";

    fn header(credentials: impl AsRef<[u8]>) -> String {
        format!("Basic {}", BASE64.encode(credentials.as_ref()))
    }

    #[test]
    fn reads_what_python_reads() {
        let good = header(format!("a@b.c:{KEY}"));
        let spaced = header(format!(" a@b.c : {KEY}\n"));
        let junk = good.replace("Y", "!Y-_");
        for text in [&good, &spaced, &junk, &good.replace("Basic", "bAsIc"), &format!(" {good} ")] {
            let read = Basic::parse(text).unwrap();
            assert_eq!((read.email.as_str(), read.key.expose()), ("a@b.c", KEY), "{text}");
        }
    }

    #[test]
    fn tells_what_is_wrong() {
        let cases = [
            ("".to_owned(), BasicError::Malformed),
            ("Basic".to_owned(), BasicError::Malformed),
            (KEY.to_owned(), BasicError::Malformed),
            (format!("{} x", header("a:b")), BasicError::Malformed),
            (format!("Bearer {KEY}"), BasicError::OtherScheme),
            ("Digest !!!".to_owned(), BasicError::OtherScheme),
            ("Basic !!!!".to_owned(), BasicError::Malformed),
            ("Basic aWFnb0B6dWxpcC5jb206Z2pBMA".to_owned(), BasicError::Malformed),
            (header(b"\xFF\xFE:x"), BasicError::Malformed),
            (header("foo"), BasicError::Malformed),
            (header(format!("a:b:{KEY}")), BasicError::Malformed),
            (header("a:abcd1234"), BasicError::MalformedKey),
            (header(format!("a:{KEY}x")), BasicError::MalformedKey),
            (header(format!("a:-{}", KEY.get(1..).unwrap())), BasicError::MalformedKey),
        ];
        for (text, wrong) in cases {
            assert_eq!(Basic::parse(&text), Err(wrong), "{text}");
        }
    }

    proptest! {
        #[test]
        fn strict_reading_finds_nothing_else(text in "[A-Za-z0-9+/]{0,9}={0,6}|[AQgw=+/ ]{0,12}") {
            if let Some(bytes) = strict_base64(&text) {
                prop_assert_eq!(lenient(&format!("Basic {text}")), Ok(bytes));
            }
        }

        #[test]
        fn any_text_is_read(text: String) {
            let _ = Basic::parse(&text);
            let _ = Basic::parse(&format!("Basic {text}"));
        }

        #[test]
        fn proper_base64_reads_as_the_library_reads_it(bytes: Vec<u8>) {
            prop_assert_eq!(lenient_base64(BASE64.encode(&bytes).as_bytes()), Some(bytes));
        }

        #[test]
        fn printed_credentials_read_back(email in "[!-9;-~]{0,40}", key in "[A-Za-z0-9]{32}") {
            let read = Basic::parse(&header(format!("{email}:{key}"))).unwrap();
            prop_assert_eq!((read.email, read.key.expose()), (email, key.as_str()));
        }
    }
}
