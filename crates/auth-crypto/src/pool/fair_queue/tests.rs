use proptest::prelude::*;

use super::*;

const HASH: Duration = Duration::from_millis(10);
const SLOW: Duration = Duration::from_millis(400);

/// Clients of the test of waiting times.
const CLIENTS: u8 = 5;

fn params(memory_kib: u32) -> Params {
    Params::new(memory_kib, 1, 1).unwrap()
}

fn client(last: u8) -> ClientKey {
    ClientKey::of([192, 0, 2, last].into())
}

fn usual(last: u8) -> JobClass {
    client(last).into()
}

fn class(last: u8, priority: Priority) -> JobClass {
    JobClass { client_key: client(last), priority }
}

/// A job named by its payload. Jobs of the cost [`HASH`] can be computed together, others can't.
fn job(payload: u32, class: JobClass, cost: Duration) -> Job<u32> {
    let params = (cost == HASH).then(|| params(64));
    Job { payload, class, cost, params, borrows_kib: 0, since: Duration::ZERO }
}

fn queue(jobs: impl IntoIterator<Item = Job<u32>>) -> FairQueue<u32> {
    let mut queue = FairQueue::new();
    for job in jobs {
        queue.push(job, 100);
    }
    queue
}

/// Removes all jobs in batches of up to `width`.
fn order(queue: &mut FairQueue<u32>, width: usize) -> Vec<Vec<u32>> {
    let mut order = Vec::new();
    loop {
        let batch = queue.pop_batch(|_| width, |_| true);
        if batch.is_empty() {
            return order;
        }
        order.push(batch.into_iter().map(|job| job.payload).collect());
    }
}

#[test]
fn clients_are_served_alternately_however_many_jobs_each_has() {
    let flood = (0..6).map(|number| job(number, usual(1), HASH));
    let others = [job(10, usual(2), HASH), job(11, usual(2), HASH), job(20, usual(3), HASH)];
    let mut queue = queue(flood.chain(others));
    assert_eq!(order(&mut queue, 1).concat(), [0, 10, 20, 1, 11, 2, 3, 4, 5]);
    assert_eq!((queue.len(), queue.cost()), (0, Duration::ZERO));
}

#[test]
fn a_client_with_slow_records_is_charged_for_their_cost() {
    let slow = (0..2).map(|number| job(number, usual(1), SLOW));
    let current = (10..60).map(|number| job(number, usual(2), HASH));
    let order = order(&mut queue(slow.chain(current)), 1).concat();
    let second = order.iter().position(|payload| *payload == 1).unwrap();
    assert_eq!((order[0], second), (0, 41), "a slow record is charged as much as forty current ones");
}

#[test]
fn a_new_client_is_next_and_has_no_saved_time() {
    let mut queue = queue((0..100).map(|number| job(number, usual(1), HASH)));
    for _ in 0..50 {
        queue.pop_batch(|_| 1, |_| true);
    }
    for number in 0..5 {
        queue.push(job(200 + number, usual(2), HASH), 100);
    }
    let order = order(&mut queue, 1).concat();
    assert_eq!(order[..6], [200, 50, 201, 51, 202, 52]);
}

#[test]
fn the_usage_of_a_client_is_remembered_while_it_has_no_jobs() {
    let mut queue = queue([job(0, usual(1), SLOW), job(1, usual(2), HASH)]);
    assert_eq!(order(&mut queue, 1).concat(), [0, 1]);
    for number in 0..3 {
        queue.push(job(10 + number, usual(1), HASH), 100);
        queue.push(job(20 + number, usual(2), HASH), 100);
    }
    assert_eq!(order(&mut queue, 1).concat(), [20, 21, 22, 10, 11, 12]);
}

#[test]
fn jobs_of_equal_parameters_are_batched_up_to_the_width() {
    let other = |payload| Job { params: Some(params(128)), ..job(payload, usual(4), HASH) };
    let jobs = [job(0, usual(1), HASH), job(1, usual(2), HASH), other(2), job(3, usual(3), HASH), other(4)];
    assert_eq!(order(&mut queue(jobs), 3), [vec![0, 1, 3], vec![2, 4]]);
    let slow = [job(0, usual(1), SLOW), job(1, usual(2), SLOW)];
    assert_eq!(order(&mut queue(slow), 3), [[0], [1]]);
    let one_client = (0..4).map(|number| job(number, usual(1), HASH));
    assert_eq!(order(&mut queue(one_client), 3), [vec![0, 1, 2], vec![3]]);
}

#[test]
fn a_client_that_has_used_little_is_not_batched_with_a_flood() {
    let mut queue = queue((0..9).map(|number| job(number, usual(1), HASH)));
    assert_eq!(queue.pop_batch(|_| 3, |_| true).len(), 3);
    queue.push(job(100, usual(2), HASH), 100);
    assert_eq!(order(&mut queue, 3), [vec![100], vec![3, 4, 5], vec![6, 7, 8]]);
}

