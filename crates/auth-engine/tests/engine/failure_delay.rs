//! When refusals are released: at once while all stored passwords take the same time, else delayed.

use std::time::Duration;

use auth_core::{
    AttemptFilter, Clock, ImportMode, LogPage, LoginAttempt, LoginMethod, PasswordDigest, ProtocolName,
    SecretInput,
};
use auth_crypto::argon2::Params;
use auth_engine::testing::{PASSWORD, START, World, config, result, ring};
use auth_engine::{Config, FailureDelay, PasswordConfig, ZettelstoreConfig};
use auth_transfer::{import, unwatched};

use crate::world;

/// Current records alone: one with a password, one without, one deactivated.
const CURRENT: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"othello","email":"othello@zulip.com"}
{"kind":"user","realm":"main","username":"cordelia","email":"cordelia@zulip.com","active":false,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"totp","email":"totp@zulip.com","email_verified":true,"password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}
"#;

const OLDER: &str = r#"{"kind":"user","realm":"main","username":"weak","email":"weak@zulip.com","password_hash":"pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo="}"#;

/// 870,000 iterations are estimated at 217.5 ms, listed as 220, and as much is added. The tests' clock stands
/// still, so that no sample takes longer than estimated.
const FOR_OLDER: Duration = Duration::from_millis(440);

fn with_delay(failure_delay: FailureDelay) -> Config {
    let plain = config();
    Config { passwords: PasswordConfig { failure_delay, ..plain.passwords }, ..plain }
}

async fn world(failure_delay: FailureDelay, lines: &str) -> World {
    let world = world::empty(with_delay(failure_delay)).await;
    world::import(&world, lines).await;
    world
}

/// How long the answers to these failures wait; the same for all of them.
async fn wait(world: &World) -> Option<Duration> {
    let mut waits = Vec::new();
    for who in ["nobody@zulip.com", "iago@zulip.com", "othello@zulip.com", "cordelia@zulip.com"] {
        let attempt = world.attempt("main", ProtocolName::ZULIP, who, "wrong").await;
        waits.push(wait_of(world, attempt).await);
    }
    let attempt = world.attempt("main", ProtocolName::ZULIP, "cordelia@zulip.com", PASSWORD).await;
    waits.push(wait_of(world, attempt).await);
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "iago", "").await;
    let LoginMethod::Password { who, .. } = attempt.method else { panic!("no password") };
    let method =
        LoginMethod::Password { who, secret: SecretInput::Digest(PasswordDigest::new("00".repeat(32))) };
    waits.push(wait_of(world, LoginAttempt { method, ..attempt }).await);
    assert!(waits.iter().all(|wait| *wait == waits[0]), "{waits:?}");
    waits[0]
}

async fn wait_of(world: &World, attempt: LoginAttempt) -> Option<Duration> {
    let reply = world.ask(attempt).await;
    let not_before = reply.not_before;
    assert!(result(reply).is_err());
    not_before.map(|moment| moment.since(world.clock.now()))
}

#[tokio::test]
async fn while_all_records_are_current_failures_are_released_at_once() {
    let world = world(FailureDelay::Auto, CURRENT).await;
    assert_eq!(wait(&world).await, None);
}

#[tokio::test]
async fn an_imported_older_scheme_delays_failures_by_more_than_it_takes() {
    let world = world(FailureDelay::Auto, &format!("{CURRENT}{OLDER}")).await;
    assert_eq!(wait(&world).await, Some(FOR_OLDER));
}

/// The workers of these tests keep less than this record needs: see `auth_engine::testing::builder`.
#[tokio::test]
async fn an_older_record_that_needs_more_than_the_workers_keep_is_refused_like_an_unknown_name() {
    let large = r#"{"kind":"user","realm":"main","username":"large","email":"large@zulip.com","password_hash":"$argon2id$v=19$m=98304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA"}"#;
    let world = world(FailureDelay::Auto, &format!("{CURRENT}{large}")).await;
    // Twice 33 ms, as 98304 KiB are estimated.
    let width = Some(Duration::from_millis(66));
    assert_eq!(wait(&world).await, width);
    for _ in 0..3 {
        let attempt = world.attempt("main", ProtocolName::ZULIP, "large@zulip.com", "wrong").await;
        assert_eq!(wait_of(&world, attempt).await, width);
        let logged = world.store.attempts(&AttemptFilter::default(), LogPage::newest(1)).await.unwrap();
        assert_eq!(logged[0].record.outcome.as_ref(), "wrong-password", "it was verified");
    }
}

