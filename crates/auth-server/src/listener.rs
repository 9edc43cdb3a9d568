//! Connections: accepted, served, and ended in good order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Answer, BodyRule, BodyTooLarge, ClientKey, InternalError, Peer, Protocol, RequestError, Route,
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{HeaderValue, USER_AGENT};
use http::{Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tracing::Instrument;

use crate::activity::Activity;
use crate::body::Read;
use crate::connections::Place;
use crate::host;
use crate::origin::Origin;
use crate::response::{LONGEST_DELAY, closing, plain, refused, too_busy};
use crate::router::Router;
use crate::shared::Shared;
use crate::stream::WatchedStream;
use crate::websocket;

/// The pause after the system refused a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The memory that the head of a request may take.
const LONGEST_HEAD: u32 = 64 << 10;

/// How long a connection may last that is told that its client has too many.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer to a request for another host, where only those for this machine are answered.
const FOREIGN_HOST: &str = "This demo server answers requests for this machine only: call it localhost, or by the address that it printed";

/// What the requests of one connection share.
struct Connection {
    address: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    activity: Arc<Activity>,
    /// The connection's place, which a socket takes over.
    place: Arc<Place>,
}

/// Accepts connections until told to stop, and waits for a place for each.
pub(crate) async fn accept(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let activity = Arc::new(Activity::new(&shared.stop));
        let is_proxy = shared.proxies.trust(address.ip());
        if !is_proxy && shared.limits.network_rules().bans(address.ip()) {
            continue;
        }
        let client = (!is_proxy).then(|| ClientKey::of(address.ip().to_canonical()));
        let place = tokio::select! {
            place = shared.connections.enter(client, &activity) => place,
            () = shared.stop.cancelled() => return,
        };
        let Some(place) = place else { continue };
        let (router, place) = (router.clone(), Arc::new(place));
        let connection = Connection { address, router, shared: Arc::clone(&shared), activity, place };
        if connection.place.is_refusal() {
            shared.tasks.spawn(timeout(REFUSAL_TIMEOUT, serve_connection(stream, connection)));
        } else {
            shared.tasks.spawn(serve_connection(stream, connection));
        }
    }
}

