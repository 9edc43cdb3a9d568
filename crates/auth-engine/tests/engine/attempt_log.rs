//! What refused attempts, and those that are granted without a hash, leave in the attempt log and in the log lines: no more
//! than a constant, however many there are.

use std::time::Duration;

use auth_core::{AttemptFilter, Clock, LogPage, LoginAttempt, LoginMethod, ProtocolName, Token};
use auth_crypto::opaque;
use auth_engine::testing::{PASSWORD, World, limited, peer, result, token};

use crate::{log_lines, world};

const REFUSED: usize = 100_000;
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The lines of the attempt log since the last call.
fn lines() -> Vec<String> {
    let lines = log_lines::take().into_iter();
    lines.filter(|line| line.starts_with("INFO auth::attempt ")).collect()
}

async fn outcomes(world: &World) -> Vec<String> {
    let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(1000)).await.unwrap();
    rows.into_iter().rev().map(|row| row.record.outcome.into_owned()).collect()
}

/// Names that one client tries, by the number of the attempt.
type Names = fn(usize) -> String;

#[tokio::test]
async fn a_hundred_thousand_refused_attempts_of_one_client_leave_two_rows_and_lines() {
    let same: Names = |_| "iago".to_owned();
    let other: Names = |number| format!("user{number}");
    let (zettelstore, rocketchat) = (ProtocolName::ZETTELSTORE, ProtocolName::ROCKETCHAT);
    for (names, protocols, judged, refusal) in [
        (same, [zettelstore; 2], 10, "account-limited"),
        (other, [zettelstore, rocketchat], 100, "network-limited"),
    ] {
        log_lines::listen();
        let world = world::with(limited()).await;
        for number in 0..judged + REFUSED {
            assert!(world.log_in(protocols[number % 2], &names(number), "wrong").await.is_err());
        }
        let told = outcomes(&world).await;
        assert_eq!((told.len(), lines().len()), (judged + 1, judged + 1), "{refusal}");
        assert_eq!(told.last().unwrap(), refusal);

        // The end of the window, or that of the server, brings the sum.
        world.clock.advance(WINDOW);
        world.engine.purger().log_refusals();
        assert_eq!((outcomes(&world).await.len(), lines().len()), (judged + 1, 0));
        world.clock.advance(Duration::from_millis(1));
        world.engine.purger().log_refusals();
        world.engine.purger().flush_attempts().await;
        let told = outcomes(&world).await;
        let [line] = &lines()[..] else { panic!("the sum has one line") };
        assert!(line.contains(&format!(" outcome={refusal:?} ")), "{line}");
        assert!(line.ends_with(&format!(" count={}", REFUSED - 1)), "{line}");
        assert_eq!(told.len(), judged + 2, "{refusal}");
        assert_eq!(told.last().unwrap(), &format!("{refusal} x {}", REFUSED - 1));
    }
}

#[tokio::test]
async fn attempts_since_the_start_are_counted_by_protocol_and_outcome() {
    let world = world::new().await;
    let (zettelstore, rocketchat) = (ProtocolName::ZETTELSTORE, ProtocolName::ROCKETCHAT);
    assert_eq!(world.engine.attempt_counts(), []);
    for (protocol, password) in
        [(zettelstore, "wrong"), (zettelstore, PASSWORD), (zettelstore, "wrong"), (rocketchat, PASSWORD)]
    {
        let _ = world.log_in(protocol, "iago", password).await;
    }
    let counts = world.engine.attempt_counts().into_iter();
    let mut counted: Vec<_> = counts.map(|count| (count.protocol, count.outcome, count.attempts)).collect();
    counted.sort();
    let mut expected =
        [(rocketchat, "granted", 1), (zettelstore, "granted", 1), (zettelstore, "wrong-password", 2)];
    expected.sort();
    assert_eq!(counted, expected);
}

#[tokio::test]
async fn refusals_have_the_user_of_their_name_where_there_is_one() {
    let world = world::with(limited()).await;
    let iago = world.account("iago").await.user.id;
    for name in ["iago", "nobody"] {
        for _ in 0..13 {
            let _ = world.log_in(ProtocolName::ZETTELSTORE, name, "wrong").await;
        }
        world.engine.purger().flush_attempts().await;
        let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(2)).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (&*row.record.outcome, row.record.user)).collect();
        let user = (name == "iago").then_some(iago);
        assert_eq!(told, [("account-limited x 2", user), ("account-limited", user)], "{name}");
    }
}