#[tokio::test]
async fn an_import_is_noticed_by_an_engine_that_was_open_before() {
    let world = world(FailureDelay::Auto, CURRENT).await;
    assert_eq!(wait(&world).await, None);
    let command = world.beside(config()).await;
    import(&command, OLDER.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
    assert_eq!(wait(&world).await, Some(FOR_OLDER));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let world = world(FailureDelay::Auto, CURRENT).await;
    import(&world.engine, OLDER.as_bytes(), ImportMode::DryRun, &mut unwatched).await.unwrap();
    assert_eq!(wait(&world).await, None);
}

#[tokio::test]
async fn other_parameters_delay_failures_after_the_restart() {
    let mut world = world(FailureDelay::Auto, CURRENT).await;
    let mut costlier = with_delay(FailureDelay::Auto);
    costlier.passwords.params = Params::new(19_456, 2, 1).unwrap();
    world.restart(&ring(), costlier, 2).await;
    // Twice 13 ms, whichever of the two is the newer.
    let width = Some(Duration::from_millis(26));
    assert_eq!(wait(&world).await, width);
    world.restart(&ring(), with_delay(FailureDelay::Auto), 2).await;
    assert_eq!(wait(&world).await, width);
}

#[tokio::test]
async fn the_operator_has_the_last_word() {
    let lines = format!("{CURRENT}{OLDER}");
    let fixed = FailureDelay::Fixed(Duration::from_millis(700));
    for (wanted, lines, waits) in [
        (FailureDelay::Off, lines.as_str(), None),
        (fixed, lines.as_str(), Some(Duration::from_millis(700))),
        (fixed, CURRENT, Some(Duration::from_millis(700))),
    ] {
        assert_eq!(wait(&world(wanted, lines).await).await, waits, "{wanted:?}");
    }
}

#[tokio::test]
async fn answers_with_nothing_to_hide_are_released_at_once() {
    let world = world(FailureDelay::Auto, &format!("{CURRENT}{OLDER}")).await;
    for (protocol, who) in [(ProtocolName::ZULIP, "iago@zulip.com"), (ProtocolName::ROCKETCHAT, "totp")] {
        let attempt = world.attempt("main", protocol, who, PASSWORD).await;
        assert_eq!(world.ask(attempt).await.not_before, None, "{who}: granted, or asked for a code");
    }
}

#[tokio::test]
async fn zettelstores_own_delay_covers_a_shorter_one() {
    let mut slow = with_delay(FailureDelay::Auto);
    slow.zettelstore =
        ZettelstoreConfig { login_delay: Duration::from_millis(500), ..ZettelstoreConfig::default() };
    let world = world::empty(slow).await;
    world::import(&world, &format!("{CURRENT}{OLDER}")).await;
    for _ in 0..20 {
        let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", "wrong").await;
        let wait = wait_of(&world, attempt).await.unwrap().as_millis();
        assert!((450..550).contains(&wait), "{wait} ms");
    }
}

#[tokio::test]
async fn zettelstores_delay_varies_by_a_tenth_of_a_second_and_is_never_shorter_than_that_after_the_hash() {
    for (delay, least) in [(500, 450), (10, 50)] {
        let mut config = with_delay(FailureDelay::Off);
        config.zettelstore.login_delay = Duration::from_millis(delay);
        let world = world::empty(config).await;
        world::import(&world, CURRENT).await;
        let mut waits = Vec::new();
        for _ in 0..200 {
            let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", "wrong").await;
            waits.push(wait_of(&world, attempt).await.unwrap().as_millis());
            // The answer is out.
            world.clock.advance(Duration::from_secs(1));
        }
        let (shortest, longest) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
        assert!((least..least + 10).contains(&shortest), "{delay}: {shortest}");
        assert!((least + 90..least + 100).contains(&longest), "{delay}: {longest}");
    }
}

#[tokio::test]
async fn each_scheme_is_listed_once() {
    let mut world = world(FailureDelay::Auto, &format!("{CURRENT}{OLDER}")).await;
    world::import(&world, &OLDER.replace("weak", "weaker")).await;
    world.restart(&ring(), with_delay(FailureDelay::Auto), 2).await;
    let mut listed = Vec::new();
    while let Some(entry) = world.store.meta(&format!("scheme/{}", listed.len())).await.unwrap() {
        listed.push(String::from_utf8(entry).unwrap());
    }
    assert_eq!(listed, ["argon2id,m=64,t=1,p=1 21", "pbkdf2_sha256 220000"]);
    assert_eq!(world.clock.now(), START, "no test waited");
}
