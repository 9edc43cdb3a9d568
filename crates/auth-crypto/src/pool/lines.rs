//! Whose turn it is: the order in which jobs are done, and who gives way, without a thread or a clock.
//!
//! ```text
//!               familiar      usual       suspect        the more urgent first, but each eighth time the least
//! 192.0.2.1     ▪▪            ▪           ▪              a line per client network: the one that has used the
//! 192.0.2.2                   ▪▪▪▪▪▪                     least time of the processor is next
//! ```
//!
//! What a network has used is counted from the time when it joined those that wait: it begins where the line served
//! last began, so that nobody saves up for a flood, and what it has used beyond that is remembered while it is away.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use auth_argon2::Params;
use auth_core::ClientKey;

use super::{Priority, Turn};

/// Among jobs of several priorities, each time of this number begins with the least urgent: late is not never.
const LEAST_URGENT_EACH: u32 = 8;

/// A job that waits, and what its turn depends on.
pub(super) struct Job<T> {
    pub(super) what: T,
    pub(super) turn: Turn,
    /// What it is expected to use of the processor.
    pub(super) cost: Duration,
    /// The Argon2id parameters that it can be computed together with others of; nothing if it is done alone.
    pub(super) params: Option<Params>,
    /// When it began to wait.
    pub(super) since: Duration,
}

pub(super) struct Lines<T> {
    lines: HashMap<ClientKey, Line<T>>,
    /// What the line served last had used before: where new lines begin.
    floor: Duration,
    arrivals: u64,
    mixed_turns: u32,
    waiting: usize,
    cost: Duration,
}

struct Line<T> {
    used: Duration,
    cost: Duration,
    /// By priority, each in the order of arrival.
    jobs: [VecDeque<(u64, Job<T>)>; Priority::COUNT],
}

