//! Sockets of the Rocket.Chat protocol: the handshake, and a task that holds the socket of each conversation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_core::{ClientKey, Peer, Rng, Timestamp};
use auth_crypto::opaque;
use auth_proto_rocketchat::RocketChatProtocol;
use auth_proto_rocketchat::ddp::{Client, Output, Session, SessionConfig};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument;

use crate::response::{LONGEST_DELAY, plain, retry};
use crate::shared::Shared;

/// How long a client may take to read what it is sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to answer that the socket is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A conversation is looked after at least so often, whatever the clock does.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The longest name of a client's program that is kept, in bytes.
const LONGEST_AGENT: usize = 256;

/// What all sockets share.
pub(crate) struct Sockets {
    pub(crate) protocol: Arc<RocketChatProtocol>,
    pub(crate) config: SessionConfig,
    /// The longest message in bytes.
    pub(crate) max_message: usize,
    pub(crate) anonymous: Arc<AnonymousSockets>,
    pub(crate) rng: Arc<dyn Rng>,
}

/// Counts the sockets of each client key on which no user is signed in.
pub(crate) struct AnonymousSockets {
    most: u32,
    counts: Mutex<HashMap<ClientKey, u32>>,
}

/// A permit for an anonymous socket; given back when dropped.
struct AnonymousPermit {
    sockets: Arc<AnonymousSockets>,
    client: ClientKey,
}

impl AnonymousSockets {
    /// At most `most` sockets of each client key.
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    fn admit(self: &Arc<Self>, client: ClientKey) -> Option<AnonymousPermit> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&client).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        counts.insert(client, count + 1);
        Some(AnonymousPermit { sockets: Arc::clone(self), client })
    }
}

impl Drop for AnonymousPermit {
    fn drop(&mut self) {
        let mut counts = self.sockets.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.client)),
        }
    }
}

/// Answers a request for a socket. If it is accepted, a task holds the socket from then on, and with it the connection's
/// permit.
pub(crate) fn open(
    sockets: &Arc<Sockets>,
    mut request: Request<Incoming>,
    peer: Peer,
    shared: &Arc<Shared>,
    permit: Arc<OwnedSemaphorePermit>,
    span: tracing::Span,
) -> Response<Full<Bytes>> {
    let accept = match handshake(request.method(), request.version(), request.headers()) {
        Ok(accept) => accept,
        Err(why) => return why.response(),
    };
    let client_key = peer.client_key();
    let Some(anonymous) = sockets.anonymous.admit(client_key) else {
        let text = "Too many sockets on which nobody is signed in";
        return retry(plain(StatusCode::TOO_MANY_REQUESTS, text));
    };
    let client = Client { peer, agent: agent(request.headers()) };
    let session = Session::new(
        Arc::clone(&sockets.protocol),
        sockets.config,
        client,
        opaque::rocketchat_id(&*sockets.rng),
        shared.clock.now(),
    );
    let conversation = Conversation {
        session,
        client_key,
        anonymous: Some(anonymous),
        sockets: Arc::clone(sockets),
        shared: Arc::clone(shared),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let holding = async move {
        conversation.hold(upgrade).await;
        drop(permit);
    };
    shared.tasks.spawn(holding.instrument(span));
    switching(accept)
}

/// Why a request opens no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoHandshake {
    /// It asks for none.
    NotAsked,
    /// It asks for another version of the protocol.
    Version,
    /// Its key is missing or malformed.
    Key,
}

