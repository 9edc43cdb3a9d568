//! Connections: accepted, served, and ended in good order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{BodyTooLarge, Peer};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use crate::body::Read;
use crate::host;
use crate::origin::Origin;
use crate::response::{LONGEST_DELAY, closing, plain, retry};
use crate::router::Router;
use crate::shared::Shared;
use crate::websocket;

/// The pause after the system refused a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The answer to a request for another host, where only those for this machine are answered.
const FOREIGN_HOST: &str = "This demo server answers requests for this machine only: call it localhost, or by the address that it printed";

/// What the requests of one connection share.
struct Connection {
    address: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    /// The connection's permit, which a socket takes over.
    permit: Arc<OwnedSemaphorePermit>,
}

/// Accepts connections until told to stop. At the limit of connections none is accepted until one ends.
pub(crate) async fn accept(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&shared.connections).acquire_owned() => permit,
            () = shared.stop.cancelled() => return,
        };
        let Ok(permit) = permit else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let (router, permit) = (router.clone(), Arc::new(permit));
                let connection = Connection { address, router, shared: Arc::clone(&shared), permit };
                shared.tasks.spawn(serve_connection(stream, connection));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection until it ends, or turns into a socket that takes over its permit.
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

/// Finds who answers a request, reads its body, has the protocol answer, and waits for the answer's moment.
async fn answer(mut request: Request<Incoming>, of: &Connection) -> Response<Full<Bytes>> {
    let Connection { address, router, shared, permit } = of;
    host::settle(&mut request);
    if shared.loopback_hosts_only && host::is_foreign(&request) {
        return plain(StatusCode::MISDIRECTED_REQUEST, FOREIGN_HOST);
    }
    let origin = Origin::of(*address, request.headers(), &shared.proxies);
    if let Some(doubt) = &origin.doubt {
        shared.forwarding.note(doubt, address.ip());
    }
    let peer = Peer::new(origin.client);
    let id = shared.request_ids.of(request.headers(), origin.is_trusted);
    if let Some(sockets) = router.sockets(request.uri().path()) {
        let span = tracing::info_span!("socket", %id);
        return websocket::open(sockets, request, peer, shared, Arc::clone(permit), span);
    }
    let Some((protocol, route)) = router.find(request.uri().path()) else {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    };
    // The route's pattern, never the path, which may hold a secret.
    let span =
        tracing::info_span!("request", %id, protocol = protocol.name().as_str(), route = route.pattern);
    let answered = async {
        let (parts, body) = request.into_parts();
        let read = shared.bodies.read(body, route.body_limit, shared.body_timeout).await;
        let (body, _held, too_large) = match read {
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
        let answer = AssertUnwindSafe(protocol.answer(&route, request, &peer)).catch_unwind();
        let Ok(answer) = answer.await else {
            tracing::error!("a protocol panicked: this is a defect");
            return plain(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
        };
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
