//! The order of waiting jobs: start-time fair queueing among clients, without a thread or a clock.
//!
//! ```text
//!               Familiar    Usual     Suspect     priorities, in this order; each eighth choice takes a lower one
//! 192.0.2.1     ▪▪          ▪         ▪           a queue for each client: within a priority, the client that has
//! 192.0.2.2                 ▪▪▪▪▪▪                used the least processor time is served next
//! ```
//!
//! Priorities don't outrank the sharing among clients. A client passes each waiting job with one `Familiar` job at most:
//! the client's further ones count as `Usual` until all jobs that one has passed are gone. And when jobs of several
//! priorities wait, each eighth choice takes the job that has waited longest among those of lower priorities.
//!
//! The queue has a virtual time: the largest usage that a client had when it was served. A client that starts to wait
//! begins there at the earliest, so that no client saves up processor time for a flood. Usage beyond the virtual time
//! is remembered while the client has no jobs.
//!
//! A job that borrows memory from the reserve waits until there is room for it. Jobs that borrow nothing pass it, those of
//! its own client too. Other borrowers don't, so that small ones can't keep a large one waiting for ever.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use auth_argon2::Params;
use auth_core::ClientKey;

use super::class::{JobClass, Priority};

/// When jobs of several priorities wait, every choice of this number takes a lower one, so that no job starves.
const LOWER_PRIORITY_EVERY: u32 = 8;

/// A waiting job, with everything that decides when it is served.
pub(super) struct Job<T> {
    pub(super) payload: T,
    pub(super) class: JobClass,
    /// The processor time that the job is expected to use.
    pub(super) cost: Duration,
    /// The Argon2id parameters that other jobs need in order to be computed together with this one; `None` for a job
    /// that is computed alone.
    pub(super) params: Option<Params>,
    /// The memory that the job borrows from the reserve; 0 for a job that fits into a worker's own.
    pub(super) borrows_kib: usize,
    /// The time at which the job began to wait.
    pub(super) since: Duration,
}

/// The jobs that wait, in a queue for each client.
pub(super) struct FairQueue<T> {
    clients: HashMap<ClientKey, ClientQueue<T>>,
    /// The usage at which a client that starts to wait begins.
    virtual_time: Duration,
    /// The number of jobs that have arrived: the arrival number of the last one.
    arrivals: u64,
    /// The number of choices made while jobs of several priorities waited.
    mixed_choices: u32,
    len: usize,
    cost: Duration,
}

/// The jobs of one client.
struct ClientQueue<T> {
    /// The processor time that the client has used.
    used: Duration,
    /// The processor time that the client's waiting jobs are expected to use.
    cost: Duration,
    /// The last arrival that a `Familiar` job of the client has passed.
    passed: u64,
    /// The jobs of each priority with their arrival numbers, in order of arrival.
    jobs: [VecDeque<(u64, Job<T>)>; Priority::COUNT],
}

/// The first job of a client's line for one priority.
#[derive(Clone, Copy)]
struct Head {
    client_key: ClientKey,
    /// The priority that the job was given, and so the line that it stands in.
    line: Priority,
    /// The priority that the job counts as.
    counts_as: Priority,
    /// The processor time that the client has used.
    used: Duration,
    arrival: u64,
    borrows_kib: usize,
}

/// The job that is served next.
struct Choice {
    head: Head,
    /// Whether jobs of several priorities waited.
    is_mixed: bool,
    /// Whether a job of a higher priority gave way.
    is_lower: bool,
}

impl<T> FairQueue<T> {
    pub(super) fn new() -> Self {
        Self {
            clients: HashMap::new(),
            virtual_time: Duration::ZERO,
            arrivals: 0,
            mixed_choices: 0,
            len: 0,
            cost: Duration::ZERO,
        }
    }

    /// The number of jobs that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The processor time that all waiting jobs are expected to use.
    pub(super) fn cost(&self) -> Duration {
        self.cost
    }

    /// Adds a job. At most `max_idle` clients without waiting jobs are remembered.
    pub(super) fn push(&mut self, job: Job<T>, max_idle: usize) {
        let virtual_time = self.virtual_time;
        if self.clients.len() > self.len + max_idle {
            self.clients.retain(|_, client| !client.is_empty() || client.used > virtual_time);
            if self.clients.len() > self.len + max_idle {
                self.clients.retain(|_, client| !client.is_empty());
            }
        }
        self.len += 1;
        self.cost += job.cost;
        self.arrivals += 1;
        let arrival = self.arrivals;
        let client =
            self.clients.entry(job.class.client_key).or_insert_with(|| ClientQueue::new(virtual_time));
        if client.is_empty() {
            client.used = client.used.max(virtual_time);
        }
        client.cost += job.cost;
        if let Some(jobs) = client.jobs.get_mut(job.class.priority.index()) {
            jobs.push_back((arrival, job));
        }
    }

    /// The time since which the job that has waited longest waits.
    pub(super) fn oldest(&self) -> Option<Duration> {
        let lines = self.clients.values().flat_map(|client| &client.jobs);
        lines.filter_map(|jobs| Some(jobs.front()?.1.since)).min()
    }