#[tokio::test]
async fn refusals_of_a_client_are_of_one_user_each_and_their_sum_is_of_none() {
    let world = world::with(limited()).await;
    for number in 0..100 {
        let _ = world.log_in(ProtocolName::ZETTELSTORE, &format!("user{number}"), "wrong").await;
    }
    for name in ["iago", "othello", "iago"] {
        let _ = world.log_in(ProtocolName::ZETTELSTORE, name, "wrong").await;
    }
    world.engine.purger().flush_attempts().await;
    let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(2)).await.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (&*row.record.outcome, row.record.user)).collect();
    let iago = world.account("iago").await.user.id;
    assert_eq!(told, [("network-limited x 2", None), ("network-limited", Some(iago))]);
}

#[tokio::test]
async fn attempts_are_counted_by_the_scheme_of_the_password_that_judged_them() {
    let world = world::new().await;
    let user = world.account("weak").await.user.id;
    let password = opaque::app_password(&**world.engine.rng());
    let credential = world.engine.credentials().app_password(user, "phone", &password);
    assert!(world.store.add(&credential, u32::MAX, None).await.unwrap());
    let token = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    resume(&world, &token, "192.0.2.1").await;
    for (who, typed) in
        [("weak", "wrong"), ("weak", password.expose()), ("othello", "wrong"), ("nobody", "wrong")]
    {
        let _ = world.log_in(ProtocolName::ZETTELSTORE, who, typed).await;
    }
    let counts = world.engine.attempt_counts();
    let told: Vec<_> = counts
        .iter()
        .map(|count| (count.protocol.as_str(), count.outcome, count.scheme, count.attempts))
        .collect();
    assert_eq!(
        told,
        [
            ("rocketchat", "granted", "none", 1),
            ("rocketchat", "granted", "sha256-hex", 1),
            ("zettelstore", "granted", "none", 1),
            ("zettelstore", "no-password", "none", 1),
            ("zettelstore", "unknown-user", "none", 1),
            ("zettelstore", "wrong-password", "pbkdf2_sha256", 1),
        ]
    );
}

#[tokio::test]
async fn what_was_only_counted_is_written_when_the_server_ends() {
    let world = world::with(limited()).await;
    for _ in 0..15 {
        let _ = world.log_in(ProtocolName::ZETTELSTORE, "iago", "wrong").await;
    }
    world.engine.purger().flush_attempts().await;
    let told = outcomes(&world).await;
    assert_eq!(told[10..], ["account-limited", "account-limited x 4"]);
    world.engine.purger().flush_attempts().await;
    assert_eq!(outcomes(&world).await, told, "once");
}

#[tokio::test]
async fn a_protocol_that_takes_no_passwords_leaves_no_row_for_each() {
    let mut without = limited();
    without.zulip.password_login = false;
    let world = world::with(without).await;
    for _ in 0..1000 {
        let _ = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
    }
    world.engine.purger().flush_attempts().await;
    assert_eq!(outcomes(&world).await, ["not-offered", "not-offered x 999"]);
}

async fn resume(world: &World, token: &Token, from: &str) {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "", "").await;
    let method = LoginMethod::Resume(token.clone());
    result(world.ask(LoginAttempt { method, peer: peer(from), ..attempt }).await).unwrap();
}

#[tokio::test]
async fn ten_thousand_resumed_logins_of_one_account_leave_two_rows() {
    let world = world::with(limited()).await;
    let iago = world.account("iago").await.user.id;
    let token = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    for _ in 0..10_000 {
        resume(&world, &token, "192.0.2.1").await;
    }
    resume(&world, &token, "192.0.2.2").await;
    assert_eq!(outcomes(&world).await, ["granted"; 3], "the password, and the first from each client key");
    world.clock.advance(WINDOW + Duration::from_millis(1));
    world.engine.purger().log_refusals();
    assert_eq!(outcomes(&world).await[3..], ["granted x 9999"]);
    let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(10)).await.unwrap();
    assert!(rows.iter().all(|row| row.record.user == Some(iago)), "{rows:?}");
    assert_eq!(rows[0].record.client_key, peer("192.0.2.1").client_key());
    resume(&world, &token, "192.0.2.1").await;
    world.engine.purger().flush_attempts().await;
    assert_eq!(outcomes(&world).await[4..], ["granted"], "a window of its own");
}

