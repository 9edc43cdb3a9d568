//! Connections: accepted, served, and ended in good order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BodyRule, BodyTooLarge, RequestError};
use auth_tower::{Origin, ask, settle_host, until};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::time::timeout;
use tokio_util::either::Either;
use tracing::Instrument;

use crate::activity::Activity;
use crate::body::Read;
use crate::connections::Place;
use crate::edge::proxy_header;
use crate::edge::redirect::redirect;
use crate::edge::socket::ListenSocket;
use crate::forwarding_log::Closed;
use crate::host;
use crate::response::{closing, plain, refused, too_busy};
use crate::router::Router;
use crate::shared::Shared;
use crate::stream::{Plain, Transport, WatchedStream};
use crate::system::monotonic;
use crate::tls::Tls;
use crate::traces::{self, Traced};
use crate::websocket;

/// The pause after the system refused a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a server that stops waits for the first request of a connection that it has accepted.
const FIRST_REQUEST: Duration = Duration::from_millis(200);

/// The memory that the head of a request may take.
const LONGEST_HEAD: u32 = 64 << 10;

/// How long a connection may last that is told that its client has too many.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// The answer to a request for another host, where only those for this machine are answered.
const FOREIGN_HOST: &str = "This demo server answers requests for this machine only: call it localhost, or by the address that it printed";

/// What the connections of one listener share.
pub(crate) struct Front {
    pub(crate) service: Service,
    /// `None` where TLS is not spoken.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Whether each connection begins with the header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
    /// What browsers are told of TLS.
    pub(crate) hsts: Option<HeaderValue>,
    pub(crate) shared: Arc<Shared>,
}

/// What the requests of a listener get.
pub(crate) enum Service {
    /// The answers of protocols.
    Protocols(Router),
    /// The address of this site, where TLS is spoken.
    Redirect(Uri),
}

/// What the requests of one connection share.
struct Connection {
    address: SocketAddr,
    front: Arc<Front>,
    activity: Arc<Activity>,
    /// The connection's place, which a socket takes over.
    place: Arc<Place>,
}

/// A connection that was accepted, of which nothing was read.
struct Arrival {
    stream: Plain,
    address: SocketAddr,
    front: Arc<Front>,
    activity: Arc<Activity>,
    place: Place,
}

/// Accepts connections until told to stop, and waits for a place for each.
pub(crate) async fn accept(socket: ListenSocket, front: Arc<Front>) {
    let shared = &front.shared;
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
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
        if shared.refuses_connection(address.ip()) {
            continue;
        }
        let client = shared.counted_as(address.ip());
        if front.proxy_protocol && client.is_some() {
            shared.forwarding.note_closed(Closed::NoProxy, address.ip());
            continue;
        }
        // What was accepted is served, if the server stops just now.
        let place = tokio::select! {
            biased;
            place = shared.connections.enter(client, &activity) => place,
            () = shared.stop.cancelled() => return,
        };
        let Some(place) = place else { continue };
        let arrival = Arrival { stream, address, front: Arc::clone(&front), activity, place };
        shared.tasks.spawn(arrival.run());
    }
}

impl Arrival {
    /// Reads what comes before HTTP, and serves the connection.
    async fn run(self) {
        let activity = Arc::clone(&self.activity);
        let prepared = tokio::select! {
            biased;
            prepared = self.prepare() => prepared,
            () = activity.ended() => return,
        };
        let Some((stream, connection)) = prepared else { return };
        if connection.place.is_refusal() {
            drop(timeout(REFUSAL_TIMEOUT, serve_connection(stream, connection)).await);
        } else {
            serve_connection(stream, connection).await;
        }
    }

    /// Reads whom a proxy names, and agrees on keys; `None` where the client doesn't do its part, in time.
    async fn prepare(mut self) -> Option<(Transport, Connection)> {
        let front = Arc::clone(&self.front);
        let limit = front.shared.header_timeout;
        if front.proxy_protocol {
            self = self.named_by_proxy(limit).await?;
        }
        let Self { stream, address, front, activity, place } = self;
        let stream = match &front.tls {
            None => Either::Left(stream),
            Some(tls) => {
                let acceptor = tls.acceptor().await;
                Either::Right(Box::new(timeout(limit, acceptor.accept(stream)).await.ok()?.ok()?))
            }
        };
        Some((stream, Connection { address, front, activity, place: Arc::new(place) }))
    }

