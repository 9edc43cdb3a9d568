//! Metrics in the text format of Prometheus (0.0.4), at an address of their own.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use auth_crypto::pool::{HashingPool, Histogram, PoolMetrics};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::forwarding_log::ForwardingLog;
use crate::response::plain;

/// How long a scraper may take to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers one scraper after the other until told to stop.
pub(crate) async fn serve(
    listener: TcpListener,
    pool: Arc<HashingPool>,
    forwarding: Arc<ForwardingLog>,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = stop.cancelled() => return,
        };
        let answer = service_fn(|request| {
            let response = answer(&request, &pool, &forwarding);
            async move { Ok::<_, Infallible>(response) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).keep_alive(false);
        let connection = builder.serve_connection(TokioIo::new(stream), answer);
        tokio::select! {
            ended = connection => drop(ended),
            () = stop.cancelled() => return,
        }
    }
}

fn answer(
    request: &Request<Incoming>,
    pool: &HashingPool,
    forwarding: &ForwardingLog,
) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "Not Found");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    let mut response = Response::new(Full::new(render(&pool.metrics(), &forwarding.counts()).into()));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn render(metrics: &PoolMetrics, doubted: &[(&'static str, u64)]) -> String {
    let mut page = Page(String::new());
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
        let text = render(&PoolMetrics::default(), &[("untrusted", 1)]);
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
