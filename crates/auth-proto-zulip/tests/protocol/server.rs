//! A protocol in front of a world; requests to it, and parts of its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use auth_core::{Answer, Clock, Peer, Protocol, Timestamp};
use auth_proto_zulip::{Config, ZulipProtocol, ZulipServices};
use bytes::Bytes;

use crate::world::{Ways, World};

/// A clock that shows the moment that it was last set to.
#[derive(Default)]
struct SettableClock(AtomicI64);

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A protocol to a world of its own.
pub(crate) struct Server {
    protocol: ZulipProtocol,
    clock: Arc<SettableClock>,
}

impl Server {
    pub(crate) fn new(config: Config, records: &str, ways: Ways) -> Self {
        let clock = Arc::new(SettableClock::default());
        let services = Arc::new(World::new(records, ways, clock.clone()).services());
        Self { protocol: ZulipProtocol::new(config, services, clock.clone()), clock }
    }

    /// A protocol to other services.
    pub(crate) fn with(config: Config, services: Arc<dyn ZulipServices>) -> Self {
        let clock = Arc::new(SettableClock::default());
        Self { protocol: ZulipProtocol::new(config, services, clock.clone()), clock }
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.clock.0.store(now.as_millis(), Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let is_head = request.method() == http::Method::HEAD;
        let answer = self.protocol.handle(request, &Peer::new([192, 0, 2, 7].into())).await;
        let response = &answer.response;
        let length = response.headers().get("content-length").map(|length| length.to_str().unwrap());
        match response.status().as_u16() {
            204 => assert_eq!(length, None),
            _ if is_head => assert!(response.body().is_empty() && length.is_some()),
            _ => assert_eq!(length, Some(response.body().len().to_string().as_str())),
        }
        answer
    }
}

/// A request of a method, a target, headers and a body.
pub(crate) fn request<'a>(
    method: &str,
    target: &str,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: impl Into<Bytes>,
) -> http::Request<Bytes> {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(name, value.as_bytes());
    }
    request.body(body.into()).unwrap()
}

/// A header of an answer.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The body of an answer.
pub(crate) fn body(answer: &Answer) -> &str {
    str::from_utf8(answer.response.body()).unwrap()
}
