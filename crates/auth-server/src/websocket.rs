//! Sockets of the Rocket.Chat protocol: the handshake, and a task that holds the socket of each conversation.

mod anonymous;
mod handshake;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{ClientKey, Peer, Rng, Timestamp};
use auth_crypto::opaque;
use auth_proto_rocketchat::RocketChatProtocol;
use auth_proto_rocketchat::ddp::{Output, Session, SessionConfig};
use auth_tower::until;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::Instrument;

use self::anonymous::AnonymousPlace;
pub(crate) use self::anonymous::AnonymousSockets;
use self::handshake::{handshake, switching};
use crate::client_counts::Counted;
use crate::connections::Place;
use crate::response::too_busy;
use crate::shared::Shared;
use crate::system::monotonic;

/// How long a client may take to read what it is sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client may leave unread, in bytes: more than the longest frame.
const MOST_UNREAD: usize = 256 << 10;

/// How long a client may take to answer that the socket is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a socket may stay without a user. Clients that are closed connect again.
const ANONYMOUS_TIME: Duration = Duration::from_secs(10 * 60);

/// A conversation is looked after at least so often, whatever the clock does.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What all sockets share.
pub(crate) struct Sockets {
    pub(crate) protocol: Arc<RocketChatProtocol>,
    pub(crate) config: SessionConfig,
    /// The longest message in bytes.
    pub(crate) max_message: usize,
    pub(crate) anonymous: Arc<AnonymousSockets>,
    pub(crate) rng: Arc<dyn Rng>,
}

/// Answers a request for a socket. If it is accepted, a task holds the socket from then on, and with it the connection's
/// permit.
pub(crate) fn open(
    sockets: &Arc<Sockets>,
    mut request: Request<Incoming>,
    peer: Peer,
    shared: &Arc<Shared>,
    place: Arc<Place>,
    span: tracing::Span,
) -> Response<Full<Bytes>> {
    let accept = match handshake(request.method(), request.version(), request.headers()) {
        Ok(accept) => accept,
        Err(why) => return why.response(),
    };
    let (address, client_key) = (peer.address, peer.client_key());
    let anonymous = sockets.anonymous.enter(client_key);
    let session = Session::new(
        Arc::clone(&sockets.protocol),
        sockets.config,
        peer,
        opaque::rocketchat_id(&*sockets.rng),
        shared.clock.now(),
    );
    let conversation = Conversation {
        session,
        address,
        client_key,
        anonymous: Some(Anonymous { place: anonymous, until: monotonic() + ANONYMOUS_TIME }),
        signed_in: None,
        place: Arc::clone(&place),
        sockets: Arc::clone(sockets),
        shared: Arc::clone(shared),
    };
    if !place.become_socket() {
        return too_busy(&*sockets.protocol);
    }
    let upgrade = hyper::upgrade::on(&mut request);
    shared.tasks.spawn(conversation.hold(upgrade).instrument(span));
    switching(accept)
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The place of a socket on which no user is signed in, and how long it may have it.
struct Anonymous {
    place: AnonymousPlace,
    until: Instant,
}

/// A session and what it takes up here.
struct Conversation {
    session: Session,
    address: IpAddr,
    client_key: ClientKey,
    /// While no user is signed in.
    anonymous: Option<Anonymous>,
    /// While a user is signed in.
    signed_in: Option<(Counted, Counted<String>)>,
    place: Arc<Place>,
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
            .max_write_buffer_size(MOST_UNREAD)
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
            if self.shared.refuses_request(self.address) {
                return None;
            }
            let wait = self.session.wake_at().since(self.now()).min(LONGEST_SLEEP);
            let output = tokio::select! {
                () = self.place.ended() => {
                    let is_stop = self.shared.stop.is_cancelled();
                    return Some(if is_stop { CloseCode::Away } else { CloseCode::Again }.into());
                }
                () = gives_way(self.anonymous.as_ref()) => return Some(CloseCode::Again.into()),
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
        until(output.not_before, &*self.shared.clock).await;
        let sending = async {
            for frame in output.frames {
                socket.feed(Message::text(frame)).await?;
            }
            socket.flush().await
        };
        matches!(tokio::time::timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
    }

    /// Counts the socket as that of a user or as an anonymous one. `false` when it must end: its client, its user or all
    /// have too many sockets on which users are signed in.
    fn keep_count(&mut self) -> bool {
        let Some(user) = self.session.user() else {
            let was_signed_in = self.signed_in.take().is_some();
            let enter = || Anonymous {
                place: self.sockets.anonymous.enter(self.client_key),
                until: monotonic() + ANONYMOUS_TIME,
            };
            self.anonymous.get_or_insert_with(enter);
            return !was_signed_in || self.place.sign_in(false);
        };
        self.anonymous = None;
        if self.signed_in.is_none() {
            let of_client = self.shared.signed_in_sockets.admit(self.client_key);
            let of_user = self.shared.user_sockets.admit(user.to_owned());
            self.signed_in = of_client.zip(of_user);
            return self.signed_in.is_some() && self.place.sign_in(true);
        }
        true
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

/// Waits until an anonymous socket must give way: to another one, or because its time is over.
async fn gives_way(anonymous: Option<&Anonymous>) {
    match anonymous {
        Some(anonymous) => tokio::select! {
            () = anonymous.place.displaced() => {}
            () = tokio::time::sleep_until(anonymous.until) => {}
        },
        None => std::future::pending().await,
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

    #[tokio::test(start_paused = true)]
    async fn socket_without_a_user_ends_after_ten_minutes_and_one_with_a_user_does_not() {
        let sockets = AnonymousSockets::new(2);
        let client = ClientKey::of([192, 0, 2, 1].into());
        let began = monotonic();
        let anonymous = Anonymous { place: sockets.enter(client), until: began + ANONYMOUS_TIME };
        gives_way(Some(&anonymous)).await;
        assert_eq!(monotonic() - began, Duration::from_secs(600));
        let day = Duration::from_secs(86_400);
        assert!(tokio::time::timeout(day, gives_way(None)).await.is_err());
    }
}
