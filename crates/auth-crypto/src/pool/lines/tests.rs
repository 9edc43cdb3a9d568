use proptest::prelude::*;

use super::*;

const HASH: Duration = Duration::from_millis(10);
const SLOW: Duration = Duration::from_millis(400);

fn params(memory_kib: u32) -> Params {
    Params::new(memory_kib, 1, 1).unwrap()
}

fn network(last: u8) -> ClientKey {
    ClientKey::of([192, 0, 2, last].into())
}

fn usual(last: u8) -> Turn {
    network(last).into()
}

fn turn(last: u8, priority: Priority) -> Turn {
    Turn { network: network(last), priority }
}

/// Jobs by name; those of ours can be computed together, slow ones can't.
fn job(what: u32, turn: Turn, cost: Duration) -> Job<u32> {
    let params = (cost == HASH).then(|| params(64));
    Job { what, turn, cost, params, since: Duration::ZERO }
}

fn lines(jobs: impl IntoIterator<Item = Job<u32>>) -> Lines<u32> {
    let mut lines = Lines::new();
    for job in jobs {
        lines.push(job, 100);
    }
    lines
}

/// Takes all, up to `width` at a time.
fn order(lines: &mut Lines<u32>, width: usize) -> Vec<Vec<u32>> {
    let mut order = Vec::new();
    loop {
        let taken = lines.take(|_| width);
        if taken.is_empty() {
            return order;
        }
        order.push(taken.into_iter().map(|job| job.what).collect());
    }
}

#[test]
fn networks_take_turns_however_many_jobs_each_has() {
    let flood = (0..6).map(|number| job(number, usual(1), HASH));
    let others = [job(10, usual(2), HASH), job(11, usual(2), HASH), job(20, usual(3), HASH)];
    let mut lines = lines(flood.chain(others));
    assert_eq!(order(&mut lines, 1).concat(), [0, 10, 20, 1, 11, 2, 3, 4, 5]);
    assert_eq!((lines.waiting(), lines.cost()), (0, Duration::ZERO));
}

#[test]
fn a_network_of_slow_records_waits_for_what_they_cost() {
    let slow = (0..2).map(|number| job(number, usual(1), SLOW));
    let ours = (10..60).map(|number| job(number, usual(2), HASH));
    let order = order(&mut lines(slow.chain(ours)), 1).concat();
    let second = order.iter().position(|what| *what == 1).unwrap();
    assert_eq!((order[0], second), (0, 41), "one slow record is worth forty of ours");
}

#[test]
fn whoever_comes_new_is_next_and_nobody_saves_up() {
    let mut lines = lines((0..100).map(|number| job(number, usual(1), HASH)));
    for _ in 0..50 {
        lines.take(|_| 1);
    }
    for number in 0..5 {
        lines.push(job(200 + number, usual(2), HASH), 100);
    }
    let order = order(&mut lines, 1).concat();
    assert_eq!(order[..6], [200, 50, 201, 51, 202, 52]);
}

#[test]
fn what_a_network_has_used_is_remembered_while_it_is_away() {
    let mut lines = lines([job(0, usual(1), SLOW), job(1, usual(2), HASH)]);
    assert_eq!(order(&mut lines, 1).concat(), [0, 1]);
    for number in 0..3 {
        lines.push(job(10 + number, usual(1), HASH), 100);
        lines.push(job(20 + number, usual(2), HASH), 100);
    }
    assert_eq!(order(&mut lines, 1).concat(), [20, 21, 22, 10, 11, 12]);
}

#[test]
fn jobs_of_equal_parameters_go_together_up_to_the_width() {
    let other = |what| Job { params: Some(params(128)), ..job(what, usual(4), HASH) };
    let jobs = [job(0, usual(1), HASH), job(1, usual(2), HASH), other(2), job(3, usual(3), HASH), other(4)];
    assert_eq!(order(&mut lines(jobs), 3), [vec![0, 1, 3], vec![2, 4]]);
    let slow = [job(0, usual(1), SLOW), job(1, usual(2), SLOW)];
    assert_eq!(order(&mut lines(slow), 3), [[0], [1]]);
    let one_network = (0..4).map(|number| job(number, usual(1), HASH));
    assert_eq!(order(&mut lines(one_network), 3), [vec![0, 1, 2], vec![3]]);
}

#[test]
fn whoever_has_used_little_is_not_slowed_down_by_a_flood() {
    let mut lines = lines((0..9).map(|number| job(number, usual(1), HASH)));
    assert_eq!(lines.take(|_| 3).len(), 3);
    lines.push(job(100, usual(2), HASH), 100);
    assert_eq!(order(&mut lines, 3), [vec![100], vec![3, 4, 5], vec![6, 7, 8]]);
}