#[tokio::test]
async fn logins_of_one_account_from_ten_thousand_clients_leave_a_bounded_number_of_rows() {
    let world = world::with(limited()).await;
    let token = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    for round in 0..2 {
        for number in 0..10_000 {
            resume(&world, &token, &format!("2001:db8:0:{number:x}::1")).await;
        }
        // Those that have a row are told apart also when they come again.
        resume(&world, &token, "2001:db8::1").await;
        world.clock.advance(WINDOW + Duration::from_millis(1));
        world.engine.purger().log_refusals();
        let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(1000)).await.unwrap();
        assert_eq!(rows.len(), 1 + (round + 1) * (32 + 1 + 2));
        let mut sums: Vec<(&str, String)> = rows[..2]
            .iter()
            .map(|row| (row.record.outcome.as_ref(), row.record.client_key.to_string()))
            .collect();
        sums.sort();
        assert_eq!(
            sums,
            [("granted x 1", "2001:db8::/64".to_owned()), ("granted x 9967", "0.0.0.0".to_owned())]
        );
    }
}

#[tokio::test]
async fn refusals_of_one_network_leave_two_rows_from_however_many_clients() {
    for (zulip, outcome, judged) in [(true, "not-offered", 0), (false, "network-limited", 1600)] {
        let mut limits = limited();
        limits.zulip.password_login = !zulip;
        let world = world::with(limits).await;
        let protocol = if zulip { ProtocolName::ZULIP } else { ProtocolName::ZETTELSTORE };
        for number in 0..judged + 3000 {
            let name = format!("user{number}@zulip.com");
            let mut attempt = world.attempt("main", protocol, &name, "wrong").await;
            attempt.peer = peer(&format!("2001:db8:0:{number:x}::1"));
            assert!(result(world.ask(attempt).await).is_err());
        }
        world.engine.purger().flush_attempts().await;
        let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(10_000)).await.unwrap();
        assert_eq!(rows.len(), judged + 2, "{outcome}");
        assert_eq!(rows[0].record.outcome, format!("{outcome} x 2999"));
    }
}

#[tokio::test]
async fn logins_by_password_keep_a_row_each_and_those_by_app_password_do_not() {
    let world = world::with(limited()).await;
    let user = world.account("othello").await.user.id;
    let password = opaque::app_password(&**world.engine.rng());
    let credential = world.engine.credentials().app_password(user, "phone", &password);
    assert!(world.store.add(&credential, u32::MAX, None).await.unwrap());
    for _ in 0..5 {
        world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap();
        world.log_in(ProtocolName::ZETTELSTORE, "othello", password.expose()).await.unwrap();
    }
    world.engine.purger().flush_attempts().await;
    let mut told = outcomes(&world).await;
    told.sort();
    assert_eq!(told, ["granted", "granted", "granted", "granted", "granted", "granted", "granted x 4"]);
}

#[tokio::test]
async fn the_attempt_log_has_a_ceiling() {
    let world = world::new().await;
    for number in 0..20 {
        world.clock.advance(Duration::from_secs(1));
        let _ = world.log_in(ProtocolName::ZETTELSTORE, &format!("user{number}"), "wrong").await;
    }
    let newest = world.clock.now();
    world.store.attempts(&AttemptFilter::default(), LogPage::newest(0)).await.unwrap();
    assert_eq!(world.engine.purger().trim_attempts(20).await.unwrap(), 0);
    assert_eq!(world.engine.purger().trim_attempts(3).await.unwrap(), 17);
    let rows = world.store.attempts(&AttemptFilter::default(), LogPage::newest(100)).await.unwrap();
    assert_eq!((rows.len(), rows[0].place.at), (3, newest), "the newest stay");
}
