//! Ids of requests: in the tracing span of each request, and so in its log lines.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::Rng;
use http::HeaderMap;

/// The longest id that is taken over from a proxy, in bytes.
const LONGEST: usize = 64;

/// The id of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestId<'a> {
    /// Taken over from a trusted proxy.
    Given(&'a str),
    /// Made here: the process, and the number of the request in it.
    Made { process: u32, number: u64 },
}

impl fmt::Display for RequestId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(id) => f.write_str(id),
            Self::Made { process, number } => write!(f, "{process:08x}-{number:x}"),
        }
    }
}

/// Makes ids.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    /// Ids of this process, which differ from those of others.
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        let mut process = [0; 4];
        rng.fill(&mut process);
        Self { process: u32::from_be_bytes(process), next: AtomicU64::new(1) }
    }

    /// The id of a request: the proxy's `X-Request-Id` where the proxy is trusted and the id is 1 to 64 of
    /// `[A-Za-z0-9._-]`, else a new one.
    pub(crate) fn of<'a>(&self, headers: &'a HeaderMap, is_trusted: bool) -> RequestId<'a> {
        let given = || headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
        match is_trusted.then(given).flatten() {
            Some(id) => RequestId::Given(id),
            None => {
                RequestId::Made { process: self.process, number: self.next.fetch_add(1, Ordering::Relaxed) }
            }
        }
    }
}

fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;

    use super::*;

    #[test]
    fn id_of_a_trusted_proxy_is_taken_over_if_it_is_one() {
        let ids = RequestIds::new(&SeededRng::new(1));
        for (given, is_trusted, is_taken) in [
            ("a", true, true),
            ("Az09._-", true, true),
            ("Az09._-", false, false),
            ("", true, false),
            ("a b", true, false),
            ("a\tb", true, false),
            ("ä", true, false),
            (&"x".repeat(64), true, true),
            (&"x".repeat(65), true, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", http::HeaderValue::from_bytes(given.as_bytes()).unwrap());
            let id = ids.of(&headers, is_trusted);
            assert_eq!(id == RequestId::Given(given), is_taken, "{given:?} {is_trusted}");
        }
    }

    #[test]
    fn made_ids_differ() {
        let ids = RequestIds::new(&SeededRng::new(1));
        let headers = HeaderMap::new();
        let made: std::collections::BTreeSet<String> =
            (0..100).map(|_| ids.of(&headers, true).to_string()).collect();
        assert_eq!(made.len(), 100);
        assert!(made.iter().all(|id| is_id(id)));
    }
}
