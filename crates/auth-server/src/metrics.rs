//! Metrics in the text format of Prometheus (0.0.4), at an address of their own.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use auth_core::ClientKey;
use auth_crypto::pool::{HashingPool, Histogram, PoolMetrics};
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

use crate::activity::Activity;
use crate::backups::LastGood;
use crate::connections::{Connections, Place, Tally};
use crate::logging;
use crate::response::plain;
use crate::shared::Shared;
use crate::stream::WatchedStream;

/// How long a scraper may take to send its request, and to read the answer.
const QUIET_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections that are open at a time. A further one takes the place of one that is quiet.
const CONNECTIONS: usize = 16;

/// Where the numbers come from.
pub(crate) struct Sources {
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) shared: Arc<Shared>,
    /// Where the server makes backups.
    pub(crate) last_backup: Option<Arc<LastGood>>,
}

/// The numbers of a page.
struct Numbers {
    hashing: PoolMetrics,
    connections: Tally,
    /// Requests, sockets and bodies that were refused, by their kind.
    refused: [(&'static str, u64); 3],
    /// Requests whose client may be another one, by the reason.
    doubted: Vec<(&'static str, u64)>,
    lost_lines: u64,
    /// When the last good backup was made, where backups are made: in seconds since 1970.
    last_backup: Option<i64>,
}

impl Sources {
    fn read(&self) -> Numbers {
        let shared = &self.shared;
        Numbers {
            hashing: self.pool.metrics(),
            connections: shared.connections.tally(),
            refused: [
                ("requests", shared.requests.refused()),
                ("sockets", shared.signed_in_sockets.refused() + shared.user_sockets.refused()),
                ("bodies", shared.bodies.refused()),
            ],
            doubted: shared.forwarding.counts(),
            lost_lines: logging::lost_lines(),
            last_backup: self.last_backup.as_ref().map(|last| last.seconds()),
        }
    }
}

/// Answers scrapers until told to stop.
pub(crate) async fn serve(listener: Arc<TcpListener>, sources: Arc<Sources>, stop: CancellationToken) {
    let connections = Connections::new(CONNECTIONS, usize::MAX);
    tokio::select! {
        () = accept(&listener, &sources, &connections, &stop) => {}
        () = Arc::clone(&connections).sweep_until(QUIET_TIMEOUT, stop.clone()) => {}
    }
}

async fn accept(
    listener: &TcpListener,
    sources: &Arc<Sources>,
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
            sources.shared.tasks.spawn(serve_connection(stream, activity, place, Arc::clone(sources)));
        }
    }
}

/// Answers the one request of a connection, until the connection is to end.
async fn serve_connection(
    stream: WatchedStream,
    activity: Arc<Activity>,
    place: Place,
    sources: Arc<Sources>,
) {
    let service = service_fn(|request| {
        let _answering = activity.answering();
        let response = answer(&request, &sources);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A connection that breaks is the scraper's affair.
        _ = connection => {}
        () = place.ended() => {}
    }
}

fn answer(request: &Request<Incoming>, sources: &Sources) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    let mut response = Response::new(Full::new(render(&sources.read()).into()));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn render(numbers: &Numbers) -> String {
    let Numbers { hashing: metrics, connections, refused, doubted, lost_lines, last_backup } = numbers;
    let mut page = Page(String::new());
    page.family(
        "log_lines_lost_total",
        "counter",
        "Log lines dropped because they could not be written in time.",
    );
    page.value("log_lines_lost_total", "", lost_lines);
    page.family("connections", "gauge", "Open connections.");
    page.value("connections", "", connections.open);
    let ended_total = "connections_ended_total";
    page.family(ended_total, "counter", "Connections that the server ended, by the reason.");
    for (reason, count) in [("room", connections.made_room), ("timeout", connections.timed_out)] {
        page.value(ended_total, &format!("reason=\"{reason}\""), count);
    }
    let refused_total = "refused_total";
    page.family(
        refused_total,
        "counter",
        "What a client had too much of, or found no room for, by its kind.",
    );
    for (kind, count) in [("connections", connections.refused)].iter().chain(refused) {
        page.value(refused_total, &format!("kind=\"{kind}\""), count);
    }
    page.family("hashing_waiting", "gauge", "Jobs that wait for a thread.");
    page.value("hashing_waiting", "", metrics.waiting);
    for (name, value, help) in [
        ("hashing_refused_total", metrics.refused, "Jobs refused because the queue was full."),
        ("hashing_late_total", metrics.late, "Jobs refused because they had waited as long as they may."),
        ("hashing_abandoned_total", metrics.abandoned, "Jobs whose client had gone."),
    ] {
        page.family(name, "counter", help);
        page.value(name, "", value);
    }
    page.family("hashing_wait_seconds", "histogram", "How long jobs waited for a thread.");
    page.histogram("hashing_wait_seconds", "", &metrics.wait);
    page.family("hashing_seconds", "histogram", "How long a job kept a core busy.");
    for (scheme, times) in &metrics.hashing {
        page.histogram("hashing_seconds", &format!("scheme=\"{scheme}\""), times);
    }
    page.family("hashing_rounds_total", "counter", "Rounds of a thread, by how many jobs it did together.");
    for (jobs, times) in (1..).zip(&metrics.batch_sizes) {
        page.value("hashing_rounds_total", &format!("jobs=\"{jobs}\""), times);
    }
    let doubted_total = "forwarding_doubted_total";
    page.family(doubted_total, "counter", "Requests whose client may be another one, by the reason.");
    for (reason, requests) in doubted {
        page.value(doubted_total, &format!("reason=\"{reason}\""), requests);
    }
    if let Some(seconds) = last_backup {
        let name = "backup_last_good_timestamp_seconds";
        page.family(name, "gauge", "When the last backup was made that was found good; 0 before the first.");
        page.value(name, "", seconds);
    }
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP auth_server_{name} {help}"));
        self.line(format_args!("# TYPE auth_server_{name} {kind}"));
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        if labels.is_empty() {
            self.line(format_args!("auth_server_{name} {value}"));
        } else {
            self.line(format_args!("auth_server_{name}{{{labels}}} {value}"));
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, histogram: &Histogram) {
        let comma = if labels.is_empty() { "" } else { "," };
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.buckets() {
            self.value(&bucket, &format!("{labels}{comma}le=\"{}\"", bound.as_secs_f64()), count);
        }
        self.value(&bucket, &format!("{labels}{comma}le=\"+Inf\""), histogram.count);
        self.value(&format!("{name}_sum"), labels, histogram.sum.as_secs_f64());
        self.value(&format!("{name}_count"), labels, histogram.count);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Text takes whatever is written to it.
        let _ = writeln!(self.0, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_described_once_and_every_line_is_well_formed() {
        let text = render(&Numbers {
            hashing: PoolMetrics::default(),
            connections: Tally { open: 1, made_room: 2, timed_out: 4, refused: 5 },
            refused: [("requests", 6), ("sockets", 7), ("bodies", 8)],
            doubted: vec![("untrusted", 9)],
            lost_lines: 3,
            last_backup: Some(1_700_000_000),
        });
        for value in [
            "log_lines_lost_total 3",
            "connections 1",
            "backup_last_good_timestamp_seconds 1700000000",
            "connections_ended_total{reason=\"room\"} 2",
            "connections_ended_total{reason=\"timeout\"} 4",
            "refused_total{kind=\"connections\"} 5",
            "refused_total{kind=\"requests\"} 6",
            "refused_total{kind=\"sockets\"} 7",
            "refused_total{kind=\"bodies\"} 8",
            "forwarding_doubted_total{reason=\"untrusted\"} 9",
        ] {
            assert!(text.lines().any(|line| line == format!("auth_server_{value}")), "{value}: {text}");
        }
        for family in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = family.split(' ').next().unwrap();
            assert_eq!(text.matches(&format!("# HELP {name} ")).count(), 1, "{name}");
        }
        let mut page = Page(String::new());
        page.histogram("x_seconds", "scheme=\"bcrypt\"", &Histogram::default());
        page.value("y", "", 7);
        let values: Vec<&str> = page.0.lines().collect();
        assert_eq!(values[0], "auth_server_x_seconds_bucket{scheme=\"bcrypt\",le=\"0.001\"} 0");
        assert_eq!(values[values.len() - 4], "auth_server_x_seconds_bucket{scheme=\"bcrypt\",le=\"+Inf\"} 0");
        assert_eq!(values[values.len() - 1], "auth_server_y 7");
    }
}
