//! The work of a job, with the channel for its reply: a verification, a new hash, or a wrapped one.

use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory, Params};
use auth_core::{PasswordString, Rng};
use tokio::sync::oneshot;

use super::busy::Busy;
use super::class::JobClass;
use crate::password::{
    self, Computation, HashingRule, NameContext, OldHash, SecretInput, StoredPassword, Verdict,
};

/// A password to verify.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Verification {
    /// The stored password; `None` does the work of a wrong password on a current record.
    pub stored: Option<StoredPassword>,
    /// The secret that the client sent.
    pub secret: SecretInput,
    /// The rule for new hashes in the realm.
    pub rule: HashingRule,
    /// The data of the user that Zettelstore's hashes cover.
    pub context: NameContext,
    /// The class of the job.
    pub class: JobClass,
}

/// The sending half of a caller's reply channel, and how long its job waited, once it was begun.
pub(super) struct Reply<T> {
    sender: oneshot::Sender<(Result<T, Busy>, Option<Duration>)>,
    waited: Option<Duration>,
}

/// The receiving half: the reply, and how long the job waited where it was begun.
pub(super) type Replied<T> = oneshot::Receiver<(Result<T, Busy>, Option<Duration>)>;

impl<T> Reply<T> {
    pub(super) fn channel() -> (Self, Replied<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender, waited: None }, receiver)
    }

    /// Sends the reply. The caller may have gone away, which is no failure.
    fn send(self, result: Result<T, Busy>) {
        let _ = self.sender.send((result, self.waited));
    }
}

/// The work of a job. An enum and not a closure, so that tasks of equal parameters can be found and computed
/// together.
pub(super) enum Task {
    Verify(Box<Verification>, Reply<Verdict>),
    Hash { secret: SecretInput, rule: HashingRule, class: JobClass, reply: Reply<PasswordString> },
    Wrap { old: OldHash, rule: HashingRule, class: JobClass, reply: Reply<PasswordString> },
}

impl Task {
    /// Whether the caller has gone away.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Verify(_, reply) => reply.sender.is_closed(),
            Self::Hash { reply, .. } | Self::Wrap { reply, .. } => reply.sender.is_closed(),
        }
    }

    /// Notes how long the task waited until it was begun.
    pub(super) fn note_wait(&mut self, waited: Duration) {
        match self {
            Self::Verify(_, reply) => reply.waited = Some(waited),
            Self::Hash { reply, .. } | Self::Wrap { reply, .. } => reply.waited = Some(waited),
        }
    }

    pub(super) fn class(&self) -> JobClass {
        match self {
            Self::Verify(job, _) => job.class,
            Self::Hash { class, .. } | Self::Wrap { class, .. } => *class,
        }
    }

    /// The name of the scheme. Without a stored password, the work is that of a new hash.
    pub(super) fn scheme(&self) -> &'static str {
        self.stored().map_or(password::NEW_SCHEME, StoredPassword::scheme)
    }

    pub(super) fn estimated_time(&self) -> Duration {
        self.stored().map_or_else(|| self.rule().estimated_time(), StoredPassword::estimated_time)
    }

    /// The memory that the task takes, in KiB.
    pub(super) fn memory_kib(&self) -> usize {
        self.stored().map_or_else(|| self.rule().memory_kib(), StoredPassword::memory_kib)
    }

    /// The parameters that another task needs in order to be computed together with this one; `None` if it is
    /// computed alone.
    pub(super) fn params(&self) -> Option<Params> {
        password::batch_params(self.stored(), self.rule())
    }

    pub(super) fn refuse(self, busy: Busy) -> Answer {
        match self {
            Self::Verify(_, reply) => Answer::Verdict(reply, Err(busy)),
            Self::Hash { reply, .. } | Self::Wrap { reply, .. } => Answer::Made(reply, Err(busy)),
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

    fn finish(self, computed: Computation) -> Answer {
        match self {
            Self::Verify(job, reply) => {
                let verdict = password::finish_verify(job.stored.as_ref(), &job.secret, &job.rule, &computed);
                Answer::Verdict(reply, Ok(verdict))
            }
            Self::Hash { secret, rule, reply, .. } => {
                Answer::Made(reply, Ok(password::finish_hash(&secret, &rule, computed)))
            }
            Self::Wrap { old, reply, .. } => Answer::Made(reply, Ok(password::finish_wrap(&old, computed))),
        }
    }
}

/// What a job came to, on its way to the caller.
pub(super) enum Answer {
    Verdict(Reply<Verdict>, Result<Verdict, Busy>),
    Made(Reply<PasswordString>, Result<PasswordString, Busy>),
}

impl Answer {
    pub(super) fn send(self) {
        match self {
            Self::Verdict(reply, result) => reply.send(result),
            Self::Made(reply, result) => reply.send(result),
        }
    }
}

/// Computes one task, or several of equal parameters together. Returns an answer for each caller.
pub(super) fn run(tasks: Vec<Task>, rng: &dyn Rng, memory: &mut Memory) -> Vec<Answer> {
    let mut batch = Vec::with_capacity(tasks.len());
    let mut computations = Vec::with_capacity(tasks.len());
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.begin(rng) {
            Some(computation) => {
                computations.push(computation);
                batch.push(task);
            }
            None => answers.extend(run_alone(task, memory)),
        }
    }
    match password::compute(&mut computations, memory) {
        Ok(()) => {
            let finished = batch.into_iter().zip(computations).map(|(task, computed)| task.finish(computed));
            answers.extend(finished);
        }
        Err(OutOfMemory) => answers.extend(batch.into_iter().map(|task| task.refuse(Busy::shortly()))),
    }
    answers
}

/// Verifies a password of a scheme other than Argon2.
fn run_alone(task: Task, memory: &mut Memory) -> Option<Answer> {
    let Task::Verify(job, reply) = task else { return None };
    let Verification { stored, secret, rule, context, .. } = *job;
    let verdict = password::verify_secret(stored.as_ref(), &secret, &rule, &context, memory);
    Some(Answer::Verdict(reply, verdict.map_err(|OutOfMemory| Busy::shortly())))
}
