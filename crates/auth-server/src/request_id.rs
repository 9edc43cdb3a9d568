//! Ids of requests: in the tracing span of each request, and so in its log lines.

use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::{RequestId, Rng};
use http::HeaderMap;

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
    pub(crate) fn of(&self, headers: &HeaderMap, is_trusted: bool) -> RequestId {
        let given = || RequestId::given(headers.get("x-request-id")?.to_str().ok()?);
        let made = || RequestId::made(self.process, self.next.fetch_add(1, Ordering::Relaxed));
        is_trusted.then(given).flatten().unwrap_or_else(made)
    }
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
            assert_eq!(Some(id) == RequestId::given(given), is_taken, "{given:?} {is_trusted}");
        }
    }

    #[test]
    fn made_ids_differ() {
        let ids = RequestIds::new(&SeededRng::new(1));
        let headers = HeaderMap::new();
        let made: std::collections::BTreeSet<String> =
            (0..100).map(|_| ids.of(&headers, true).to_string()).collect();
        assert_eq!(made.len(), 100);
        assert!(made.iter().all(|id| RequestId::given(id).is_some()));
    }
}
