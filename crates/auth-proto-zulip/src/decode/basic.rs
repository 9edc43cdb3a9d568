//! `Authorization: Basic`, read as leniently as Python reads it (zulip.md 5.1).

use auth_core::ApiKey;
use data_encoding::BASE64_NOPAD;

/// An e-mail address and an API key, both trimmed; neither is known to be good.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Basic {
    /// The address.
    pub email: String,
    /// The key.
    pub key: ApiKey,
}

/// What is wrong with an `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotBasic {
    /// Another scheme.
    OtherScheme,
    /// Not two words, not base64, not UTF-8, or not exactly one colon.
    Malformed,
    /// The key is not 32 ASCII letters and digits.
    MalformedKey,
}

impl Basic {
    /// Reads the header's value.
    ///
    /// ```
    /// use auth_proto_zulip::decode::basic::{Basic, NotBasic};
    /// let read = Basic::parse("basic aWFnb0B6dWxpcC5jb206Z2pBMDRaWWNxWEthbHZZTUE4T2VYU2Z6VU9McnRiWnY=").unwrap();
    /// assert_eq!(read.email, "iago@zulip.com");
    /// assert_eq!(Basic::parse("Bearer x"), Err(NotBasic::OtherScheme));
    /// assert_eq!(Basic::parse("Basic"), Err(NotBasic::Malformed));
    /// ```
    ///
    /// # Errors
    /// [`NotBasic`].
    pub fn parse(header: &str) -> Result<Self, NotBasic> {
        // Nearly all that comes is well-formed, which is read faster.
        let usual = header.strip_prefix("Basic ").and_then(strict_base64).map(Ok);
        let decoded = String::from_utf8(usual.unwrap_or_else(|| lenient(header))?);
        let decoded = decoded.map_err(|_| NotBasic::Malformed)?;
        let (email, key) = decoded.split_once(':').ok_or(NotBasic::Malformed)?;
        if key.contains(':') {
            return Err(NotBasic::Malformed);
        }
        let key = key.trim();
        if !looks_like_key(key) {
            return Err(NotBasic::MalformedKey);
        }
        Ok(Self { email: email.trim().to_owned(), key: ApiKey::new(key) })
    }
}

/// What any header holds, in whatever spelling of scheme and base64.
fn lenient(header: &str) -> Result<Vec<u8>, NotBasic> {
    let mut words = header.split_whitespace();
    let (Some(scheme), Some(encoded), None) = (words.next(), words.next(), words.next()) else {
        return Err(NotBasic::Malformed);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(NotBasic::OtherScheme);
    }
    lenient_base64(encoded).ok_or(NotBasic::Malformed)
}

/// Base64 as it should be: what it holds, [`lenient_base64`] finds as well.
fn strict_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let bytes = BASE64_NOPAD.decode(digits.as_bytes()).ok()?;
    (text.len().is_multiple_of(4) && !digits.is_empty()).then_some(bytes)
}

/// Base64 in which characters outside the alphabet are dropped, as Python drops them; `None` when the padding
/// is missing. `data-encoding` has to be told which characters to drop, and what follows the padding is not
/// looked at here.
fn lenient_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut pending) = (0_u32, 0);
    let (mut digits, mut pads) = (0, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                pads += 1;
                if digits >= 2 && digits + pads >= 4 {
                    return Some(out);
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        digits = (digits + 1) % 4;
        bits = bits << 6 | u32::from(digit);
        pending += 6;
        if pending >= 8 {
            pending -= 8;
            let [.., low] = (bits >> pending).to_be_bytes();
            out.push(low);
        }
    }
    (digits == 0).then_some(out)
}

/// Whether a text has the form of an API key or of another of Zulip's tokens: 32 ASCII letters and digits.
pub(crate) fn looks_like_key(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
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
            ("".to_owned(), NotBasic::Malformed),
            ("Basic".to_owned(), NotBasic::Malformed),
            (KEY.to_owned(), NotBasic::Malformed),
            (format!("{} x", header("a:b")), NotBasic::Malformed),
            (format!("Bearer {KEY}"), NotBasic::OtherScheme),
            ("Digest !!!".to_owned(), NotBasic::OtherScheme),
            ("Basic !!!!".to_owned(), NotBasic::Malformed),
            ("Basic aWFnb0B6dWxpcC5jb206Z2pBMA".to_owned(), NotBasic::Malformed),
            (header(b"\xFF\xFE:x"), NotBasic::Malformed),
            (header("foo"), NotBasic::Malformed),
            (header(format!("a:b:{KEY}")), NotBasic::Malformed),
            (header("a:abcd1234"), NotBasic::MalformedKey),
            (header(format!("a:{KEY}x")), NotBasic::MalformedKey),
            (header(format!("a:-{}", KEY.get(1..).unwrap())), NotBasic::MalformedKey),
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
            prop_assert_eq!(lenient_base64(&BASE64.encode(&bytes)), Some(bytes));
        }

        #[test]
        fn printed_credentials_read_back(email in "[!-9;-~]{0,40}", key in "[A-Za-z0-9]{32}") {
            let read = Basic::parse(&header(format!("{email}:{key}"))).unwrap();
            prop_assert_eq!((read.email, read.key.expose()), (email, key.as_str()));
        }
    }
}
