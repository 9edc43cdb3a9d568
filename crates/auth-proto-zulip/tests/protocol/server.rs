//! A protocol in front of a world, and what requests and answers look like in tests.

use std::sync::Arc;

use crate::world::{Told, Ways, World};
use auth_core::{Answer, Peer, Protocol, Services, Timestamp};
use auth_proto_zulip::{Config, ZulipProtocol};
use bytes::Bytes;

/// A protocol to a world of its own.
pub(crate) struct Server {
    protocol: ZulipProtocol,
    clock: Arc<Told>,
}

impl Server {
    pub(crate) fn new(config: Config, records: &str, ways: Ways) -> Self {
        let clock = Arc::new(Told::default());
        let world = World::new(records, ways, clock.clone());
        Self::with(config, Arc::new(world), clock)
    }

    pub(crate) fn with(config: Config, services: Arc<dyn Services>, clock: Arc<Told>) -> Self {
        Self { protocol: ZulipProtocol::new(config, services, clock.clone()), clock }
    }

    pub(crate) fn tell(&self, now: Timestamp) {
        self.clock.tell(now);
    }

    pub(crate) async fn send(&self, request: http::Request<Bytes>) -> Answer {
        let is_head = request.method() == http::Method::HEAD;
        let answer = self.protocol.answer(request, &Peer::new([192, 0, 2, 7].into())).await;
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
