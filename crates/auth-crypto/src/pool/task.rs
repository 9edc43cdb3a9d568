//! What a worker does: a verification, a new hash, or one around an older hash, alone or several together.

use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory, Params};
use auth_core::{PasswordString, Rng};
use tokio::sync::oneshot;

use super::{Busy, Turn, Verification};
use crate::password::{self, Computation, HashingRule, OldHash, Secret, StoredPassword, Verdict};

/// What makes a new hash.
const NEW: &str = "argon2";

pub(super) type Answer<T> = oneshot::Sender<Result<T, Busy>>;

/// A type and not a closure, so that jobs of equal parameters can be found and computed together.
pub(super) enum Task {
    Verify(Box<Verification>, Answer<Verdict>),
    Hash { secret: Secret, rule: HashingRule, turn: Turn, answer: Answer<PasswordString> },
    Wrap { old: OldHash, rule: HashingRule, turn: Turn, answer: Answer<PasswordString> },
}

impl Task {
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Verify(_, answer) => answer.is_closed(),
            Self::Hash { answer, .. } | Self::Wrap { answer, .. } => answer.is_closed(),
        }
    }

    pub(super) fn turn(&self) -> Turn {
        match self {
            Self::Verify(job, _) => job.turn,
            Self::Hash { turn, .. } | Self::Wrap { turn, .. } => *turn,
        }
    }

    /// Its scheme in a word. Where nobody's password is judged, the work is that of a new one.
    pub(super) fn scheme(&self) -> &'static str {
        self.stored().map_or(NEW, StoredPassword::scheme)
    }

    pub(super) fn estimated_time(&self) -> Duration {
        self.stored().map_or_else(|| self.rule().estimated_time(), StoredPassword::estimated_time)
    }

    /// The parameters that it can be computed together with others of.
    pub(super) fn params(&self) -> Option<Params> {
        password::shared_params(self.stored(), self.rule())
    }

    pub(super) fn refuse(self, busy: Busy) {
        // Nobody may be left to hear it.
        match self {
            Self::Verify(_, answer) => {
                let _ = answer.send(Err(busy));
            }
            Self::Hash { answer, .. } | Self::Wrap { answer, .. } => {
                let _ = answer.send(Err(busy));
            }
        }
    }

    fn stored(&self) -> Option<&StoredPassword> {
        match self {
            Self::Verify(job, _) => job.stored.as_ref(),
            Self::Hash { .. } | Self::Wrap { .. } => None,
        }
    }

    fn rule(&self) -> &HashingRule {
        match self {
            Self::Verify(job, _) => &job.rule,
            Self::Hash { rule, .. } | Self::Wrap { rule, .. } => rule,
        }
    }

    fn begin(&self, rng: &dyn Rng) -> Option<Computation> {
        match self {
            Self::Verify(job, _) => {
                password::begin_verify(job.stored.as_ref(), &job.secret, &job.rule, &job.context)
            }
            Self::Hash { secret, rule, .. } => Some(password::begin_hash(secret, rule, rng)),
            Self::Wrap { old, rule, .. } => Some(password::begin_wrap(old, rule, rng)),
        }
    }

    /// Nobody may be left to hear the answer.
    fn end(self, computed: Computation) {
        match self {
            Self::Verify(job, answer) => {
                let verdict = password::end_verify(job.stored.as_ref(), &job.secret, &job.rule, &computed);
                let _ = answer.send(Ok(verdict));
            }
            Self::Hash { secret, rule, answer, .. } => {
                let _ = answer.send(Ok(password::end_hash(&secret, &rule, computed)));
            }
            Self::Wrap { old, answer, .. } => {
                let _ = answer.send(Ok(password::end_wrap(&old, computed)));
            }
        }
    }
}

/// Does one task, or several that can be computed together.
pub(super) fn run(tasks: Vec<Task>, rng: &dyn Rng, memory: &mut Memory) {
    let mut together = Vec::with_capacity(tasks.len());
    let mut computations = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.begin(rng) {
            Some(computation) => {
                computations.push(computation);
                together.push(task);
            }
            None => run_alone(task, memory),
        }
    }
    match password::compute(&mut computations, memory) {
        Ok(()) => together.into_iter().zip(computations).for_each(|(task, computed)| task.end(computed)),
        Err(OutOfMemory) => together.into_iter().for_each(|task| task.refuse(Busy::shortly())),
    }
}

/// Verifies a password of another scheme than Argon2.
fn run_alone(task: Task, memory: &mut Memory) {
    let Task::Verify(job, answer) = task else { return };
    let Verification { stored, secret, rule, context, .. } = *job;
    let verdict = password::verify(stored.as_ref(), &secret, &rule, &context, memory);
    let _ = answer.send(verdict.map_err(|OutOfMemory| Busy::shortly()));
}
