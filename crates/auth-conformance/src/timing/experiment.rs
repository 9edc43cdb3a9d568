//! An experiment: rounds of one request of each class in random order, then the control.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::client::Client;
use super::{Group, Shuffler, Summary, THRESHOLD};
use crate::Server;

/// Requests of each class before those that count: caches fill, the processor finds its pace.
const WARM_UP: usize = 50;

/// How an experiment is done.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the command line builds it")]
pub struct Experiment {
    /// Requests of each class.
    pub rounds: usize,
    /// How often it is done at most: a difference counts when every repetition sees it.
    pub repetitions: u64,
}

/// Two classes compared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Comparison {
    /// The names of the two.
    pub pair: (&'static str, &'static str),
    /// The difference of the means in seconds.
    pub difference: f64,
    /// Welch's t of the trimmed means.
    pub t: f64,
    /// Welch's t of all answers, those among them that something else held up.
    pub plain_t: f64,
    /// The smallest difference that would surely have been seen.
    pub smallest_seen: Duration,
}

impl Comparison {
    /// Whether the two differ.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        // What can't be told is not alike.
        [self.t, self.plain_t].iter().any(|t| t.is_nan() || t.abs() > THRESHOLD)
    }
}

/// What came of a group's last repetition.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Each two classes.
    pub comparisons: Vec<Comparison>,
    /// The pairs that every repetition saw, the same of the two being slower.
    pub seen: Vec<(&'static str, &'static str)>,
    /// How many repetitions there were.
    pub repetitions: u64,
    /// A class against itself with as much delay as would have been seen.
    pub control: Comparison,
}

/// Does an experiment with a group.
///
/// # Errors
/// When the server can't be run, or answers with another status.
pub fn run(binary: &Path, group: &Group, experiment: Experiment) -> Result<Outcome> {
    let mut server = Server::start(binary, &group.config, &group.users)?;
    let mut client = Client::connect(server.address())?;
    let classes: Vec<Class<'_>> = group
        .classes
        .iter()
        .map(|(name, request)| Class { name, request, held_up: Duration::ZERO })
        .collect();
    measure(&mut client, group.status, &classes, WARM_UP, 0)?;
    let mut seen: Option<Vec<(&str, &str, bool)>> = None;
    let mut repetition = 0;
    let comparisons = loop {
        repetition += 1;
        let comparisons = measure(&mut client, group.status, &classes, experiment.rounds, repetition)?;
        let now: Vec<_> = comparisons
            .iter()
            .filter(|comparison| comparison.is_seen())
            .map(|comparison| (comparison.pair.0, comparison.pair.1, comparison.t > 0.0))
            .collect();
        let always: Vec<_> = match seen {
            None => now,
            Some(before) => before.into_iter().filter(|pair| now.contains(pair)).collect(),
        };
        if always.is_empty() || repetition == experiment.repetitions {
            seen = Some(always);
            break comparisons;
        }
        seen = Some(always);
    };
    let control = control(&mut client, group, &comparisons, experiment)?;
    server.stop()?;
    let seen = seen.into_iter().flatten().map(|(a, b, _)| (a, b)).collect();
    Ok(Outcome { comparisons, seen, repetitions: repetition, control })
}

struct Class<'a> {
    name: &'static str,
    request: &'a [u8],
    held_up: Duration,
}

/// The first class against itself, delayed by the largest of the differences that would surely have been seen. It
/// too is repeated, until it is seen: the noise of the moment may hide it, as it may make a difference up.
fn control(
    client: &mut Client,
    group: &Group,
    comparisons: &[Comparison],
    experiment: Experiment,
) -> Result<Comparison> {
    let planted = comparisons.iter().map(|comparison| comparison.smallest_seen).max().unwrap_or_default();
    let request = group.classes.first().map(|(_, request)| request.as_slice()).unwrap_or_default();
    let classes = [
        Class { name: "delayed", request, held_up: planted },
        Class { name: "not delayed", request, held_up: Duration::ZERO },
    ];
    let mut repetition = 0;
    loop {
        repetition += 1;
        let seed = 1000 + repetition;
        let comparison = measure(client, group.status, &classes, experiment.rounds, seed)?.into_iter().next();
        match comparison {
            Some(comparison) if comparison.t > THRESHOLD || repetition == experiment.repetitions => {
                return Ok(Comparison { smallest_seen: planted, ..comparison });
            }
            Some(_) => {}
            None => anyhow::bail!("nothing was measured"),
        }
    }
}

/// Asks in rounds, one request of each class in random order, and compares each two.
fn measure(
    client: &mut Client,
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
            let (answered, took) = client.time(class.request, class.held_up)?;
            ensure!(answered == status, "{}: {answered} instead of {status}", class.name);
            times.push(took);
        }
    }
    let summaries: Vec<(&'static str, Summary, Summary)> = classes
        .iter()
        .zip(&times)
        .map(|(class, times)| (class.name, Summary::of(times), Summary::of_all(times)))
        .collect();
    let mut comparisons = Vec::new();
    for (index, (name, a, all_of_a)) in summaries.iter().enumerate() {
        for (other, b, all_of_b) in summaries.iter().skip(index + 1) {
            comparisons.push(Comparison {
                pair: (name, other),
                difference: a.mean - b.mean,
                t: a.t(*b),
                plain_t: all_of_a.t(*all_of_b),
                smallest_seen: a.smallest_seen(*b),
            });
        }
    }
    Ok(comparisons)
}
