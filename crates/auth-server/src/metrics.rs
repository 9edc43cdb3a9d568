//! Metrics: numbers under the names of one table, in the text format of Prometheus.
//!
//! Each server has a recorder of its own: nothing is installed for the process. Without `[metrics]` there is none, and
//! whatever is recorded is dropped at once.

mod families;
mod readings;
mod requests;

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use tokio_util::sync::CancellationToken;

use self::families::{ALL, Family, Kind};
pub(crate) use self::families::{
    CREDENTIALS, DIRECTORY_SECONDS, MAIL_OLDEST_DUE, STORE_LOOK_SECONDS, STORE_UP,
};
pub(crate) use self::readings::{PoolTimes, Sources};
pub(crate) use self::requests::RequestMeters;

/// The upper bounds of all histograms, in seconds.
const BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often measured times are counted into their buckets, so that they take no more memory than those of a second.
const UPKEEP: Duration = Duration::from_secs(1);

/// The numbers of a server.
pub(crate) struct Metrics(Option<PrometheusRecorder>);

impl Metrics {
    /// Numbers that can be shown.
    pub(crate) fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // The bounds are not empty, which is all that is checked.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_default();
        let recorder = builder.build_recorder();
        for Family { name, kind, help, .. } in ALL {
            let (name, help) = ((*name).into(), (*help).into());
            match kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
        Self(Some(recorder))
    }

    /// No numbers.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The counter of a family with these values of its labels, in their order.
    pub(crate) fn counter(&self, family: &Family, labels: &[&str]) -> Counter {
        self.0
            .as_ref()
            .map_or_else(Counter::noop, |recorder| recorder.register_counter(&key(family, labels), &METADATA))
    }

    /// The gauge of a family with these values of its labels, in their order.
    pub(crate) fn gauge(&self, family: &Family, labels: &[&str]) -> Gauge {
        self.0
            .as_ref()
            .map_or_else(Gauge::noop, |recorder| recorder.register_gauge(&key(family, labels), &METADATA))
    }

    /// The histogram of a family with these values of its labels, in their order.
    pub(crate) fn histogram(&self, family: &Family, labels: &[&str]) -> Histogram {
        self.0.as_ref().map_or_else(Histogram::noop, |recorder| {
            recorder.register_histogram(&key(family, labels), &METADATA)
        })
    }

    /// Sets a gauge. A number beyond 2⁵³ is rounded.
    pub(crate) fn set(&self, family: &Family, labels: &[&str], value: impl TryInto<i64>) {
        #[expect(clippy::cast_precision_loss, reason = "no number is that large")]
        let value = value.try_into().unwrap_or(i64::MAX) as f64;
        self.gauge(family, labels).set(value);
    }

    /// All numbers, as text.
    pub(crate) fn render(&self) -> String {
        self.0.as_ref().map(|recorder| recorder.handle().render()).unwrap_or_default()
    }

    /// Counts measured times into their buckets again and again until told to stop.
    pub(crate) async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP) => {}
            }
            if let Some(recorder) = &self.0 {
                recorder.handle().run_upkeep();
            }
        }
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn key(family: &Family, values: &[&str]) -> Key {
    debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
    let labels = family.labels.iter().zip(values).map(|(name, value)| Label::new(*name, (*value).to_owned()));
    Key::from_parts(family.name, labels.collect::<Vec<_>>())
}