    /// Removes and returns the next job, and with it jobs of equal parameters to compute together with it: at most
    /// `width(params)` in all. `has_room` tells whether so much memory can be borrowed now.
    ///
    /// The others come from the same client, or from clients whose usage is less than the first job's cost behind
    /// it. So a client that has used little is not slowed down by one that has used much: jobs that are computed
    /// together finish together.
    pub(super) fn pop_batch(
        &mut self,
        width: impl Fn(Params) -> usize,
        has_room: impl Fn(usize) -> bool,
    ) -> Vec<Job<T>> {
        let mut borrowers = true;
        let mut choice = self.choose(borrowers, self.is_turn_of_lower());
        let lacks_room = |head: Head| head.borrows_kib > 0 && !has_room(head.borrows_kib);
        if let Some(Choice { is_lower, .. }) = choice.take_if(|choice| lacks_room(choice.head)) {
            borrowers = false;
            // The turn of a lower priority stays with the job that waits for memory.
            choice = self.choose(borrowers, self.is_turn_of_lower() && !is_lower);
            choice = choice.map(|choice| Choice { is_mixed: choice.is_mixed && !is_lower, ..choice });
        }
        let Some(Choice { head, is_mixed, is_lower }) = choice else { return Vec::new() };
        self.mixed_choices = self.mixed_choices.wrapping_add(is_mixed.into());
        if !is_lower {
            self.virtual_time = self.virtual_time.max(head.used);
        }
        let Some(first) = self.pop_first(head, borrowers) else { return Vec::new() };
        let (params, end) = (first.params, head.used + first.cost);
        let mut batch = vec![first];
        let Some(params) = params else { return batch };
        let width = width(params);
        while batch.len() < width {
            let fits = |next: Head, job: &Job<T>| {
                job.params == Some(params) && (next.used < end || next.client_key == head.client_key)
            };
            let Some(next) = self.least_used(head.counts_as, borrowers, fits) else { break };
            batch.extend(self.pop_first(next, borrowers));
        }
        batch
    }

    /// Takes back the charge for a job that was removed but not computed.
    pub(super) fn refund(&mut self, client_key: ClientKey, cost: Duration) {
        if let Some(client) = self.clients.get_mut(&client_key) {
            client.used = client.used.saturating_sub(cost);
        }
    }

    /// Removes and returns overdue jobs. Only jobs at the head of a queue are examined: those behind arrived later.
    pub(super) fn remove_overdue(&mut self, is_overdue: impl Fn(&Job<T>) -> bool) -> Vec<Job<T>> {
        let mut overdue = Vec::new();
        for client in self.clients.values_mut() {
            for jobs in &mut client.jobs {
                while let Some((_, job)) = jobs.front()
                    && is_overdue(job)
                    && let Some((_, job)) = jobs.pop_front()
                {
                    client.cost = client.cost.saturating_sub(job.cost);
                    overdue.push(job);
                }
            }
        }
        self.subtract(&overdue);
        overdue
    }

    /// Drops all jobs whose payload matches and returns how many there were.
    pub(super) fn remove_where(&mut self, matches: impl Fn(&T) -> bool) -> usize {
        let before = self.len;
        for client in self.clients.values_mut() {
            let ClientQueue { jobs, cost, .. } = client;
            for jobs in jobs {
                jobs.retain(|(_, job)| {
                    let stays = !matches(&job.payload);
                    if !stays {
                        *cost = cost.saturating_sub(job.cost);
                        self.cost = self.cost.saturating_sub(job.cost);
                        self.len -= 1;
                    }
                    stays
                });
            }
        }
        before - self.len
    }

    /// Removes the job that a full queue gives up for a new one of this class and cost, if there is one.
    ///
    /// That is the last job of the client whose waiting jobs cost the most, if they cost more than those of the new
    /// job's client with the new one. Otherwise it is the last job of a lower priority than the new one's, of the new
    /// job's client or of a client whose waiting jobs cost as much. A client without waiting jobs takes that place from
    /// any client.
    pub(super) fn evict_for(&mut self, class: JobClass, cost: Duration) -> Option<Job<T>> {
        let waiting = self.clients.get(&class.client_key).filter(|client| !client.is_empty());
        let own = waiting.map_or(Duration::ZERO, |client| client.cost) + cost;
        let is_only_job = waiting.is_none();
        let costliest = self.clients.iter().max_by_key(|(client_key, client)| (client.cost, **client_key))?;
        let (client_key, client) = costliest;
        let client_key = *client_key;
        if client_key != class.client_key && client.cost > own {
            let lowest = Priority::ALL.into_iter().rev().find(|priority| client.has(*priority))?;
            return self.pop_back(client_key, lowest);
        }
        let lower = Priority::ALL.into_iter().rev().take_while(|priority| *priority > class.priority);
        for priority in lower {
            let candidates = self.clients.iter().filter(|(client_key, client)| {
                let gives_way = is_only_job || client.cost >= own || **client_key == class.client_key;
                client.has(priority) && gives_way
            });
            let costliest = candidates.max_by_key(|(client_key, client)| (client.cost, **client_key));
            if let Some(client_key) = costliest.map(|(client_key, _)| *client_key) {
                return self.pop_back(client_key, priority);
            }
        }
        None
    }

