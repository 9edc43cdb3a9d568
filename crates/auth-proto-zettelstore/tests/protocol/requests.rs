//! Requests and what is looked at in their answers.

use std::sync::Arc;

use auth_core::{Answer, Peer, Protocol};
use auth_proto_zettelstore::{Config, ZettelstoreProtocol};
use bytes::Bytes;
use http::Request;

use crate::services::Fixed;

/// The content type of forms.
pub(crate) const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The address all requests come from.
pub(crate) fn peer() -> Peer {
    Peer::new([192, 0, 2, 7].into())
}

/// A request as a client sends it.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(target).header("Host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(Bytes::from(body.to_owned())).unwrap()
}

/// Zettelstore's own settings.
pub(crate) fn settings() -> Config {
    Config::new("notes")
}

/// Asks a protocol with these settings in front of that services.
pub(crate) async fn ask(config: Config, services: &Arc<Fixed>, request: Request<Bytes>) -> Answer {
    ZettelstoreProtocol::new(config, services.clone()).answer(request, &peer()).await
}

/// The value of a header; `""` where it is missing.
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The body as text.
pub(crate) fn body(answer: &Answer) -> &str {
    std::str::from_utf8(answer.response.body()).unwrap()
}

/// Compares status, content type and body, and looks whether the length is right.
pub(crate) fn check(answer: &Answer, status: u16, content_type: &str, text: &str, what: &str) {
    assert_eq!(answer.response.status().as_u16(), status, "{what}");
    assert_eq!(header(answer, "content-type"), content_type, "{what}");
    assert_eq!(body(answer), text, "{what}");
    let length = if status == 204 { String::new() } else { text.len().to_string() };
    assert_eq!(header(answer, "content-length"), length, "{what}");
}
