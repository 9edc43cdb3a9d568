//! A listener beside those of the protocols, for programs: few connections, HTTP/1, and one service that answers.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_admin_api::Problem;
use auth_core::ClientKey;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Activity;
use crate::connections::{Connections, Place};
use crate::stream::{Plain, WatchedStream};
use crate::tls::Tls;

/// Connections that are open at a time. A further one takes the place of one that is quiet.
const CONNECTIONS: usize = 64;

/// Connections of one client. Fewer than the wrong keys of a client at the operators' listener: requests under way can't use
/// those up.
const PER_CLIENT: usize = 16;

/// How long a connection may be quiet, a handshake may take, and the head of a request.
const QUIET: Duration = Duration::from_secs(10);

/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long the body of a request may take.
const BODY: Duration = Duration::from_secs(10);

/// The memory that the head of a request may take.
const LONGEST_HEAD: usize = 16 << 10;

/// What answers the requests of a listener.
#[async_trait]
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers a request of a client.
    async fn answer(&self, client: ClientKey, request: Request<Incoming>) -> Response<Bytes>;
}

/// The listener, with what its connections share.
pub(crate) struct SideListener {
    pub(crate) listener: TcpListener,
    /// `None` at a loopback address alone.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) tasks: TaskTracker,
}

/// A connection.
struct Connection {
    of: Arc<SideListener>,
    client: ClientKey,
    activity: Arc<Activity>,
    place: Place,
    stop: CancellationToken,
}

impl SideListener {
    /// Takes requests until told to stop.
    pub(crate) async fn serve(self: Arc<Self>, stop: CancellationToken) {
        let connections = Connections::new(CONNECTIONS, PER_CLIENT);
        tokio::select! {
            () = self.accept(&connections, &stop) => {}
            () = Arc::clone(&connections).sweep_until(QUIET, stop.clone()) => {}
        }
    }

    async fn accept(self: &Arc<Self>, connections: &Arc<Connections>, stop: &CancellationToken) {
        loop {
            let Ok((stream, address)) = self.listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let activity = Arc::new(Activity::new(stop));
            let client = client_key(address);
            let Some(place) = connections.enter(Some(client), &activity).await else { continue };
            let tls = match &self.tls {
                Some(tls) => Some(tls.acceptor().await),
                None => None,
            };
            // Answers are small and written at once.
            let _ = stream.set_nodelay(true);
            let of = Arc::clone(self);
            let connection = Connection { of, client, activity, place, stop: stop.clone() };
            self.tasks.spawn(connection.run(Either::Left(stream), tls));
        }
    }
}

impl Connection {
    /// Serves the connection until it ends, or is quiet for too long.
    async fn run(self, stream: Plain, tls: Option<TlsAcceptor>) {
        let stream = match tls {
            None => Either::Left(stream),
            // A handshake that fails is the client's affair.
            Some(acceptor) => match timeout(QUIET, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Either::Right(Box::new(stream)),
                _ => return,
            },
        };
        let stream = WatchedStream::new(stream, Arc::clone(&self.activity));
        self.serve(stream).await;
    }

    async fn serve(self, stream: WatchedStream) {
        let Self { of, client, activity, place, stop } = &self;
        let service = service_fn(async |request: Request<Incoming>| {
            let _answering = activity.answering();
            let response = if place.is_refusal() {
                let title = "too many connections from this address";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", title).into_response()
            } else {
                of.service.answer(*client, request).await
            };
            Ok::<_, Infallible>(response.map(Full::new))
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(QUIET).max_buf_size(LONGEST_HEAD);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            // A connection that breaks is the client's affair.
            _ = connection.as_mut() => {}
            () = activity.ended() => {
                if stop.is_cancelled() {
                    connection.as_mut().graceful_shutdown();
                    drop(connection.await);
                }
            }
        }
    }
}

/// Reads the body of a request, of at most so many bytes.
///
/// # Errors
/// The [`Problem`] by which the request is refused.
pub(crate) async fn whole_body(body: Incoming, most: usize) -> Result<Bytes, Problem> {
    match timeout(BODY, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => {
            let title = format!("the body has more than {most} bytes, or broke off");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title))
        }
        Err(_) => {
            let title = "the body took too long to arrive";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", title))
        }
    }
}

fn client_key(address: SocketAddr) -> ClientKey {
    ClientKey::of(address.ip().to_canonical())
}

impl fmt::Debug for SideListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SideListener").field("listener", &self.listener).finish_non_exhaustive()
    }
}