#[test]
fn familiar_clients_come_first_and_suspect_ones_are_not_starved() {
    let mut jobs = Vec::new();
    for number in 0..16 {
        jobs.push(job(number, class(1, Priority::Suspect), HASH));
        jobs.push(job(100 + number, class(2, Priority::Usual), HASH));
    }
    jobs.push(job(200, class(3, Priority::Familiar), HASH));
    let order = order(&mut queue(jobs), 1).concat();
    let expected: Vec<u32> = std::iter::once(200)
        .chain(100..106)
        .chain([0])
        .chain(106..113)
        .chain([1])
        .chain(113..116)
        .chain(2..16)
        .collect();
    assert_eq!(order, expected);
}

/// One account with parallel logins from a client key that it is known at, and a second one that was made suspect: both
/// always have jobs, and still every login from a new client is next but one.
#[test]
fn familiar_and_suspect_floods_together_keep_no_new_client_waiting() {
    let familiar = (0..8).map(|number| job(number, class(1, Priority::Familiar), HASH));
    let suspect = (20..28).map(|number| job(number, class(2, Priority::Suspect), HASH));
    let mut queue = queue(familiar.chain(suspect));
    let mut waits = Vec::new();
    for honest in 1000..1100 {
        queue.push(job(honest, usual(3 + (honest % 100) as u8), HASH), 100);
        let mut choices = 0;
        loop {
            choices += 1;
            let done = queue.pop_batch(|_| 1, |_| true).pop().unwrap();
            if done.payload == honest {
                break;
            }
            // The floods replace each job that is done by another.
            queue.push(done, 100);
        }
        waits.push(choices);
    }
    assert!(waits.iter().all(|choices| *choices <= 3), "{waits:?}");
}

#[test]
fn a_client_passes_each_waiting_job_with_one_familiar_job_at_most() {
    let familiar = (0..4).map(|number| job(number, class(1, Priority::Familiar), HASH));
    let others = [job(10, usual(2), HASH), job(11, usual(2), HASH), job(20, usual(3), HASH)];
    let mut queue = queue(others.into_iter().chain(familiar));
    queue.push(job(30, class(4, Priority::Familiar), HASH), 100);
    assert_eq!(
        order(&mut queue, 1).concat(),
        [0, 30, 10, 20, 11, 1, 2, 3],
        "then the client is like all others"
    );
    queue.push(job(12, usual(5), HASH), 100);
    queue.push(job(4, class(1, Priority::Familiar), HASH), 100);
    assert_eq!(order(&mut queue, 1).concat(), [4, 12], "all that it had passed are gone");
}

#[test]
fn each_eighth_choice_takes_the_lower_job_that_has_waited_longest() {
    let mut queue = queue([job(0, usual(1), HASH), job(1, class(2, Priority::Suspect), HASH)]);
    let mut order = Vec::new();
    for number in 0..24_u32 {
        // Ever new clients, so that each of them may pass what waits.
        queue.push(job(100 + number, class(10 + number as u8, Priority::Familiar), HASH), 100);
        order.push(queue.pop_batch(|_| 1, |_| true)[0].payload);
    }
    let lower: Vec<_> = order.iter().enumerate().filter(|(_, payload)| **payload < 100).collect();
    assert_eq!(lower, [(7, &0), (15, &1)]);
}

#[test]
fn the_turn_of_a_lower_priority_waits_for_memory_and_no_borrower_passes_it() {
    let mut queue = queue([borrower(0, class(1, Priority::Suspect), 100)]);
    for number in 0..30 {
        queue.push(job(10 + number, usual(2), HASH), 100);
        assert_eq!(next(&mut queue, 50), [10 + number]);
    }
    queue.push(borrower(1, usual(3), 10), 100);
    assert!(next(&mut queue, 50).is_empty(), "a smaller borrower of a higher priority");
    assert_eq!(next(&mut queue, 100), [0]);
    assert_eq!(next(&mut queue, 50), [1]);
}

#[test]
fn priorities_are_not_mixed_in_a_batch() {
    let jobs = [job(0, class(1, Priority::Usual), HASH), job(1, class(2, Priority::Familiar), HASH)];
    assert_eq!(order(&mut queue(jobs), 3), [[1], [0]]);
}

/// A job that borrows so much memory.
fn borrower(payload: u32, class: JobClass, borrows_kib: usize) -> Job<u32> {
    Job { borrows_kib, ..job(payload, class, SLOW) }
}

