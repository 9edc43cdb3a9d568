use proptest::prelude::*;

use super::*;

const QUOTA: Quota = Quota { attempts: 5, window: Duration::from_secs(1800) };

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

#[test]
fn sixth_attempt_waits_until_the_first_leaves_the_window() {
    let mut window = SlidingWindow::default();
    for (n, remaining) in [4, 3, 2, 1, 0].into_iter().enumerate() {
        let rate_limit = window.reserve(QUOTA, at(i64::try_from(n).unwrap()));
        assert_eq!((rate_limit.remaining, rate_limit.retry_after), (remaining, None));
    }
    assert_eq!(window.reserve(QUOTA, at(10)).retry_after, Some(Duration::from_secs(1790)));
    assert!(window.reserve(QUOTA, at(1800)).retry_after.is_some(), "the last moment is included");
    assert!(window.reserve(QUOTA, at(1801)).retry_after.is_none());
}

#[test]
fn refused_attempts_extend_nothing() {
    let mut window = SlidingWindow::default();
    for _ in 0..5 {
        window.reserve(QUOTA, at(0));
    }
    for second in 1..1800 {
        assert!(window.reserve(QUOTA, at(second)).retry_after.is_some());
    }
    assert!(window.reserve(QUOTA, at(1801)).retry_after.is_none());
}

#[test]
fn counted_refusals_extend_a_limit_and_take_no_memory() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for second in 0..1000 {
        limiter.count(&"a", at(second));
    }
    assert_eq!(limiter.windows["a"].attempts.len(), 5);
    assert!(limiter.touched.len() <= 64);
    assert_eq!(limiter.reserve(&"a", at(1000)).retry_after, Some(Duration::from_secs(1795)));
    assert!(limiter.reserve(&"a", at(2796)).retry_after.is_none());
}

#[test]
fn a_key_is_closed_while_its_next_attempt_would_be_refused() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for second in 0..5 {
        assert!(!limiter.is_closed(&"a", at(second)));
        limiter.reserve(&"a", at(second));
    }
    assert!(limiter.is_closed(&"a", at(1800)));
    assert!(!limiter.is_closed(&"b", at(1800)) && !limiter.is_closed(&"a", at(1801)));
}

#[test]
fn closed_keys_are_listed_with_their_ends_and_forgotten_where_they_are_meant() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for (key, attempts) in [("a", 5), ("b", 4), ("c", 5)] {
        for second in 0..attempts {
            limiter.reserve(&key, at(second));
        }
    }
    let mut closed = limiter.closed(at(10));
    closed.sort_unstable();
    assert_eq!(closed, [("a", at(1800)), ("c", at(1800))]);
    assert_eq!(limiter.clear_where(|key| *key != "c"), 2);
    assert_eq!(limiter.closed(at(10)), [("c", at(1800))]);
    assert_eq!(limiter.reserve(&"a", at(10)).remaining, 4);
    assert!(limiter.closed(at(1801)).is_empty(), "the window of its first attempt is over");
}

#[test]
fn success_gives_the_attempt_back() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for second in 0..100 {
        assert_eq!(limiter.reserve(&"a", at(second)).remaining, 4);
        limiter.give_back(&"a", at(second));
    }
    assert!(limiter.is_empty());
}

#[test]
fn flood_of_keys_stays_within_capacity_and_drops_the_oldest() {
    let mut limiter = RateLimiter::new(QUOTA, 100);
    for key in 0..10_000_i64 {
        limiter.reserve(&key, Timestamp::from_millis(key));
        assert!(limiter.len() <= 100);
    }
    assert_eq!(limiter.reserve(&9_999, Timestamp::from_millis(10_000)).remaining, 3);
    assert_eq!(limiter.reserve(&1, Timestamp::from_millis(10_001)).remaining, 4);
}

#[test]
fn flood_of_counted_keys_stays_within_capacity_too() {
    let mut limiter = RateLimiter::new(QUOTA, 100);
    for key in 0..10_000_i64 {
        limiter.count(&key, Timestamp::from_millis(key));
    }
    assert_eq!(limiter.len(), 100);
    assert!(!limiter.is_empty());
    assert_eq!(limiter.frees_at(&9_899), None);
    assert!(limiter.frees_at(&9_900).is_some());
}

