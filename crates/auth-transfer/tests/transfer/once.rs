//! Each line is parsed, sealed and hashed once, and what conflicts is left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::{CredentialKind, ImportMode, ProtocolName, Rng, SeededRng};
use auth_crypto::totp;
use auth_engine::testing::{IAGO_KEY, PASSWORD, TOTP_SECRET, World, api_key, config};
use auth_transfer::{ImportOptions, ImportReport, import, unwatched};

use crate::world;

/// Counts the draws of random bytes: an identifier is one, and so is a sealed secret.
struct CountingRng {
    rng: SeededRng,
    draws: AtomicU64,
}

impl Rng for CountingRng {
    fn fill(&self, out: &mut [u8]) {
        self.draws.fetch_add(1, Ordering::SeqCst);
        self.rng.fill(out);
    }
}

/// A realm with a user of this name, and the random source of the engine.
async fn counted(taken: &str) -> (World, Arc<CountingRng>) {
    let rng = Arc::new(CountingRng { rng: SeededRng::new(5), draws: AtomicU64::new(0) });
    let world = world::built(config(), |builder| builder.rng(Arc::clone(&rng) as _)).await;
    let lines = format!(
        "{}\n{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"{taken}\"}}",
        r#"{"kind":"realm","realm":"main"}"#
    );
    world::import(&world, &lines).await;
    (world, rng)
}

const LINES: &str = r#"{"kind":"user","realm":"main","username":"first","email":"first@zulip.com","password":"correct-horse-battery-9876","zulip_api_key":"gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"}
{"kind":"user","realm":"main","username":"second","password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345","eFgH6789"]}
{"kind":"user","realm":"main","username":"third","password":"correct-horse-battery-9876"}"#;

async fn take(world: &World, mode: ImportMode) -> ImportReport {
    let options = ImportOptions { mode, wrap: false, skip_bad: true };
    import(&world.engine, LINES.as_bytes(), options, &mut unwatched).await.unwrap()
}

#[tokio::test]
async fn a_line_is_sealed_and_hashed_once_also_when_a_record_conflicts() {
    let mut seen = Vec::new();
    for (taken, users) in [("nobody", 3), ("third", 2)] {
        let (world, rng) = counted(taken).await;
        let (draws, hashed) = (rng.draws.load(Ordering::SeqCst), world.pool.metrics().begun);
        let report = take(&world, ImportMode::Write).await;
        assert_eq!((report.imported.users, report.left_out.records()), (users, 3 - users));
        seen.push((rng.draws.load(Ordering::SeqCst) - draws, world.pool.metrics().begun - hashed));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].1, 3, "a password each");
}

#[tokio::test]
async fn a_dry_run_counts_what_is_written_afterwards_and_hashes_nothing() {
    for taken in ["nobody", "third"] {
        let (world, _) = counted(taken).await;
        let hashed = world.pool.metrics().begun;
        let mut dry = take(&world, ImportMode::DryRun).await;
        assert_eq!(world.pool.metrics().begun, hashed);
        assert!(world.find("main", "first").await.is_none());
        let mut written = take(&world, ImportMode::Write).await;
        assert_eq!(dry.imported, written.imported, "{taken}");
        assert_eq!(dry.left_out.all().unwrap(), written.left_out.all().unwrap(), "{taken}");
    }
}

#[tokio::test]
async fn secrets_of_a_line_are_good_after_the_spool() {
    let (world, _) = counted("third").await;
    take(&world, ImportMode::Write).await;
    let key = api_key("first@zulip.com", IAGO_KEY);
    assert!(world.check("main", ProtocolName::ZULIP, key).await.result.is_ok());
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "first", PASSWORD).await.is_ok());
    let device = world.store.of_user(world.account("second").await.user.id, CredentialKind::TOTP).await;
    let secret = world.engine.credentials().totp_secret(&device.unwrap()[0]).unwrap();
    assert_eq!(totp::to_base32(&secret).as_str(), TOTP_SECRET);
    assert!(world.log_in_with_code("second", Some("eFgH6789")).await.is_ok());
    let stored = world.account("first").await.password.unwrap();
    assert!(
        stored.expose().contains("$argon2id$") && !stored.expose().contains(PASSWORD),
        "{}",
        stored.expose()
    );
}

#[tokio::test]
async fn a_realm_that_conflicts_takes_its_users_with_it() {
    let world = world::new().await;
    let lines = r#"{"kind":"realm","realm":"new","subdomain":"other"}
{"kind":"user","realm":"new","username":"first"}
{"kind":"user","realm":"main","username":"second"}
{"kind":"user","realm":"new","username":"third"}"#;
    let options = ImportOptions { mode: ImportMode::Write, wrap: false, skip_bad: true };
    let mut report = import(&world.engine, lines.as_bytes(), options, &mut unwatched).await.unwrap();
    let no_realm = "no such realm before this line: none of its 2 users can be imported";
    let left_out = [(1, "the realm's subdomain is taken".to_owned()), (2, no_realm.to_owned())];
    assert_eq!((report.left_out.records(), report.left_out.all().unwrap()), (3, left_out.to_vec()));
    assert_eq!((report.imported.realms, report.imported.users), (0, 1));
    assert!(world.find("main", "second").await.is_some());
}

#[tokio::test]
async fn a_realm_that_a_later_line_makes_after_all_has_the_users_after_that_line() {
    let world = world::new().await;
    let lines = r#"{"kind":"realm","realm":"new","subdomain":"other"}
{"kind":"user","realm":"new","username":"first"}
{"kind":"realm","realm":"new","subdomain":"new"}
{"kind":"user","realm":"new","username":"second"}"#;
    let options = ImportOptions { mode: ImportMode::Write, wrap: false, skip_bad: true };
    let mut report = import(&world.engine, lines.as_bytes(), options, &mut unwatched).await.unwrap();
    let left_out: Vec<u64> = report.left_out.all().unwrap().into_iter().map(|(line, _)| line).collect();
    assert_eq!(left_out, [1, 2]);
    assert!(world.find("new", "second").await.is_some());
}

#[tokio::test]
async fn a_conflicting_change_of_a_realm_that_is_there_leaves_its_users_in() {
    let world = world::new().await;
    let lines = r#"{"kind":"realm","realm":"main","subdomain":"other"}
{"kind":"user","realm":"main","username":"first"}"#;
    let options = ImportOptions { mode: ImportMode::Write, wrap: false, skip_bad: true };
    let mut report = import(&world.engine, lines.as_bytes(), options, &mut unwatched).await.unwrap();
    assert_eq!(report.left_out.all().unwrap(), [(1, "the realm's subdomain is taken".to_owned())]);
    assert!(world.find("main", "first").await.is_some());
}