/// Serves a connection until it ends or is quiet for too long, or turns into a socket that takes over its place.
async fn serve_connection(stream: TcpStream, of: Connection) {
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let of = Arc::new(of);
    let (shared, activity) = (Arc::clone(&of.shared), Arc::clone(&of.activity));
    let stream = WatchedStream::new(stream, Arc::clone(&activity));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.header_timeout)
        .max_buf_size(LONGEST_HEAD as usize)
        // Copied together, head and body take one plain write.
        .writev(false)
        .title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(shared.header_timeout)
        .max_concurrent_streams(16)
        .max_header_list_size(LONGEST_HEAD);
    let service = service_fn(move |request| {
        let of = Arc::clone(&of);
        async move { Ok::<_, Infallible>(answer(request, &of).await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = activity.ended() => {
            if !shared.stop.is_cancelled() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Finds who answers a request, reads its body, has the protocol answer, and waits for the answer's moment.
async fn answer(mut request: Request<Incoming>, of: &Connection) -> Response<Full<Bytes>> {
    let Connection { address, router, shared, activity, place } = of;
    let _answering = activity.answering();
    host::settle(&mut request);
    if shared.loopback_hosts_only && host::is_foreign(&request) {
        return plain(StatusCode::MISDIRECTED_REQUEST, FOREIGN_HOST);
    }
    let origin = Origin::of(*address, request.headers(), &shared.proxies);
    if let Some(doubt) = &origin.doubt {
        shared.forwarding.note(doubt, address.ip());
    }
    let id = shared.request_ids.of(request.headers(), origin.is_trusted);
    let agent = request.headers().get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    let peer = Peer::of_request(origin.client, id).through(address.ip());
    let peer = peer.with_agent(&String::from_utf8_lossy(agent));
    let is_banned = shared.limits.network_rules().bans(peer.address);
    if let Some(sockets) = router.sockets(request.uri().path()) {
        if is_banned {
            return refused(&*sockets.protocol, RequestError::Banned);
        }
        if place.is_refusal() {
            return too_busy(&*sockets.protocol);
        }
        let span = tracing::info_span!("socket", %id);
        return websocket::open(sockets, request, peer, shared, Arc::clone(place), span);
    }
    let (protocol, route) = router.find(&mut request);
    // The route's pattern, never the path, which may hold a secret.
    let span =
        tracing::info_span!("request", %id, protocol = protocol.name().as_str(), route = route.pattern);
    let answered = async {
        let client = peer.client_key();
        // A connection of HTTP/1 carries one request at a time, and connections are counted.
        let is_counted = origin.is_trusted || request.version() != Version::HTTP_11;
        let counted = is_counted.then(|| shared.requests.admit(client));
        if is_banned {
            return refused(protocol, RequestError::Banned);
        }
        if place.is_refusal() || matches!(counted, Some(None)) {
            return too_busy(protocol);
        }
        let (parts, body) = request.into_parts();
        let read = match protocol.body_rule(&route, &parts.method, &parts.headers) {
            BodyRule::Ignored => Read::Nothing,
            BodyRule::UpTo(limit) => {
                let _reading = activity.reading();
                shared.bodies.read(client, body, limit, shared.body_timeout).await
            }
        };
        let (body, _memory, too_large) = match read {
            Read::Nothing => (Bytes::new(), None, false),
            Read::Whole(body, memory) => (body, Some(memory), false),
            Read::TooLarge => (Bytes::new(), None, true),
            Read::Late => return refused(protocol, RequestError::BodyTooSlow),
            Read::NoMemory => return too_busy(protocol),
            Read::Broken => return refused(protocol, RequestError::BodyBroken),
        };
        let mut request = Request::from_parts(parts, body);
        if too_large {
            request.extensions_mut().insert(BodyTooLarge);
        }
        let answer = answer_in_any_case(protocol, &route, request, &peer).await;
        if let Some(error) = &answer.error {
            shared.errors.record(error);
        }
        if let Some(moment) = answer.not_before {
            tokio::time::sleep(moment.since(shared.clock.now()).min(LONGEST_DELAY)).await;
        }
        let response = answer.response.map(Full::new);
        if too_large { closing(response) } else { response }
    };
    answered.instrument(span).await
}

/// The protocol's answer, also where the protocol panics.
async fn answer_in_any_case(
    protocol: &dyn Protocol,
    route: &Route,
    request: Request<Bytes>,
    peer: &Peer,
) -> Answer {
    let answer = AssertUnwindSafe(protocol.answer(route, request, peer)).catch_unwind().await;
    answer.unwrap_or_else(|_| protocol.refuse(InternalError::defect("the protocol panicked").into()))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use auth_core::{InternalErrorKind, ProtocolName, RequestId, RouteMatch};
    use http::{HeaderMap, Method};

    use super::*;

    /// A protocol that panics at each request.
    struct Panicking;

    #[async_trait]
    impl Protocol for Panicking {
        fn name(&self) -> ProtocolName {
            ProtocolName::ZULIP
        }

        fn route(&self, _: &str) -> Route {
            Route { matched: RouteMatch::Documented, pattern: "/", index: 0 }
        }

        fn body_rule(&self, _: &Route, _: &Method, _: &HeaderMap) -> BodyRule {
            BodyRule::Ignored
        }

        fn refuse(&self, error: RequestError) -> Answer {
            let RequestError::Internal(error) = error else { panic!("{error:?}") };
            let mut response = Response::new(Bytes::from_static(b"in the protocol's form"));
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            Answer::failed(response, error)
        }

        async fn answer(&self, _: &Route, _: Request<Bytes>, _: &Peer) -> Answer {
            panic!("a defect")
        }
    }

    #[tokio::test]
    async fn protocol_that_panics_answers_with_its_own_internal_error() {
        let peer = Peer::of_request([192, 0, 2, 1].into(), RequestId::made(0, 1));
        let request = Request::new(Bytes::new());
        let answer = answer_in_any_case(&Panicking, &Panicking.route("/"), request, &peer).await;
        assert_eq!(answer.response.status(), 500);
        assert_eq!(answer.response.body(), "in the protocol's form");
        assert_eq!(answer.error.unwrap().kind(), InternalErrorKind::Defect);
    }
}
