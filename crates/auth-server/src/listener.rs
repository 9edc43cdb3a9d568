//! One connection after another: bytes in, bytes out, within limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BodyTooLarge, Clock, Peer};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::{BodyMemory, Read};
use crate::router::{Router, client};
use crate::websocket;

/// An answer never waits longer than this for its moment, whatever the clock does.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The pause after the system refused a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) bodies: BodyMemory,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// What the requests of one connection share: counted for each of them, so of its own for each connection.
struct Connection {
    address: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    place: Arc<OwnedSemaphorePermit>,
}

/// Accepts connections until told to stop. At the most connections it accepts no more until one ends.
pub(crate) async fn accept(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    loop {
        let place = tokio::select! {
            place = Arc::clone(&shared.connections).acquire_owned() => place,
            () = shared.stop.cancelled() => return,
        };
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let (router, place) = (router.clone(), Arc::new(place));
                let connection = Connection { address, router, shared: Arc::clone(&shared), place };
                shared.tasks.spawn(serve_connection(stream, connection));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection until it ends, or turns into a socket that takes over its place.
async fn serve_connection(stream: TcpStream, of: Connection) {
    let of = Arc::new(of);
    let shared = Arc::clone(&of.shared);
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.header_timeout)
        // Copied together, head and body take one plain write.
        .writev(false)
        .title_case_headers(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(shared.header_timeout)
        .max_concurrent_streams(16)
        .max_header_list_size(64 << 10);
    let service = service_fn(move |request| {
        let of = Arc::clone(&of);
        async move { Ok::<_, Infallible>(answer(request, &of).await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn answer(request: Request<Incoming>, of: &Connection) -> Response<Full<Bytes>> {
    let Connection { address, router, shared, place } = of;
    let peer = Peer::new(client(*address, request.headers(), &shared.trusted_proxies));
    if let Some(sockets) = router.sockets(request.uri().path()) {
        return websocket::open(sockets, request, peer, shared, Arc::clone(place));
    }
    let (parts, body) = request.into_parts();
    let Some(protocol) = router.protocol(parts.uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    };
    let (body, _held, too_large) =
        match shared.bodies.read(body, protocol.body_limit(), shared.body_timeout).await {
            Read::Whole(body, held) => (body, held, false),
            Read::TooLarge => (Bytes::new(), Vec::new(), true),
            Read::Late => {
                return closing(plain(StatusCode::REQUEST_TIMEOUT, "The request's body came too slowly"));
            }
            Read::NoMemory => {
                return closing(retry(plain(StatusCode::SERVICE_UNAVAILABLE, "The server is busy")));
            }
            Read::Broken => return closing(plain(StatusCode::BAD_REQUEST, "The request's body is broken")),
        };
    let mut request = Request::from_parts(parts, body);
    if too_large {
        request.extensions_mut().insert(BodyTooLarge);
    }
    let Ok(answer) = AssertUnwindSafe(protocol.answer(request, &peer)).catch_unwind().await else {
        tracing::error!(protocol = protocol.kind().as_str(), "a protocol panicked: this is a defect");
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    };
    if let Some(moment) = answer.not_before {
        tokio::time::sleep(moment.since(shared.clock.now()).min(LONGEST_WAIT)).await;
    }
    let response = answer.response.map(Full::new);
    if too_large { closing(response) } else { response }
}

pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

pub(crate) fn retry(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

fn closing(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}