/// The next batch when so much memory can be borrowed.
fn next(queue: &mut FairQueue<u32>, room_kib: usize) -> Vec<u32> {
    let batch = queue.pop_batch(|_| 3, |need_kib| need_kib <= room_kib);
    batch.into_iter().map(|job| job.payload).collect()
}

#[test]
fn jobs_that_borrow_nothing_pass_one_that_waits_for_memory() {
    let mut queue = queue([
        borrower(0, usual(1), 100),
        job(1, usual(1), HASH),
        job(2, usual(2), HASH),
        job(3, class(3, Priority::Suspect), HASH),
    ]);
    assert_eq!(next(&mut queue, 50), [1, 2], "also those of the same client, and together");
    assert_eq!(next(&mut queue, 50), [3], "also those of a lower priority");
    assert!(next(&mut queue, 99).is_empty());
    assert_eq!(next(&mut queue, 100), [0]);
    assert_eq!((queue.len(), queue.cost()), (0, Duration::ZERO));
}

#[test]
fn small_borrowers_do_not_keep_a_large_one_waiting() {
    let mut queue = queue([borrower(0, usual(1), 100), borrower(1, usual(2), 10)]);
    for passing in 2..50 {
        queue.push(job(passing, usual(3), HASH), 100);
        queue.push(borrower(1000 + passing, usual(passing as u8), 10), 100);
        assert_eq!(next(&mut queue, 50), [passing], "{passing}");
        assert!(next(&mut queue, 50).is_empty(), "{passing}");
    }
    assert_eq!(next(&mut queue, 100), [0]);
    assert_eq!(next(&mut queue, 50), [1]);
}

#[test]
fn the_oldest_job_is_found_in_every_line() {
    let since = |job, secs| Job { since: Duration::from_secs(secs), ..job };
    let mut queue = queue([
        since(job(0, usual(1), HASH), 5),
        since(job(1, usual(1), HASH), 6),
        since(borrower(2, class(2, Priority::Familiar), 8), 4),
    ]);
    assert_eq!(queue.oldest(), Some(Duration::from_secs(4)));
    queue.pop_batch(|_| 1, |_| true);
    assert_eq!(queue.oldest(), Some(Duration::from_secs(5)));
    order(&mut queue, 3);
    assert_eq!(queue.oldest(), None);
}

#[test]
fn a_job_of_the_client_whose_jobs_cost_the_most_is_evicted() {
    let flood = (0..5).map(|number| job(number, usual(1), HASH));
    let mut full = queue(flood.chain([job(10, usual(2), HASH)]));
    assert_eq!(full.evict_for(usual(3), HASH).map(|job| job.payload), Some(4));
    assert_eq!(full.evict_for(usual(2), HASH).map(|job| job.payload), Some(3));
    assert!(full.evict_for(usual(1), HASH).is_none(), "not for the same client");
    assert_eq!((full.len(), full.cost()), (4, 4 * HASH));

    let mut even = queue([job(0, usual(1), HASH), job(1, usual(2), HASH)]);
    assert!(even.evict_for(usual(3), HASH).is_none(), "no client's jobs cost more");
    assert!(even.evict_for(class(3, Priority::Suspect), HASH).is_none());
    assert_eq!(
        even.evict_for(class(3, Priority::Familiar), HASH).map(|job| job.payload),
        Some(1),
        "lower priority"
    );
    let mut slow = queue([job(0, usual(1), SLOW), job(1, usual(2), HASH)]);
    assert_eq!(slow.evict_for(usual(3), HASH).map(|job| job.payload), Some(0), "by cost, not by number");
}

#[test]
fn a_flood_of_a_higher_priority_evicts_no_job_of_a_client_that_has_few() {
    let flood = (0..5).map(|number| job(number, class(1, Priority::Familiar), HASH));
    let own = job(5, usual(1), HASH);
    let mut full = queue(flood.chain([job(10, usual(2), HASH), own]));
    let familiar = |last| class(last, Priority::Familiar);
    assert_eq!(full.evict_for(familiar(1), HASH).map(|job| job.payload), Some(5), "its own");
    assert!(full.evict_for(familiar(1), HASH).is_none(), "none of another client");

    let mut even = queue([job(0, usual(1), HASH), job(1, usual(2), HASH)]);
    let evicted = even.evict_for(familiar(3), SLOW).map(|job| job.payload);
    assert_eq!(evicted, Some(1), "a client's only job, whatever it costs");
}

