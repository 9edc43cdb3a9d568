//! What is counted of requests: a counter for each route and status, and a histogram for each route.
//!
//! A route's meters are registered at its first request. After that a request costs a look into a table by the index of its
//! route: no text is made, and nothing is hashed.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use auth_core::{ProtocolName, Route};
use http::StatusCode;
use metrics::{Counter, Histogram};

use super::Metrics;
use super::families::{REQUEST_SECONDS, REQUESTS};

/// The routes of a protocol that have a place in the table. More are counted too, with more work.
const ROUTES: usize = 256;

/// Statuses from 100 on.
const STATUSES: usize = 500;

/// The meters of one protocol's requests.
pub(crate) struct RequestMeters {
    metrics: Arc<Metrics>,
    protocol: ProtocolName,
    routes: Box<[OnceLock<RouteMeter>]>,
}

/// The meters of one route.
struct RouteMeter {
    seconds: Histogram,
    statuses: Box<[OnceLock<Counter>]>,
}

impl RequestMeters {
    pub(crate) fn new(metrics: Arc<Metrics>, protocol: ProtocolName) -> Self {
        // Without metrics there is nothing to look up.
        let routes = if metrics.is_on() { ROUTES } else { 0 };
        Self { metrics, protocol, routes: (0..routes).map(|_| OnceLock::new()).collect() }
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, route: &Route, status: StatusCode, took: Duration) {
        if !self.metrics.is_on() {
            return;
        }
        match self.routes.get(route.index) {
            Some(meter) => {
                let meter = meter.get_or_init(|| RouteMeter {
                    seconds: self.seconds(route),
                    statuses: (0..STATUSES).map(|_| OnceLock::new()).collect(),
                });
                meter.seconds.record(took);
                match meter.statuses.get(usize::from(status.as_u16()) - 100) {
                    Some(counter) => counter.get_or_init(|| self.counter(route, status)).increment(1),
                    None => self.counter(route, status).increment(1),
                }
            }
            None => {
                self.seconds(route).record(took);
                self.counter(route, status).increment(1);
            }
        }
    }

    fn seconds(&self, route: &Route) -> Histogram {
        self.metrics.histogram(&REQUEST_SECONDS, &[self.protocol.as_str(), route.pattern])
    }

    fn counter(&self, route: &Route, status: StatusCode) -> Counter {
        self.metrics.counter(&REQUESTS, &[self.protocol.as_str(), route.pattern, status.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use auth_core::RouteMatch;

    use super::*;

    fn route(index: usize) -> Route {
        Route { matched: RouteMatch::Documented, pattern: "/api/{name}", index }
    }

    #[test]
    fn requests_are_counted_by_route_and_status_also_beyond_the_table() {
        let metrics = Arc::new(Metrics::new());
        let meters = RequestMeters::new(Arc::clone(&metrics), ProtocolName::ZULIP);
        for (index, status) in [(0, 200), (0, 200), (1, 200), (ROUTES, 200), (0, 404), (0, 999)] {
            let status = StatusCode::from_u16(status).unwrap();
            meters.answered(&route(index), status, Duration::from_millis(3));
        }
        let page = metrics.render();
        let labels = "protocol=\"zulip\",route=\"/api/{name}\"";
        for line in [
            format!("auth_server_requests_total{{{labels},status=\"200\"}} 4"),
            format!("auth_server_requests_total{{{labels},status=\"404\"}} 1"),
            format!("auth_server_requests_total{{{labels},status=\"999\"}} 1"),
            format!("auth_server_request_seconds_bucket{{{labels},le=\"0.0025\"}} 0"),
            format!("auth_server_request_seconds_bucket{{{labels},le=\"0.005\"}} 6"),
            format!("auth_server_request_seconds_count{{{labels}}} 6"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line}: {page}");
        }
    }

    #[test]
    fn nothing_is_kept_where_there_are_no_metrics() {
        let metrics = Arc::new(Metrics::off());
        let meters = RequestMeters::new(Arc::clone(&metrics), ProtocolName::ZULIP);
        meters.answered(&route(0), StatusCode::OK, Duration::from_millis(3));
        assert_eq!((meters.routes.len(), metrics.render().as_str()), (0, ""));
    }
}
