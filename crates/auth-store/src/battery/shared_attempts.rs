//! Attempts that servers count together. Not part of [`store_battery!`](crate::store_battery): a store of a single
//! server need not count any.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{Digest, Quota, SharedAttempts, Timestamp};
use tokio::task::JoinSet;

use super::Fixture;

pub async fn attempts_are_counted_once_however_many_ask_at_once<F: Fixture>(fixture: &F) {
    let stores = [fixture.open().await, fixture.open().await];
    let quota = Quota { attempts: 10, window: Duration::from_secs(60) };
    let (key, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
    let now = Timestamp::from_secs(1_700_000_000);
    let mut tasks = JoinSet::new();
    for number in 0..100_usize {
        let store = Arc::clone(&stores[number % 2]);
        let at = now + Duration::from_millis(u64::try_from(number).unwrap());
        tasks.spawn(async move { (at, store.reserve_attempt(&key, quota, at).await.unwrap().is_none()) });
    }
    let counted: Vec<Timestamp> =
        tasks.join_all().await.into_iter().filter(|(_, through)| *through).map(|(at, _)| at).collect();
    assert_eq!(counted.len(), 10);

    let [one, two] = stores;
    assert_eq!(one.reserve_attempt(&other, quota, now).await, Ok(None), "another key");
    let later = now + Duration::from_millis(200);
    let wait = one.reserve_attempt(&key, quota, later).await.unwrap().unwrap();
    assert!(wait > Duration::from_secs(59) && wait <= Duration::from_secs(60), "{wait:?}");
    two.give_back_attempt(&key, counted[0]).await.unwrap();
    assert_eq!(one.reserve_attempt(&key, quota, later).await, Ok(None), "one was given back");
    assert!(two.reserve_attempt(&key, quota, later).await.unwrap().is_some());
    two.give_back_attempt(&key, counted[0]).await.unwrap();
    assert!(two.reserve_attempt(&key, quota, later).await.unwrap().is_some(), "given back already");
    let over = now + Duration::from_secs(120);
    assert_eq!(two.reserve_attempt(&key, quota, over).await, Ok(None), "every limit ends");
    assert_eq!(two.forget_shared_attempts(over).await, Ok(1), "the other key");
    assert_eq!(two.forget_shared_attempts(over + Duration::from_secs(1)).await, Ok(1));
}

pub async fn a_clock_that_is_set_back_by_days_prolongs_no_limit<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let quota = Quota { attempts: 3, window: Duration::from_secs(60) };
    let key = Digest::new([3; 32]);
    let ahead = Timestamp::from_secs(1_700_000_000);
    let now = ahead - Duration::from_secs(5 * 86_400);
    let reserve = async |at: Timestamp| store.reserve_attempt(&key, quota, at).await.unwrap();
    let second = Duration::from_secs(1);
    for attempt in 0..3 {
        assert_eq!(reserve(ahead + second * attempt).await, None);
    }
    assert_eq!(reserve(now).await, Some(quota.window), "none is forgotten, all count as made now");
    assert_eq!(reserve(now + 30 * second).await, Some(30 * second));
    store.give_back_attempt(&key, now).await.unwrap();
    assert_eq!(reserve(now + 40 * second).await, None);
    // One that is let through turns the others back too.
    let again = now - Duration::from_secs(86_400);
    store.give_back_attempt(&key, now).await.unwrap();
    assert_eq!(reserve(again).await, None);
    assert_eq!(reserve(again + second).await, Some(59 * second));
    assert_eq!(reserve(again + 61 * second).await, None, "every limit ends");
    // Servers' clocks may differ by a second: such an attempt keeps its time, and can be given back.
    let other = Digest::new([4; 32]);
    assert_eq!(store.reserve_attempt(&other, quota, now + Timestamp::SKEW).await, Ok(None));
    assert_eq!(store.reserve_attempt(&other, quota, now).await, Ok(None));
    store.give_back_attempt(&other, now + Timestamp::SKEW).await.unwrap();
    store.give_back_attempt(&other, now).await.unwrap();
    for _ in 0..3 {
        assert_eq!(store.reserve_attempt(&other, quota, now).await, Ok(None));
    }
    assert!(store.reserve_attempt(&other, quota, now).await.unwrap().is_some());
}
