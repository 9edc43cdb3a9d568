//! Ids of requests: in the tracing span of each request, in its log lines, and in the audit log.

use std::fmt;

/// The longest id that is taken over from a proxy, in bytes.
const LONGEST: usize = 64;

/// The id of one request. It is kept inline, so that a request costs no allocation for it.
///
/// ```
/// use auth_core::RequestId;
///
/// assert_eq!(RequestId::made(0xab, 0x1f).to_string(), "000000ab-1f");
/// assert_eq!(RequestId::given("from-a-proxy").unwrap().to_string(), "from-a-proxy");
/// assert_eq!(RequestId::default().to_string(), "");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestId(Form);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    /// Work that comes from no request.
    #[default]
    None,
    /// Made by a server: the process, and the number of the request in it.
    Made { process: u32, number: u64 },
    /// Taken over from a proxy: the first bytes, so many.
    Given { length: u8, bytes: [u8; LONGEST] },
}

impl RequestId {
    /// The id that a server makes for a request: the process, and the number of the request in it.
    #[must_use]
    pub fn made(process: u32, number: u64) -> Self {
        Self(Form::Made { process, number })
    }

    /// The id that a proxy has given to a request; `None` unless it is 1 to 64 of `[A-Za-z0-9._-]`.
    #[must_use]
    pub fn given(id: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if id.is_empty() || !id.bytes().all(is_allowed) {
            return None;
        }
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..id.len())?.copy_from_slice(id.as_bytes());
        Some(Self(Form::Given { length: u8::try_from(id.len()).ok()?, bytes }))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::None => Ok(()),
            Form::Made { process, number } => write!(f, "{process:08x}-{number:x}"),
            Form::Given { length, bytes } => {
                let id = bytes.get(..usize::from(*length)).unwrap_or_default();
                f.write_str(std::str::from_utf8(id).unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_proxies_are_taken_whole_or_not_at_all() {
        let longest = "x".repeat(LONGEST);
        for id in ["a", "Az09._-", &longest] {
            assert_eq!(RequestId::given(id).unwrap().to_string(), id);
        }
        for id in ["", "a b", "a\tb", "ä", "a/b", &"x".repeat(LONGEST + 1)] {
            assert_eq!(RequestId::given(id), None, "{id:?}");
        }
    }
}
