//! Estimates of how long jobs take, corrected by how long jobs of the same scheme took before.

use std::collections::HashMap;
use std::time::Duration;

use super::task::Task;

/// The measured time of each scheme relative to its estimate.
#[derive(Default)]
pub(super) struct Estimates {
    ratios: HashMap<&'static str, Ratio>,
}

/// A measured time divided by the estimated time, averaged over recent jobs.
struct Ratio(f64);

impl Estimates {
    /// The processor time that a task is expected to use.
    pub(super) fn cost(&self, task: &Task) -> Duration {
        let ratio = self.ratios.get(task.scheme()).map_or(1.0, |ratio| ratio.0);
        task.estimated_time().mul_f64(ratio)
    }

    /// Records that a job of this scheme took `measured` where `estimated` was expected.
    pub(super) fn record(&mut self, scheme: &'static str, estimated: Duration, measured: Duration) {
        self.ratios.entry(scheme).or_insert(Ratio(1.0)).record(estimated, measured);
    }
}

impl Ratio {
    /// Moves the average slowly: the machine may be busy with something else for a moment.
    fn record(&mut self, estimated: Duration, measured: Duration) {
        const WEIGHT: f64 = 1.0 / 16.0;
        const BOUNDS: (f64, f64) = (1.0 / 64.0, 64.0);
        if !estimated.is_zero() {
            let seen = (measured.as_secs_f64() / estimated.as_secs_f64()).clamp(BOUNDS.0, BOUNDS.1);
            self.0 += (seen - self.0) * WEIGHT;
        }
    }
}