impl<T> Lines<T> {
    pub(super) fn new() -> Self {
        Self {
            lines: HashMap::new(),
            floor: Duration::ZERO,
            arrivals: 0,
            mixed_turns: 0,
            waiting: 0,
            cost: Duration::ZERO,
        }
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// What all that wait will use of the processor.
    pub(super) fn cost(&self) -> Duration {
        self.cost
    }

    /// Takes a job in. No more than `most_idle` lines in which nobody waits are remembered.
    pub(super) fn push(&mut self, job: Job<T>, most_idle: usize) {
        if self.lines.len() > self.waiting + most_idle {
            let floor = self.floor;
            self.lines.retain(|_, line| !line.is_empty() || line.used > floor);
            if self.lines.len() > self.waiting + most_idle {
                self.lines.retain(|_, line| !line.is_empty());
            }
        }
        self.waiting += 1;
        self.cost += job.cost;
        self.arrivals += 1;
        let arrival = self.arrivals;
        let floor = self.floor;
        let line = self.lines.entry(job.turn.network).or_insert_with(|| Line::new(floor));
        if line.is_empty() {
            line.used = line.used.max(floor);
        }
        line.cost += job.cost;
        if let Some(jobs) = line.jobs.get_mut(job.turn.priority.index()) {
            jobs.push_back((arrival, job));
        }
    }

    /// The next jobs: one, and with it those of equal parameters that may be computed together with it, as many as
    /// `width` says for these parameters at most. With it go others of its line, and of lines that are less than its
    /// cost behind it: whoever has used little is not slowed down by whoever has used much.
    pub(super) fn take(&mut self, width: impl Fn(Params) -> usize) -> Vec<Job<T>> {
        let Some(priority) = self.next_priority() else { return Vec::new() };
        let Some((network, used)) = self.least_used(priority, |_, _| true) else { return Vec::new() };
        self.floor = self.floor.max(used);
        let Some(first) = self.pop(network, priority) else { return Vec::new() };
        let (params, end) = (first.params, used + first.cost);
        let mut taken = vec![first];
        let Some(params) = params else { return taken };
        let most = width(params);
        while taken.len() < most {
            let fits = |line: &Line<T>, job: &Job<T>| {
                job.params == Some(params) && (line.used < end || job.turn.network == network)
            };
            let Some((next, _)) = self.least_used(priority, fits) else { break };
            taken.extend(self.pop(next, priority));
        }
        taken
    }

    /// A job that was taken was not done: its line has not used what it would have cost.
    pub(super) fn give_back(&mut self, network: ClientKey, cost: Duration) {
        if let Some(line) = self.lines.get_mut(&network) {
            line.used = line.used.saturating_sub(cost);
        }
    }

    /// Takes out what `is_over` says is: jobs at the head of their lines alone are asked.
    pub(super) fn take_overdue(&mut self, is_over: impl Fn(&Job<T>) -> bool) -> Vec<Job<T>> {
        let mut over = Vec::new();
        for line in self.lines.values_mut() {
            for jobs in &mut line.jobs {
                while let Some((_, job)) = jobs.pop_front_if(|(_, job)| is_over(job)) {
                    line.cost = line.cost.saturating_sub(job.cost);
                    over.push(job);
                }
            }
        }
        self.forget(&over);
        over
    }

    /// Takes out all that nobody waits for any more; says how many there were.
    pub(super) fn drop_where(&mut self, is_gone: impl Fn(&T) -> bool) -> usize {
        let before = self.waiting;
        for line in self.lines.values_mut() {
            let Line { jobs, cost, .. } = line;
            for jobs in jobs {
                jobs.retain(|(_, job)| {
                    let stays = !is_gone(&job.what);
                    if !stays {
                        *cost = cost.saturating_sub(job.cost);
                        self.cost = self.cost.saturating_sub(job.cost);
                        self.waiting -= 1;
                    }
                    stays
                });
            }
        }
        before - self.waiting
    }

    /// Who gives way to a job of this turn and cost, where somebody has to: the last of the line that asks for the
    /// most, if that leaves it with no less than the newcomer's own will ask for; else the last of the least urgent,
    /// if the newcomer is more urgent.
    pub(super) fn give_way(&mut self, turn: Turn, cost: Duration) -> Option<Job<T>> {
        let own = self.lines.get(&turn.network).map_or(Duration::ZERO, |line| line.cost) + cost;
        let longest = self.lines.iter().max_by_key(|(network, line)| (line.cost, **network))?;
        let (network, line) = longest;
        let network = *network;
        if network != turn.network && line.cost > own {
            let least_urgent = Priority::ALL.into_iter().rev().find(|priority| line.has(*priority))?;
            return self.pop_last(network, least_urgent);
        }
        let less_urgent = Priority::ALL.into_iter().rev().take_while(|priority| *priority > turn.priority);
        for priority in less_urgent {
            let longest = self.lines.iter().filter(|(_, line)| line.has(priority));
            let longest =
                longest.max_by_key(|(network, line)| (line.cost, **network)).map(|(network, _)| *network);
            if let Some(network) = longest {
                return self.pop_last(network, priority);
            }
        }
        None
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn next_priority(&mut self) -> Option<Priority> {
        let mut waiting =
            Priority::ALL.into_iter().filter(|priority| self.lines.values().any(|line| line.has(*priority)));
        let first = waiting.next()?;
        let Some(last) = waiting.next_back() else { return Some(first) };
        self.mixed_turns = self.mixed_turns.wrapping_add(1);
        Some(if self.mixed_turns.is_multiple_of(LEAST_URGENT_EACH) { last } else { first })
    }

    /// Among lines whose head `fits`: the one that has used the least, or the one that has waited longest of those.
    fn least_used(
        &self,
        priority: Priority,
        fits: impl Fn(&Line<T>, &Job<T>) -> bool,
    ) -> Option<(ClientKey, Duration)> {
        let heads = self.lines.iter().filter_map(|(network, line)| {
            let (arrival, job) = line.jobs.get(priority.index())?.front()?;
            fits(line, job).then_some((line.used, *arrival, *network))
        });
        heads.min().map(|(used, _, network)| (network, used))
    }

    fn pop(&mut self, network: ClientKey, priority: Priority) -> Option<Job<T>> {
        let line = self.lines.get_mut(&network)?;
        let (_, job) = line.jobs.get_mut(priority.index())?.pop_front()?;
        line.used += job.cost;
        line.cost = line.cost.saturating_sub(job.cost);
        self.forget(std::slice::from_ref(&job));
        Some(job)
    }

    fn pop_last(&mut self, network: ClientKey, priority: Priority) -> Option<Job<T>> {
        let line = self.lines.get_mut(&network)?;
        let (_, job) = line.jobs.get_mut(priority.index())?.pop_back()?;
        line.cost = line.cost.saturating_sub(job.cost);
        self.forget(std::slice::from_ref(&job));
        Some(job)
    }

    fn forget(&mut self, jobs: &[Job<T>]) {
        self.waiting = self.waiting.saturating_sub(jobs.len());
        self.cost = self.cost.saturating_sub(jobs.iter().map(|job| job.cost).sum());
    }
}

impl<T> Line<T> {
    fn new(used: Duration) -> Self {
        Self { used, cost: Duration::ZERO, jobs: Default::default() }
    }

    fn is_empty(&self) -> bool {
        self.jobs.iter().all(VecDeque::is_empty)
    }

    fn has(&self, priority: Priority) -> bool {
        self.jobs.get(priority.index()).is_some_and(|jobs| !jobs.is_empty())
    }
}

#[cfg(test)]
mod tests;
