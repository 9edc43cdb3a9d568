//! The listener for those who watch the server: `/metrics`, `/livez` and `/readyz`, at an address of its own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use auth_core::ClientKey;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Activity;
use crate::connections::{Connections, Place};
use crate::health::{Health, Report};
use crate::metrics::{Metrics, Sources};
use crate::response::plain;
use crate::stream::WatchedStream;

/// How long a watcher may take to send its request, and to read the answer.
const QUIET_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that are open at a time. A further one takes the place of one that is quiet.
const CONNECTIONS: usize = 16;

/// What the listener shows.
pub(crate) struct Monitor {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sources: Sources,
    pub(crate) health: Health,
    pub(crate) tasks: TaskTracker,
}

/// Answers watchers until told to stop.
pub(crate) async fn serve(listener: Arc<TcpListener>, monitor: Arc<Monitor>, stop: CancellationToken) {
    let connections = Connections::new(CONNECTIONS, usize::MAX);
    tokio::select! {
        () = accept(&listener, &monitor, &connections, &stop) => {}
        () = Arc::clone(&connections).sweep_until(QUIET_TIMEOUT, stop.clone()) => {}
    }
}

async fn accept(
    listener: &TcpListener,
    monitor: &Arc<Monitor>,
    connections: &Arc<Connections>,
    stop: &CancellationToken,
) {
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let activity = Arc::new(Activity::new(stop));
        let client = ClientKey::of(address.ip().to_canonical());
        if let Some(place) = connections.enter(Some(client), &activity).await {
            let stream = WatchedStream::new(Either::Left(Either::Left(stream)), Arc::clone(&activity));
            monitor.tasks.spawn(serve_connection(stream, activity, place, Arc::clone(monitor)));
        }
    }
}

/// Answers the one request of a connection, until the connection is to end.
async fn serve_connection(
    stream: WatchedStream,
    activity: Arc<Activity>,
    place: Place,
    monitor: Arc<Monitor>,
) {
    let service = service_fn(|request| {
        let (monitor, answering) = (&monitor, activity.answering());
        async move {
            let response = monitor.answer(&request).await;
            drop(answering);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A connection that breaks is the watcher's affair.
        _ = connection => {}
        () = place.ended() => {}
    }
}

impl Monitor {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/livez" | "/readyz") {
            return plain(StatusCode::NOT_FOUND, "Not Found");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
        }
        match path {
            "/livez" => told(&self.health.live()),
            "/readyz" => told(&self.health.ready().await),
            _ => self.numbers(),
        }
    }

    fn numbers(&self) -> Response<Full<Bytes>> {
        self.sources.read_into(&self.metrics);
        let mut response = Response::new(Full::new(self.metrics.render().into()));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

fn told(report: &Report) -> Response<Full<Bytes>> {
    let status = if report.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = plain(status, report.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