#[test]
fn familiar_networks_come_first_and_suspect_ones_are_late_but_not_never() {
    let mut jobs = Vec::new();
    for number in 0..16 {
        jobs.push(job(number, turn(1, Priority::Suspect), HASH));
        jobs.push(job(100 + number, turn(2, Priority::Usual), HASH));
    }
    jobs.push(job(200, turn(3, Priority::Familiar), HASH));
    let order = order(&mut lines(jobs), 1).concat();
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

#[test]
fn priorities_are_not_mixed_in_a_batch() {
    let jobs = [job(0, turn(1, Priority::Usual), HASH), job(1, turn(2, Priority::Familiar), HASH)];
    assert_eq!(order(&mut lines(jobs), 3), [[1], [0]]);
}

#[test]
fn the_network_that_asks_for_the_most_gives_way() {
    let flood = (0..5).map(|number| job(number, usual(1), HASH));
    let mut full = lines(flood.chain([job(10, usual(2), HASH)]));
    assert_eq!(full.give_way(usual(3), HASH).map(|job| job.what), Some(4));
    assert_eq!(full.give_way(usual(2), HASH).map(|job| job.what), Some(3));
    assert!(full.give_way(usual(1), HASH).is_none(), "not to itself");
    assert_eq!((full.waiting(), full.cost()), (4, 4 * HASH));

    let mut even = lines([job(0, usual(1), HASH), job(1, usual(2), HASH)]);
    assert!(even.give_way(usual(3), HASH).is_none(), "nobody asks for more");
    assert!(even.give_way(turn(3, Priority::Suspect), HASH).is_none());
    assert_eq!(even.give_way(turn(3, Priority::Familiar), HASH).map(|job| job.what), Some(1), "less urgent");
    let mut slow = lines([job(0, usual(1), SLOW), job(1, usual(2), HASH)]);
    assert_eq!(slow.give_way(usual(3), HASH).map(|job| job.what), Some(0), "by cost, not by number");
}

#[test]
fn overdue_and_abandoned_jobs_leave_their_lines() {
    let late = |what, since| Job { since: Duration::from_secs(since), ..job(what, usual(1), HASH) };
    let mut lines = lines([late(0, 1), late(1, 2), late(2, 3)]);
    let overdue = lines.take_overdue(|job| job.since <= Duration::from_secs(2));
    assert_eq!(overdue.iter().map(|job| job.what).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((lines.waiting(), lines.cost()), (1, HASH));
    assert_eq!(lines.drop_where(|what| *what == 2), 1);
    assert_eq!((lines.waiting(), lines.cost()), (0, Duration::ZERO));
}

#[test]
fn a_job_that_was_not_done_is_not_charged() {
    let mut lines = lines([job(0, usual(1), SLOW)]);
    lines.take(|_| 1);
    lines.give_back(network(1), SLOW);
    lines.push(job(1, usual(1), HASH), 100);
    lines.push(job(2, usual(2), HASH), 100);
    assert_eq!(order(&mut lines, 1).concat(), [1, 2]);
}

#[test]
fn lines_without_jobs_take_no_more_memory_than_they_may() {
    let mut lines = Lines::new();
    for number in 0..10_000_u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let turn = ClientKey::of([10, 0, high, low].into()).into();
        lines.push(job(number, turn, HASH), 50);
        lines.take(|_| 1);
        assert!(lines.lines.len() <= 52);
    }
}

/// The law of a flood: however many clients one network has, somebody else's job never waits for more than the jobs
/// that are being done, one more of each other network, and each eighth turn.
#[test]
fn behind_a_flood_of_fifty_an_honest_job_is_next() {
    let mut lines = lines((0..50).map(|number| job(number, usual(1), HASH)));
    lines.take(|_| 3);
    for honest in 1000..1100 {
        lines.push(job(honest, usual(2), HASH), 100);
        let taken: Vec<u32> = lines.take(|_| 3).into_iter().map(|job| job.what).collect();
        assert_eq!(taken, [honest]);
        // Clients of the flood whose jobs are done send the next ones.
        let done = lines.take(|_| 3);
        assert_eq!(done.len(), 3);
        for again in done {
            lines.push(again, 100);
        }
    }
}

proptest! {
    /// Whatever comes in goes out once, and while two networks both wait neither gets ahead of the other by more
    /// than what one job of each costs.
    #[test]
    fn shares_stay_even_while_two_networks_wait(
        costs in prop::collection::vec((1_u64..500, 1_u64..500), 20..60),
    ) {
        let mut lines = Lines::new();
        for (number, (first, second)) in (0..).zip(&costs) {
            for (network, cost) in [(1, first), (2, second)] {
                lines.push(job(2 * number + network, usual(network as u8), Duration::from_millis(*cost)), 100);
            }
        }
        let mut used = [Duration::ZERO; 2];
        let mut left = [costs.len(); 2];
        let mut seen = std::collections::HashSet::new();
        while let Some(taken) = lines.take(|_| 1).pop() {
            prop_assert!(seen.insert(taken.what));
            let who = usize::from(taken.turn.network == network(2));
            used[who] += taken.cost;
            left[who] -= 1;
            if left.iter().all(|left| *left > 0) {
                prop_assert!(used[0].abs_diff(used[1]) <= Duration::from_millis(500));
            }
        }
        prop_assert_eq!(seen.len(), 2 * costs.len());
    }
}