    /// The connection as one of the client whom the proxy names; as the proxy's own where it names none.
    async fn named_by_proxy(mut self, limit: Duration) -> Option<Self> {
        let shared = &self.front.shared;
        let Ok(Ok(named)) = timeout(limit, proxy_header::read(&mut self.stream)).await else {
            shared.forwarding.note_closed(Closed::NoProxyHeader, self.address.ip());
            return None;
        };
        let Some(client) = named else { return Some(self) };
        if shared.refuses_connection(client.ip()) {
            return None;
        }
        drop(self.place);
        let entering = shared.connections.enter(shared.counted_as(client.ip()), &self.activity);
        let place = timeout(limit, entering).await.ok()??;
        Some(Self { address: client, place, ..self })
    }
}

/// Serves a connection until it ends or is quiet for too long, or turns into a socket that takes over its place.
async fn serve_connection(stream: Transport, of: Connection) {
    let of = Arc::new(of);
    let (front, activity) = (Arc::clone(&of.front), Arc::clone(&of.activity));
    let shared = &front.shared;
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
            // The request of a client that has just connected is on its way: it is answered.
            tokio::select! {
                ended = connection.as_mut() => ended,
                _ = timeout(FIRST_REQUEST, activity.begun()) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Answers a request, and tells browsers of TLS where they look at a page.
async fn answer(request: Request<Incoming>, of: &Connection) -> Response<Full<Bytes>> {
    let mut response = match &of.front.service {
        Service::Protocols(router) => answer_by(router, request, of).await,
        Service::Redirect(site) => {
            let _answering = of.activity.answering();
            let mut request = request;
            settle_host(&mut request);
            redirect(site, &request)
        }
    };
    if let Some(hsts) = &of.front.hsts
        && is_page(&response)
    {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
    response
}

fn is_page<B>(response: &Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Finds who answers a request, reads its body, has the protocol answer, and waits for the answer's moment.
async fn answer_by(
    router: &Router,
    mut request: Request<Incoming>,
    of: &Connection,
) -> Response<Full<Bytes>> {
    let Connection { address, front, activity, place } = of;
    let shared = &front.shared;
    let _answering = activity.answering();
    let began = monotonic();
    settle_host(&mut request);
    if shared.loopback_hosts_only && host::is_foreign(&request) {
        return plain(StatusCode::MISDIRECTED_REQUEST, FOREIGN_HOST);
    }
    let origin = Origin::of(*address, request.headers(), &shared.live.load().proxies);
    if let Some(doubt) = &origin.doubt {
        shared.forwarding.note(doubt, address.ip());
    }
    let id = shared.request_ids.of(request.headers(), origin.is_trusted);
    let peer = origin.peer(request.headers(), id);
    let is_banned = shared.refuses_request(peer.address);
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
    let (mounted, route) = router.find(&mut request);
    let protocol = &*mounted.protocol;
    let traced = shared.traces.begin(&Traced {
        protocol: protocol.name(),
        route: &route,
        id,
        method: request.method(),
        headers: request.headers(),
        is_trusted: origin.is_trusted,
    });
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
                let time = shared.live.load().body_timeout;
                shared.bodies.read(client, body, limit, time).await
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
        let answer = ask(protocol, &route, request, &peer).await;
        if let Some(error) = &answer.error {
            shared.errors.record(error);
        }
        until(answer.not_before, &*shared.clock).await;
        let response = answer.response.map(Full::new);
        if too_large { closing(response) } else { response }
    };
    let response = traces::parts_of(&traced, answered.instrument(span)).await;
    mounted.meters.answered(&route, response.status(), began.elapsed());
    traced.end(response.status());
    response
}
