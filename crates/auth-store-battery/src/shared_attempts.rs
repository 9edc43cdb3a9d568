//! Attempts that servers count together: [`shared_store_battery!`](crate::shared_store_battery). A store of a single server need not
//! count any.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{Digest, Quota, SharedAttempts, SharedCounter, Timestamp, UserId};
use tokio::task::JoinSet;

use super::Fixture;

fn counter(key: Digest, quota: Quota) -> SharedCounter {
    SharedCounter { key, label: "client 192.0.2.1".into(), user: None, quota }
}

pub async fn attempts_are_counted_once_however_many_ask_at_once<F: Fixture>(fixture: &F) {
    let stores = [fixture.open().await, fixture.open().await];
    let quota = Quota { attempts: 10, window: Duration::from_secs(60) };
    let (key, other) = (Digest::new([1; 32]), Digest::new([2; 32]));
    let now = Timestamp::from_secs(1_700_000_000);
    let mut tasks = JoinSet::new();
    for number in 0..100_usize {
        let store = Arc::clone(&stores[number % 2]);
        let at = now + Duration::from_millis(u64::try_from(number).unwrap());
        tasks.spawn(
            async move { (at, store.reserve_attempt(&counter(key, quota), at).await.unwrap().is_none()) },
        );
    }
    let counted: Vec<Timestamp> =
        tasks.join_all().await.into_iter().filter(|(_, through)| *through).map(|(at, _)| at).collect();
    assert_eq!(counted.len(), 10);

    let [one, two] = stores;
    assert_eq!(one.reserve_attempt(&counter(other, quota), now).await, Ok(None), "another key");
    let later = now + Duration::from_millis(200);
    let wait = one.reserve_attempt(&counter(key, quota), later).await.unwrap().unwrap();
    assert!(wait > Duration::from_secs(59) && wait <= Duration::from_secs(60), "{wait:?}");
    two.give_back_attempt(&key, counted[0]).await.unwrap();
    assert_eq!(one.reserve_attempt(&counter(key, quota), later).await, Ok(None), "one was given back");
    assert!(two.reserve_attempt(&counter(key, quota), later).await.unwrap().is_some());
    two.give_back_attempt(&key, counted[0]).await.unwrap();
    assert!(two.reserve_attempt(&counter(key, quota), later).await.unwrap().is_some(), "given back already");
    let over = now + Duration::from_secs(120);
    assert_eq!(two.reserve_attempt(&counter(key, quota), over).await, Ok(None), "every limit ends");
    assert_eq!(two.forget_shared_attempts(over).await, Ok(1), "the other key");
    assert_eq!(two.forget_shared_attempts(over + Duration::from_secs(1)).await, Ok(1));
}

pub async fn a_clock_that_is_set_back_by_days_prolongs_no_limit<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let quota = Quota { attempts: 3, window: Duration::from_secs(60) };
    let key = Digest::new([3; 32]);
    let ahead = Timestamp::from_secs(1_700_000_000);
    let now = ahead - Duration::from_secs(5 * 86_400);
    let reserve = async |at: Timestamp| store.reserve_attempt(&counter(key, quota), at).await.unwrap();
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
    assert_eq!(store.reserve_attempt(&counter(other, quota), now + Timestamp::SKEW).await, Ok(None));
    assert_eq!(store.reserve_attempt(&counter(other, quota), now).await, Ok(None));
    store.give_back_attempt(&other, now + Timestamp::SKEW).await.unwrap();
    store.give_back_attempt(&other, now).await.unwrap();
    for _ in 0..3 {
        assert_eq!(store.reserve_attempt(&counter(other, quota), now).await, Ok(None));
    }
    assert!(store.reserve_attempt(&counter(other, quota), now).await.unwrap().is_some());
}

pub async fn full_counters_are_listed_in_the_order_in_which_they_end<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let quota = Quota { attempts: 2, window: Duration::from_secs(60) };
    let now = Timestamp::from_secs(1_700_000_000);
    let second = Duration::from_secs(1);
    let user = UserId::from_bytes([7; 16]);
    let of = |number: u8| SharedCounter {
        label: format!("accöunt {number}"),
        user: number.is_multiple_of(2).then_some(user),
        ..counter(Digest::new([number; 32]), quota)
    };
    // Counter 1 has one attempt, the others have two, and the higher ones end first but for two that end at once.
    let begin = |number: u8| now + second * u32::from(20 - number.max(3));
    for number in 1..=6 {
        assert_eq!(store.reserve_attempt(&of(number), begin(number)).await, Ok(None));
    }
    let later = now + second * 30;
    for number in 2..=6 {
        assert_eq!(store.reserve_attempt(&of(number), later).await, Ok(None));
    }
    let listed = async |at: Timestamp| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.full_counters(at, after, 2).await.unwrap();
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { return all };
            after = Some((last.until, last.counter.key));
            all.extend(page);
        }
    };
    let all = listed(later).await;
    let expected = [6, 5, 4, 2, 3].map(of);
    assert_eq!(all.iter().map(|full| full.counter.clone()).collect::<Vec<_>>(), expected);
    assert!(all.iter().zip([6, 5, 4, 2, 3]).all(|(full, number)| full.until == begin(number) + quota.window));
    assert_eq!(listed(begin(6) + quota.window).await.len(), 5, "a last millisecond counts");
    assert_eq!(listed(begin(6) + quota.window + Duration::from_millis(1)).await.len(), 4);
    // An attempt that is given back makes room, and one that is refused changes nothing.
    assert!(store.reserve_attempt(&of(6), later).await.unwrap().is_some());
    store.give_back_attempt(&of(5).key, later).await.unwrap();
    let four = listed(later).await;
    assert_eq!(four.iter().map(|full| full.counter.key).collect::<Vec<_>>(), [6, 4, 2, 3].map(|n| of(n).key));
    // A quota that has changed counts from the next attempt on.
    let wider = SharedCounter { quota: Quota { attempts: 3, ..quota }, ..of(6) };
    assert_eq!(store.reserve_attempt(&wider, later).await, Ok(None));
    assert_eq!(listed(later).await[0].counter, wider);
}

pub async fn counters_are_forgotten_one_by_one_and_by_account<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let quota = Quota { attempts: 1, window: Duration::from_secs(60) };
    let now = Timestamp::from_secs(1_700_000_000);
    let (user, other) = (UserId::from_bytes([7; 16]), UserId::from_bytes([8; 16]));
    let of = |number: u8, user| SharedCounter { user, ..counter(Digest::new([number; 32]), quota) };
    let all = [of(1, Some(user)), of(2, Some(user)), of(3, Some(other)), of(4, None)];
    for counter in &all {
        assert_eq!(store.reserve_attempt(counter, now).await, Ok(None));
        assert!(store.reserve_attempt(counter, now).await.unwrap().is_some());
    }
    let full = async || store.full_counters(now, None, 9).await.unwrap().len();
    assert_eq!(full().await, 4);
    assert_eq!(store.forget_counters_of(user).await, Ok(2));
    assert_eq!(store.forget_counters_of(user).await, Ok(0));
    assert_eq!(full().await, 2);
    assert_eq!(store.forget_counter(&all[3].key).await, Ok(true));
    assert_eq!(store.forget_counter(&all[3].key).await, Ok(false));
    assert_eq!(full().await, 1);
    for counter in [&all[0], &all[1], &all[3]] {
        assert_eq!(store.reserve_attempt(counter, now).await, Ok(None), "it counts anew");
    }
    assert!(store.reserve_attempt(&all[2], now).await.unwrap().is_some());
}
