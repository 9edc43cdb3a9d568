//! The log of attempts.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{
    AttemptFilter, AttemptRecord, AttemptStore, ClientKey, LogPage, ProtocolName, RealmId, StoreError,
    Timestamp, UserId,
};

use super::{Fixture, at};

/// The newest attempts.
async fn newest(store: &impl AttemptStore, limit: u32) -> Result<Vec<AttemptRecord>, StoreError> {
    let rows = store.attempts(&AttemptFilter::default(), LogPage::newest(limit)).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

pub async fn lists_the_newest_attempts_and_forgets_old_ones<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let attempt = |number: u8, secs, client: &str| AttemptRecord {
        at: at(secs),
        protocol: ProtocolName::ROCKETCHAT,
        realm: RealmId::from_bytes([number; 16]),
        user: number.is_multiple_of(2).then(|| UserId::from_bytes([number; 16])),
        name: format!("näme {number}"),
        client_key: ClientKey::of(client.parse().unwrap()),
        outcome: Cow::Borrowed("granted"),
    };
    let rows = [
        attempt(1, 10, "192.0.2.7"),
        attempt(2, 30, "2001:db8:1:2:3:4:5:6"),
        attempt(3, 20, "::1"),
        attempt(4, 40, "0.0.0.0"),
    ];
    for row in &rows {
        store.record(row.clone());
    }
    // The store writes them soon, at a time of its own.
    while newest(&*store, 10).await.unwrap().len() < rows.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let [first, second, third, fourth] = rows;
    assert_eq!(newest(&*store, 2).await, Ok(vec![fourth.clone(), second.clone()]));
    assert_eq!(newest(&*store, 10).await, Ok(vec![fourth.clone(), second.clone(), third, first]));
    assert_eq!(store.forget_attempts(at(30)).await, Ok(2));
    assert_eq!(store.forget_attempts(at(30)).await, Ok(0));
    assert_eq!(newest(&*store, 10).await, Ok(vec![fourth, second]));
    assert_eq!(store.forget_attempts(Timestamp::from_millis(i64::MAX)).await, Ok(2));
}

pub async fn keeps_no_more_attempts_than_the_ceiling<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let attempt = |secs: i64| AttemptRecord {
        at: at(secs),
        protocol: ProtocolName::ZULIP,
        realm: RealmId::from_bytes([1; 16]),
        user: None,
        name: String::new(),
        client_key: ClientKey::of("192.0.2.7".parse().unwrap()),
        outcome: Cow::Borrowed("wrong-password"),
    };
    // More than one command deletes at a time.
    const ROWS: u32 = 2500;
    for number in 0..ROWS {
        // Not in the order of time.
        store.record(attempt(i64::from(number * 7 % ROWS)));
        if number % 500 == 499 {
            newest(&*store, 1).await.unwrap();
        }
    }
    assert_eq!(store.trim_attempts(ROWS).await, Ok(0));
    assert_eq!(store.trim_attempts(ROWS - 1).await, Ok(1));
    assert_eq!(store.trim_attempts(5).await, Ok(u64::from(ROWS) - 6));
    let left: Vec<_> = newest(&*store, 10).await.unwrap().into_iter().map(|row| row.at).collect();
    let newest_at = i64::from(ROWS) - 1;
    assert_eq!(left, [0, 1, 2, 3, 4].map(|ago| at(newest_at - ago)), "the oldest go first");
    for _ in 0..3 {
        store.record(attempt(newest_at));
    }
    newest(&*store, 1).await.unwrap();
    assert_eq!(store.trim_attempts(3).await, Ok(8), "four of one millisecond go together");
    assert_eq!(store.trim_attempts(0).await, Ok(0));
}

pub async fn lists_the_clients_that_users_have_logged_in_from<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let pair =
        |user: u8, client: u8| (UserId::from_bytes([user; 16]), ClientKey::of([192, 0, 2, client].into()));
    let mut secs = 0;
    let mut attempt = |user: Option<u8>, client, outcome| {
        secs += 1;
        store.record(AttemptRecord {
            at: at(secs),
            protocol: ProtocolName::ZULIP,
            realm: RealmId::from_bytes([1; 16]),
            user: user.map(|user| pair(user, client).0),
            name: String::new(),
            client_key: pair(0, client).1,
            outcome: Cow::Borrowed(outcome),
        });
    };
    attempt(Some(1), 1, "granted");
    attempt(Some(2), 1, "granted");
    attempt(Some(3), 1, "wrong-password");
    attempt(None, 2, "granted");
    attempt(Some(1), 2, "granted x 7");
    // One account's many grants displace nobody.
    for _ in 0..300 {
        attempt(Some(4), 4, "granted");
    }
    attempt(Some(1), 3, "granted");
    attempt(Some(1), 1, "granted");
    while newest(&*store, 1000).await.unwrap().len() < 307 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let all = vec![pair(1, 1), pair(1, 3), pair(4, 4), pair(2, 1)];
    assert_eq!(store.known_clients(1000, 1000).await, Ok(all.clone()));
    assert_eq!(store.known_clients(1000, 2).await, Ok(all[..2].to_vec()));
    assert_eq!(store.known_clients(302, 1000).await, Ok(all[..3].to_vec()), "among the newest attempts");
    assert_eq!(store.known_clients(0, 1000).await, Ok(Vec::new()));
    assert_eq!(store.known_clients(1000, 0).await, Ok(Vec::new()));

    // One account's many clients displace nobody either.
    for client in 0..100 {
        attempt(Some(5), client, "granted");
    }
    while newest(&*store, 1000).await.unwrap().len() < 407 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let last = (36..100).rev().map(|client| pair(5, client));
    assert_eq!(store.known_clients(1000, 1000).await, Ok(last.chain(all).collect()));
}
