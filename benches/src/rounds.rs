//! Measures rivals in rounds. Each round takes one sample of every rival, so that other load on the machine slows all
//! of them alike.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::Rival;

/// The least length of a sample. A rival that takes less time is called several times.
const MIN_SAMPLE: Duration = Duration::from_millis(2);

/// The measurements of one rival.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "programs read the fields")]
pub struct Measured {
    /// The rival's name.
    pub name: String,
    /// Seconds for one operation, in each round and on each core.
    pub seconds: Vec<f64>,
}

impl Measured {
    /// The median of the seconds for one operation.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(self.seconds.iter().copied())
    }

    /// How many times as fast this rival is as `other`: the median of the ratios of the same rounds.
    #[must_use]
    pub fn times_as_fast_as(&self, other: &Self) -> f64 {
        median(other.seconds.iter().zip(&self.seconds).map(|(other, own)| other / own))
    }
}

/// Measures rivals in `rounds` rounds, after one more to warm up.
///
/// Every team has the same rivals and a thread of its own. All teams run the same rival at the same time.
///
/// # Errors
/// An error if a rival fails or there is no team.
pub fn measure(mut teams: Vec<Vec<Rival>>, rounds: usize) -> Result<Vec<Measured>> {
    let first = teams.first_mut().context("no team of rivals")?;
    let names: Vec<String> = first.iter().map(|rival| rival.name().to_owned()).collect();
    let calls = first.iter_mut().map(calls_per_sample).collect::<Result<Vec<u64>>>()?;
    let mut measured: Vec<Measured> =
        names.into_iter().map(|name| Measured { name, seconds: Vec::new() }).collect();
    for round in 0..=rounds {
        for (index, (measured, calls)) in measured.iter_mut().zip(&calls).enumerate() {
            let start = Barrier::new(teams.len());
            let took = thread::scope(|scope| {
                let samples: Vec<_> = teams
                    .iter_mut()
                    .filter_map(|team| team.get_mut(index))
                    .map(|rival| {
                        scope.spawn(|| {
                            start.wait();
                            let took = rival.run(*calls)?;
                            anyhow::Ok(took.as_secs_f64() / *calls as f64 / f64::from(rival.width()))
                        })
                    })
                    .collect();
                let ended =
                    samples.into_iter().map(|sample| sample.join().ok().context("a rival panicked")?);
                ended.collect::<Result<Vec<f64>>>()
            });
            let took = took.with_context(|| measured.name.clone())?;
            if round > 0 {
                measured.seconds.extend(took);
            }
        }
    }
    Ok(measured)
}

fn calls_per_sample(rival: &mut Rival) -> Result<u64> {
    let mut calls = 1;
    // The first call allocates memory.
    rival.run(1)?;
    while rival.run(calls)? < MIN_SAMPLE {
        calls *= 2;
    }
    Ok(calls)
}

/// The median. Of no values, NaN.
#[must_use]
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    percentile(values, 0.5)
}

/// The percentile at `share`, from 0 to 1: always one of the values. Of no values, NaN.
#[must_use]
pub fn percentile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rivals_are_compared_within_each_round() {
        let of = |seconds: &[f64]| Measured { name: String::new(), seconds: seconds.to_vec() };
        // The machine is three times as slow in the last round.
        let (slow, fast) = (of(&[4.0, 4.4, 12.0]), of(&[2.0, 2.0, 6.0]));
        assert_eq!((fast.median(), fast.times_as_fast_as(&slow)), (2.0, 2.0));
    }

    #[test]
    fn percentiles_are_measured_values() {
        let values = || (1..=100).map(f64::from);
        assert_eq!(
            (median(values()), percentile(values(), 0.99), percentile(values(), 1.0)),
            (51.0, 100.0, 100.0)
        );
        assert!(median(std::iter::empty()).is_nan());
    }
}