#[test]
fn keys_whose_attempts_have_all_left_the_window_take_no_room() {
    let mut limiter = RateLimiter::new(QUOTA, 2);
    limiter.reserve(&"a", at(0));
    limiter.reserve(&"b", at(0));
    let later = at(0) + QUOTA.window + Duration::from_secs(1);
    assert!(!limiter.is_closed(&"a", later) && limiter.closed(later).is_empty());
    limiter.list_touches();
    for key in ["c", "d", "c", "d"] {
        limiter.reserve(&key, later);
        assert!(limiter.len() <= 2);
    }
    assert_eq!(limiter.reserve(&"c", later).remaining, QUOTA.attempts - 3, "both kept their attempts");
}

#[test]
fn touches_are_listed_anew_once_they_are_out_of_proportion_to_the_keys() {
    let touch = |limiter: &mut RateLimiter<i64>, key, millis| {
        limiter.reserve(&key, Timestamp::from_millis(millis));
        limiter.give_back(&key, Timestamp::from_millis(millis));
        limiter.touched.len()
    };
    let mut limiter = RateLimiter::new(QUOTA, 100);
    for millis in 1..=64 {
        assert_eq!(touch(&mut limiter, 1, millis), millis.try_into().unwrap(), "not at each attempt");
    }
    assert_eq!(touch(&mut limiter, 1, 65), 1);

    // The keys may become few after their touches have become many.
    for key in 2..=100 {
        limiter.reserve(&key, at(1));
    }
    for key in 2..=100 {
        limiter.give_back(&key, at(1));
    }
    assert_eq!((limiter.len(), limiter.touched.len()), (0, 100));
    assert_eq!(touch(&mut limiter, 1, 1001), 1);
}

#[test]
fn a_key_that_nothing_lists_makes_room_too() {
    let mut limiter = RateLimiter::new(QUOTA, 1);
    limiter.reserve(&"a", Timestamp::from_millis(1));
    limiter.reserve(&"a", Timestamp::from_millis(0));
    limiter.list_touches();
    limiter.give_back(&"a", Timestamp::from_millis(0));
    limiter.reserve(&"b", Timestamp::from_millis(2));
    assert_eq!(limiter.len(), 1);
    assert_eq!(limiter.frees_at(&"a"), None);
}

#[test]
fn idle_keys_are_dropped_when_another_comes_and_those_in_their_window_stay() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    limiter.reserve(&"a", at(0));
    limiter.reserve(&"b", at(0));
    limiter.reserve(&"a", at(1000));
    limiter.reserve(&"c", at(1800));
    assert_eq!(limiter.len(), 3, "the last moment of a window is included");
    limiter.reserve(&"d", at(1801));
    assert_eq!(limiter.len(), 3, "b is idle, and a is not: it came again");
    assert_eq!(limiter.reserve(&"a", at(1801)).remaining, 3);
    assert_eq!(limiter.reserve(&"b", at(1801)).remaining, 4);
}

#[test]
fn the_end_of_a_window_is_told_from_its_newest_attempt_its_oldest_and_at_a_refusal() {
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for second in 0..5 {
        let status = limiter.reserve(&"a", at(second));
        assert_eq!((status.limit, status.reset), (5, at(second + 1800)));
        assert_eq!(limiter.frees_at(&"a"), Some(at(1800)));
    }
    let refused = limiter.reserve(&"a", at(10));
    assert_eq!((refused.limit, refused.remaining, refused.reset), (5, 0, at(1800)));
    assert_eq!(limiter.frees_at(&"b"), None);
    limiter.clear(&"a");
    assert_eq!((limiter.frees_at(&"a"), limiter.len()), (None, 0));
}

#[test]
fn given_back_is_the_attempt_of_that_moment_and_no_other() {
    let mut window = SlidingWindow::default();
    for second in [0, 100, 100, 200] {
        window.reserve(QUOTA, at(second));
    }
    window.give_back(at(100));
    window.give_back(at(150));
    assert_eq!(window.attempts, [at(0), at(100), at(200)]);
    window.clear();
    assert!(window.attempts.is_empty());
}