impl NoHandshake {
    fn response(self) -> Response<Full<Bytes>> {
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
fn handshake(method: &Method, version: Version, headers: &HeaderMap) -> Result<HeaderValue, NoHandshake> {
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

fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.chars().take(LONGEST_AGENT).collect()
}

fn switching(accept: HeaderValue) -> Response<Full<Bytes>> {
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

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A session and what it takes up here.
struct Conversation {
    session: Session,
    client_key: ClientKey,
    anonymous: Option<AnonymousPermit>,
    sockets: Arc<Sockets>,
    shared: Arc<Shared>,
}

impl Conversation {
    /// From the handshake to the end.
    async fn hold(mut self, upgrade: OnUpgrade) {
        let Ok(Ok(upgraded)) = tokio::time::timeout(self.shared.header_timeout, upgrade).await else {
            return;
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(4 << 10)
            .write_buffer_size(0)
            .max_message_size(Some(self.sockets.max_message))
            .max_frame_size(Some(self.sockets.max_message));
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        let code = self.converse(&mut socket).await;
        tracing::debug!(client = %self.client_key, code, "a socket was closed");
        if let Some(code) = code {
            close(socket, code).await;
        }
    }

    /// Gives the code to close with, or none when the client has gone already.
    async fn converse(&mut self, socket: &mut Socket) -> Option<u16> {
        loop {
            let wait = self.session.wake_at().since(self.now()).min(LONGEST_SLEEP);
            let output = tokio::select! {
                () = self.shared.stop.cancelled() => return Some(CloseCode::Away.into()),
                message = socket.next() => match message {
                    Some(Ok(Message::Text(frame))) => self.session.on_frame(&frame, self.shared.clock.now()).await,
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Binary(_))) => return Some(CloseCode::Unsupported.into()),
                    Some(Err(Error::Capacity(_))) => return Some(CloseCode::Size.into()),
                    Some(Err(Error::Utf8(_))) => return Some(CloseCode::Invalid.into()),
                    Some(Err(Error::Protocol(_))) => return Some(CloseCode::Protocol.into()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                },
                () = tokio::time::sleep(wait) => self.session.on_time(self.shared.clock.now()).await,
            };
            let close = output.close;
            if let Some(error) = &output.error {
                self.shared.errors.record(error);
            }
            if !self.send(socket, output).await {
                return None;
            }
            if let Some(close) = close {
                return Some(close.code());
            }
            if !self.keep_count() {
                return Some(CloseCode::Again.into());
            }
        }
    }

    /// Sends what there is to send, at its time. `false` when the client doesn't take it.
    async fn send(&self, socket: &mut Socket, output: Output) -> bool {
        if let Some(moment) = output.not_before {
            tokio::time::sleep(moment.since(self.now()).min(LONGEST_DELAY)).await;
        }
        let sending = async {
            for frame in output.frames {
                socket.feed(Message::text(frame)).await?;
            }
            socket.flush().await
        };
        matches!(tokio::time::timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
    }

    /// Gives the permit back when a user signs in, and takes one when the user signs out. `false` when there are too many
    /// anonymous sockets.
    fn keep_count(&mut self) -> bool {
        if self.session.is_signed_in() {
            self.anonymous = None;
        } else if self.anonymous.is_none() {
            self.anonymous = self.sockets.anonymous.admit(self.client_key);
        }
        self.session.is_signed_in() || self.anonymous.is_some()
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

/// Tells the client, and waits a moment for its answer.
async fn close(mut socket: Socket, code: u16) {
    let closing = async {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        socket.close(Some(frame)).await?;
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
        Ok::<_, Error>(())
    };
    // A client that doesn't answer is left behind.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
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

    #[test]
    fn anonymous_sockets_are_counted_by_client_key_and_forgotten_when_they_leave() {
        let anonymous = AnonymousSockets::new(2);
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let (here, there) = (ClientKey::of(here), ClientKey::of(there));
        let (first, second) = (anonymous.admit(here).unwrap(), anonymous.admit(here).unwrap());
        assert!(anonymous.admit(here).is_none());
        let elsewhere = anonymous.admit(there).unwrap();
        drop(first);
        let third = anonymous.admit(here).unwrap();
        assert!(anonymous.admit(here).is_none());
        drop((second, third, elsewhere));
        assert!(anonymous.counts.lock().unwrap().is_empty());
    }
}