#[test]
fn overdue_and_abandoned_jobs_are_removed() {
    let late = |payload, since| Job { since: Duration::from_secs(since), ..job(payload, usual(1), HASH) };
    let mut queue = queue([late(0, 1), late(1, 2), late(2, 3)]);
    let overdue = queue.remove_overdue(|job| job.since <= Duration::from_secs(2));
    assert_eq!(overdue.iter().map(|job| job.payload).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((queue.len(), queue.cost()), (1, HASH));
    assert_eq!(queue.remove_where(|payload| *payload == 2), 1);
    assert_eq!((queue.len(), queue.cost()), (0, Duration::ZERO));
}

#[test]
fn a_refunded_job_is_not_charged() {
    let mut queue = queue([job(0, usual(1), SLOW)]);
    queue.pop_batch(|_| 1, |_| true);
    queue.refund(client(1), SLOW);
    queue.push(job(1, usual(1), HASH), 100);
    queue.push(job(2, usual(2), HASH), 100);
    assert_eq!(order(&mut queue, 1).concat(), [1, 2]);
}

#[test]
fn at_most_the_given_number_of_idle_clients_are_remembered() {
    let mut queue = FairQueue::new();
    for number in 0..10_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let class = ClientKey::of([10, 0, high, low].into()).into();
        queue.push(job(number, class, HASH), 50);
        queue.pop_batch(|_| 1, |_| true);
        assert!(queue.clients.len() <= 52);
    }
}

/// However many connections a client has, another client's job waits only for the batches that workers have begun, one
/// more job of each other client, and every eighth choice of the lowest priority.
#[test]
fn a_job_of_another_client_is_next_after_a_flood_of_fifty() {
    let mut queue = queue((0..50).map(|number| job(number, usual(1), HASH)));
    queue.pop_batch(|_| 3, |_| true);
    for honest in 1000..1100 {
        queue.push(job(honest, usual(2), HASH), 100);
        let batch: Vec<u32> = queue.pop_batch(|_| 3, |_| true).into_iter().map(|job| job.payload).collect();
        assert_eq!(batch, [honest]);
        // The flood replaces each job that is done by another.
        let done = queue.pop_batch(|_| 3, |_| true);
        assert_eq!(done.len(), 3);
        for again in done {
            queue.push(again, 100);
        }
    }
}

proptest! {
    /// Whatever arrives, and whichever clients flood the pool at whichever priorities, no job waits for longer than a number
    /// of choices that what waited before it decides.
    #[test]
    fn no_job_waits_longer_than_a_bounded_number_of_choices(
        floods in prop::collection::vec((0..CLIENTS, prop::sample::select(&Priority::ALL[..])), 0..4),
        arrivals in prop::collection::vec(
            prop::collection::vec((0..CLIENTS, prop::sample::select(&Priority::ALL[..])), 0..3), 50..400,
        ),
    ) {
        let mut queue = FairQueue::new();
        // The choice before which each job came, and how many waited then.
        let mut came = Vec::new();
        let mut arrivals = arrivals.into_iter();
        for choice in 0.. {
            let arrived = arrivals.next();
            let is_end = arrived.is_none();
            // Floods never pause.
            let again = floods.iter().copied().filter(|(last, priority)| {
                !is_end && !queue.clients.get(&client(*last)).is_some_and(|client| client.has(*priority))
            });
            let again: Vec<_> = again.collect();
            for (last, priority) in arrived.into_iter().flatten().chain(again) {
                came.push((choice, queue.len()));
                queue.push(job(came.len() as u32 - 1, class(last, priority), HASH), 100);
            }
            let Some(job) = queue.pop_batch(|_| 1, |_| true).pop() else {
                if is_end { break } else { continue }
            };
            let (from, before) = came[job.payload as usize];
            let (waited, bound) = (choice - from, 8 * (before + 1) * usize::from(CLIENTS));
            prop_assert!(waited <= bound, "{waited} choices, {before} before it");
        }
    }

    /// Each job is served once. While two clients both wait, neither gets ahead of the other by more than the cost of
    /// one job.
    #[test]
    fn two_waiting_clients_use_equal_shares(
        costs in prop::collection::vec((1_u64..500, 1_u64..500), 20..60),
    ) {
        let mut queue = FairQueue::new();
        for (number, (first, second)) in (0..).zip(&costs) {
            for (last, cost) in [(1, first), (2, second)] {
                queue.push(job(2 * number + last, usual(last as u8), Duration::from_millis(*cost)), 100);
            }
        }
        let mut used = [Duration::ZERO; 2];
        let mut left = [costs.len(); 2];
        let mut seen = std::collections::HashSet::new();
        while let Some(job) = queue.pop_batch(|_| 1, |_| true).pop() {
            prop_assert!(seen.insert(job.payload));
            let who = usize::from(job.class.client_key == client(2));
            used[who] += job.cost;
            left[who] -= 1;
            if left.iter().all(|left| *left > 0) {
                prop_assert!(used[0].abs_diff(used[1]) <= Duration::from_millis(500));
            }
        }
        prop_assert_eq!(seen.len(), 2 * costs.len());
    }
}
