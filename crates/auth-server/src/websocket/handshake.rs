//! The handshake of a WebSocket (RFC 6455).

use bytes::Bytes;
use data_encoding::BASE64;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode, Version};
use http_body_util::Full;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::response::plain;

/// Why a request opens no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHandshake {
    /// It asks for none.
    NotAsked,
    /// It asks for another version of the protocol.
    Version,
    /// Its key is missing or malformed.
    Key,
}

impl NoHandshake {
    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let text = match self {
            Self::NotAsked => "A WebSocket is spoken here",
            Self::Version => "Version 13 of WebSocket is spoken here",
            Self::Key => return plain(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing or malformed"),
        };
        let mut response = plain(StatusCode::UPGRADE_REQUIRED, text);
        upgrades(response.headers_mut());
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        response
    }
}

/// Checks the client's half of the handshake (RFC 6455, 4.2.1); gives what proves that it was read.
pub(super) fn handshake(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<HeaderValue, NoHandshake> {
    let asked = method == Method::GET
        && version == Version::HTTP_11
        && lists(headers, &header::CONNECTION, "upgrade")
        && lists(headers, &header::UPGRADE, "websocket");
    if !asked {
        return Err(NoHandshake::NotAsked);
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(NoHandshake::Version);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    if BASE64.decode(key).map_or(0, |nonce| nonce.len()) != 16 {
        return Err(NoHandshake::Key);
    }
    accept_key(key).ok_or(NoHandshake::Key)
}

/// RFC 6455, 1.3: the key with a fixed text behind it, hashed.
fn accept_key(key: &[u8]) -> Option<HeaderValue> {
    const FIXED: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, FIXED].concat());
    HeaderValue::from_str(&BASE64.encode(hash.as_ref())).ok()
}

/// Whether a header that lists words lists this one, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

pub(super) fn switching(accept: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    upgrades(response.headers_mut());
    response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn upgrades(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn headers(but: Option<(&str, &str)>) -> HeaderMap {
        let name = but.map_or("", |(name, _)| name);
        let kept = GOOD.into_iter().filter(|(known, _)| *known != name);
        let changed = but.filter(|(_, value)| !value.is_empty());
        kept.chain(changed)
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn handshake_is_accepted_as_the_standard_shows() {
        let accept = handshake(&Method::GET, Version::HTTP_11, &headers(None)).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_is_told_what_is_spoken() {
        const HTTP: Version = Version::HTTP_11;
        for (method, version, but, why) in [
            (Method::POST, HTTP, None, NoHandshake::NotAsked),
            (Method::GET, Version::HTTP_10, None, NoHandshake::NotAsked),
            (Method::GET, Version::HTTP_2, None, NoHandshake::NotAsked),
            (Method::GET, HTTP, Some(("connection", "")), NoHandshake::NotAsked),
            (Method::GET, HTTP, Some(("connection", "close")), NoHandshake::NotAsked),
            (Method::GET, HTTP, Some(("upgrade", "h2c")), NoHandshake::NotAsked),
            (Method::GET, HTTP, Some(("sec-websocket-version", "8")), NoHandshake::Version),
            (Method::GET, HTTP, Some(("sec-websocket-key", "")), NoHandshake::Key),
            (Method::GET, HTTP, Some(("sec-websocket-key", "c2hvcnQ=")), NoHandshake::Key),
            (Method::GET, HTTP, Some(("sec-websocket-key", "not base64")), NoHandshake::Key),
        ] {
            let refused = handshake(&method, version, &headers(but)).unwrap_err();
            assert_eq!(refused, why, "{method} {version:?} {but:?}");
            let response = refused.response();
            let told = response.headers().get("sec-websocket-version").is_some_and(|version| version == "13");
            assert_eq!(told, response.status() == 426);
            assert_eq!(response.status() == 400, why == NoHandshake::Key);
        }
    }
}
