//! An experiment: rounds of one request of each class in random order, then the control.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::connection::Connection;
use super::groups::Group;
use super::shuffler::Shuffler;
use super::statistics::{Summary, THRESHOLD};
use crate::server::Server;

/// The number of uncounted requests of each class at the start, while caches fill and the processor changes its speed.
const WARM_UP: usize = 50;

/// The size of an experiment.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the command line builds it")]
pub struct Experiment {
    /// The number of requests of each class.
    pub rounds: usize,
    /// The most repetitions: a difference counts when every repetition detects it.
    pub repetitions: u64,
}

/// The comparison of two classes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// The names of the two classes.
    pub pair: (&'static str, &'static str),
    /// The difference of the trimmed means in seconds.
    pub difference: f64,
    /// Welch's t of the trimmed means.
    pub t: f64,
    /// Welch's t of the untrimmed means.
    pub untrimmed_t: f64,
    /// The smallest difference that would have been detected 999 times in 1000.
    pub detectable: Duration,
}

impl Comparison {
    /// Whether the two classes differ. Values that cannot be compared count as different.
    #[must_use]
    pub fn differs(&self) -> bool {
        [self.t, self.untrimmed_t].iter().any(|t| t.is_nan() || t.abs() > THRESHOLD)
    }
}

/// The result of an experiment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The comparisons of each two classes in the last repetition.
    pub comparisons: Vec<Comparison>,
    /// The pairs that differ in every repetition, the same of the two being slower each time.
    pub different: Vec<(&'static str, &'static str)>,
    /// The number of repetitions.
    pub repetitions: u64,
    /// The comparison of a class with itself, delayed by [`Comparison::detectable`].
    pub control: Comparison,
}

/// Runs an experiment with a group of requests.
///
/// # Errors
/// When the server cannot be run, or a response has another status than the group says.
pub fn run(binary: &Path, group: &Group, experiment: Experiment) -> Result<Outcome> {
    let mut server = Server::start(binary, &group.config, &group.users)?;
    let mut connection = Connection::open(server.address())?;
    let classes: Vec<Class<'_>> =
        group.classes.iter().map(|(name, request)| Class { name, request, delay: Duration::ZERO }).collect();
    measure(&mut connection, group.status, &classes, WARM_UP, 0)?;
    let mut different: Option<Vec<(&str, &str, bool)>> = None;
    let mut repetition = 0;
    let comparisons = loop {
        repetition += 1;
        let comparisons = measure(&mut connection, group.status, &classes, experiment.rounds, repetition)?;
        let now: Vec<_> = comparisons
            .iter()
            .filter(|comparison| comparison.differs())
            .map(|comparison| (comparison.pair.0, comparison.pair.1, comparison.t > 0.0))
            .collect();
        let always: Vec<_> = match different {
            None => now,
            Some(before) => before.into_iter().filter(|pair| now.contains(pair)).collect(),
        };
        let is_last = always.is_empty() || repetition == experiment.repetitions;
        different = Some(always);
        if is_last {
            break comparisons;
        }
    };
    let control = control(&mut connection, group, &comparisons, experiment)?;
    server.stop()?;
    let different = different.into_iter().flatten().map(|(a, b, _)| (a, b)).collect();
    Ok(Outcome { comparisons, different, repetitions: repetition, control })
}

struct Class<'a> {
    name: &'static str,
    request: &'a [u8],
    delay: Duration,
}

/// Compares the first class with itself, delayed by the largest of the detectable differences. Repeated until the delay
/// is detected, because the noise of the moment may hide a difference as it may feign one.
fn control(
    connection: &mut Connection,
    group: &Group,
    comparisons: &[Comparison],
    experiment: Experiment,
) -> Result<Comparison> {
    let delay = comparisons.iter().map(|comparison| comparison.detectable).max().unwrap_or_default();
    let request = group.classes.first().map(|(_, request)| request.as_slice()).unwrap_or_default();
    let classes = [
        Class { name: "delayed", request, delay },
        Class { name: "not delayed", request, delay: Duration::ZERO },
    ];
    let mut repetition = 0;
    loop {
        repetition += 1;
        let seed = 1000 + repetition;
        let comparisons = measure(connection, group.status, &classes, experiment.rounds, seed)?;
        match comparisons.into_iter().next() {
            Some(comparison) if comparison.t > THRESHOLD || repetition == experiment.repetitions => {
                return Ok(Comparison { detectable: delay, ..comparison });
            }
            Some(_) => {}
            None => bail!("nothing was measured"),
        }
    }
}

/// Sends requests in rounds, one of each class in random order, and compares each two classes.
fn measure(
    connection: &mut Connection,
    status: u16,
    classes: &[Class<'_>],
    rounds: usize,
    seed: u64,
) -> Result<Vec<Comparison>> {
    let mut times = vec![Vec::with_capacity(rounds); classes.len()];
    let mut order: Vec<usize> = (0..classes.len()).collect();
    let mut shuffler = Shuffler::new(seed);
    for _ in 0..rounds {
        shuffler.shuffle(&mut order);
        for index in &order {
            let (Some(class), Some(times)) = (classes.get(*index), times.get_mut(*index)) else { continue };
            let (actual, took) = connection.time(class.request, class.delay)?;
            ensure!(actual == status, "{}: {actual} instead of {status}", class.name);
            times.push(took);
        }
    }
    let summaries: Vec<(&'static str, Summary, Summary)> = classes
        .iter()
        .zip(&times)
        .map(|(class, times)| (class.name, Summary::of(times), Summary::untrimmed(times)))
        .collect();
    let mut comparisons = Vec::new();
    for (index, (name, a, untrimmed_a)) in summaries.iter().enumerate() {
        for (other, b, untrimmed_b) in summaries.iter().skip(index + 1) {
            comparisons.push(Comparison {
                pair: (name, other),
                difference: a.mean - b.mean,
                t: a.t(*b),
                untrimmed_t: untrimmed_a.t(*untrimmed_b),
                detectable: a.detectable(*b),
            });
        }
    }
    Ok(comparisons)
}