#[test]
fn a_quota_of_nothing_lets_nothing_through() {
    let mut window = SlidingWindow::default();
    let refused = window.reserve(Quota { attempts: 0, ..QUOTA }, at(7));
    assert_eq!((refused.reset, refused.retry_after), (at(1807), Some(QUOTA.window)));
}

#[test]
fn a_clock_that_is_set_back_by_days_keeps_nobody_out_longer_than_the_window() {
    const DAYS: i64 = 5 * 86_400;
    let mut limiter = RateLimiter::new(QUOTA, 10);
    for _ in 0..5 {
        limiter.reserve(&"a", at(DAYS));
    }
    assert_eq!(limiter.reserve(&"a", at(0)).retry_after, Some(QUOTA.window), "nothing is forgotten");
    assert!(limiter.is_closed(&"a", at(1800)));
    assert!(limiter.reserve(&"a", at(1801)).retry_after.is_none());
    assert_eq!(limiter.reserve(&"a", at(1801)).remaining, 3);
}

proptest! {
    #[test]
    fn whatever_the_clock_does_a_limit_ends_within_its_window(
        jumps in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..60),
    ) {
        let mut window = SlidingWindow::default();
        let mut now = at(0);
        for jump in jumps {
            now = Timestamp::from_millis(now.as_millis() + jump);
            let Some(wait) = window.reserve(QUOTA, now).retry_after else { continue };
            prop_assert!(wait <= QUOTA.window + Timestamp::SKEW);
            now = now + wait + Duration::from_millis(1);
            prop_assert!(window.reserve(QUOTA, now).retry_after.is_none());
        }
    }

    #[test]
    fn a_clock_that_is_set_back_lets_no_more_through_than_the_quota(
        back in prop::collection::vec(0_i64..1_000_000_000, 1..100),
    ) {
        let mut window = SlidingWindow::default();
        let mut now = at(0);
        let mut passed = 0;
        for jump in back {
            now = Timestamp::from_millis(now.as_millis() - jump);
            passed += u32::from(window.reserve(QUOTA, now).retry_after.is_none());
        }
        prop_assert!(passed <= QUOTA.attempts);
    }

    #[test]
    fn never_more_than_the_quota_in_any_window(gaps in prop::collection::vec(0_i64..2_000_000, 1..200)) {
        let mut window = SlidingWindow::default();
        let mut now = at(0);
        let mut passed: Vec<Timestamp> = Vec::new();
        for gap in gaps {
            now = Timestamp::from_millis(now.as_millis() + gap);
            if window.reserve(QUOTA, now).retry_after.is_none() {
                passed.push(now);
            }
            let recent = passed.iter().filter(|attempt| now.since(**attempt) <= QUOTA.window).count();
            prop_assert!(recent <= 5);
        }
    }

    #[test]
    fn waiting_as_told_is_enough(gaps in prop::collection::vec(0_i64..600_000, 1..50)) {
        let mut window = SlidingWindow::default();
        let mut now = at(0);
        for gap in gaps {
            now = Timestamp::from_millis(now.as_millis() + gap);
            if let Some(wait) = window.reserve(QUOTA, now).retry_after {
                now = now + wait + Duration::from_millis(1);
                prop_assert!(window.reserve(QUOTA, now).retry_after.is_none());
            }
        }
    }

    #[test]
    fn no_more_keys_than_the_capacity_whatever_is_given_back(
        steps in prop::collection::vec((0_u8..40, 0_i64..400, any::<bool>()), 1..600),
    ) {
        let mut limiter = RateLimiter::new(QUOTA, 8);
        let mut now = at(0);
        let mut reserved: Vec<(u8, Timestamp)> = Vec::new();
        for (key, gap, gives_back) in steps {
            now = Timestamp::from_millis(now.as_millis() + gap * 1000);
            if gives_back && !reserved.is_empty() {
                let (key, at) = reserved.swap_remove(usize::from(key) % reserved.len());
                limiter.give_back(&key, at);
            } else if limiter.reserve(&key, now).retry_after.is_none() {
                reserved.push((key, now));
            }
            prop_assert!(limiter.len() <= 8);
            // Every key can be found when room is needed.
            let listed = |key: &u8| limiter.touched.iter().any(|(_, touched)| touched == key);
            prop_assert!(limiter.windows.len() < 8 || limiter.windows.keys().any(listed));
        }
    }
}