    /// Drops all jobs and forgets all clients.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Whether the next choice between priorities takes a lower one.
    fn is_turn_of_lower(&self) -> bool {
        self.mixed_choices.wrapping_add(1).is_multiple_of(LOWER_PRIORITY_EVERY)
    }

    /// Chooses the next job, among the `borrowers` too or only among the others: of the highest priority, or of a lower
    /// one if one waits and `takes_lower` is set.
    fn choose(&self, borrowers: bool, takes_lower: bool) -> Option<Choice> {
        let highest = self.heads(borrowers).map(|(head, _)| head.counts_as).min()?;
        let lower = self.heads(borrowers).map(|(head, _)| head).filter(|head| head.counts_as > highest);
        let lower = lower.min_by_key(|head| head.arrival);
        let is_mixed = lower.is_some();
        if let Some(head) = lower.filter(|_| takes_lower) {
            return Some(Choice { head, is_mixed, is_lower: true });
        }
        let head = self.least_used(highest, borrowers, |_, _| true)?;
        Some(Choice { head, is_mixed, is_lower: false })
    }

    /// The head of the client with the least usage among the heads that count as this priority and that `fits` accepts.
    /// Of equal clients, the one whose job has waited longest.
    fn least_used(
        &self,
        counts_as: Priority,
        borrowers: bool,
        fits: impl Fn(Head, &Job<T>) -> bool,
    ) -> Option<Head> {
        let heads =
            self.heads(borrowers).filter(|(head, job)| head.counts_as == counts_as && fits(*head, job));
        heads.map(|(head, _)| head).min_by_key(|head| (head.used, head.arrival))
    }

    /// The first job of each line, among the `borrowers` too or only among the others.
    fn heads(&self, borrowers: bool) -> impl Iterator<Item = (Head, &Job<T>)> {
        let lines = self.clients.values().flat_map(|client| &client.jobs);
        let oldest = lines.filter_map(|jobs| Some(jobs.front()?.0)).min().unwrap_or(u64::MAX);
        self.clients.iter().flat_map(move |(client_key, client)| {
            let has_passed = client.passed >= oldest;
            Priority::ALL.into_iter().filter_map(move |line| {
                let (_, (arrival, job)) = client.first(line, borrowers)?;
                let counts_as = if has_passed { line.max(Priority::Usual) } else { line };
                let (client_key, used, arrival) = (*client_key, client.used, *arrival);
                let head = Head { client_key, line, counts_as, used, arrival, borrows_kib: job.borrows_kib };
                Some((head, job))
            })
        })
    }

    /// Removes the first job of a line and charges its client for it.
    fn pop_first(&mut self, head: Head, borrowers: bool) -> Option<Job<T>> {
        let arrivals = self.arrivals;
        let client = self.clients.get_mut(&head.client_key)?;
        let (index, _) = client.first(head.line, borrowers)?;
        let (_, job) = client.jobs.get_mut(head.line.index())?.remove(index)?;
        client.used += job.cost;
        client.cost = client.cost.saturating_sub(job.cost);
        if head.counts_as == Priority::Familiar {
            client.passed = arrivals;
        }
        self.subtract(std::slice::from_ref(&job));
        Some(job)
    }

    /// Removes a client's last job.
    fn pop_back(&mut self, client_key: ClientKey, priority: Priority) -> Option<Job<T>> {
        let client = self.clients.get_mut(&client_key)?;
        let (_, job) = client.jobs.get_mut(priority.index())?.pop_back()?;
        client.cost = client.cost.saturating_sub(job.cost);
        self.subtract(std::slice::from_ref(&job));
        Some(job)
    }

    fn subtract(&mut self, jobs: &[Job<T>]) {
        self.len = self.len.saturating_sub(jobs.len());
        self.cost = self.cost.saturating_sub(jobs.iter().map(|job| job.cost).sum());
    }
}

impl<T> ClientQueue<T> {
    fn new(used: Duration) -> Self {
        Self { used, cost: Duration::ZERO, passed: 0, jobs: Default::default() }
    }

    fn is_empty(&self) -> bool {
        self.jobs.iter().all(VecDeque::is_empty)
    }

    /// The next job of a priority with its place in the line, among the `borrowers` too or only among the others.
    fn first(&self, priority: Priority, borrowers: bool) -> Option<(usize, &(u64, Job<T>))> {
        let mut jobs = self.jobs.get(priority.index())?.iter().enumerate();
        jobs.find(|(_, (_, job))| borrowers || job.borrows_kib == 0)
    }

    fn has(&self, priority: Priority) -> bool {
        self.jobs.get(priority.index()).is_some_and(|jobs| !jobs.is_empty())
    }
}

#[cfg(test)]
mod tests;
