//! Import and export.

use auth_core::{DoorKind, ImportMode};
use auth_engine::transfer::{ImportFailure, ImportReport};

use crate::world::{PASSWORD, World, config};

async fn import(world: &World, lines: &str, mode: ImportMode) -> Result<ImportReport, ImportFailure> {
    world.engine.import(lines.as_bytes(), mode, &mut |_| {}).await
}

#[tokio::test]
async fn every_bad_line_is_named_with_its_reason_and_nothing_is_written() {
    let world = World::empty(config()).await;
    let realm = r#"{"kind":"realm","realm":"main"}"#;
    for (line, reason) in [
        ("{", "not JSON"),
        ("[]", "not a JSON object with a text under `kind`"),
        ("{}", "`kind` is missing"),
        (r#"{"kind":"group"}"#, "`kind` is neither realm nor user"),
        (r#"{"kind":"user","username":"a"}"#, "`realm` is missing"),
        (r#"{"kind":"user","realm":"nowhere","username":"a"}"#, "no such realm before this line"),
        (r#"{"kind":"user","realm":"main"}"#, "`username` or `email` is missing"),
        (r#"{"kind":"user","realm":"main","username":" a"}"#, "`username` can't be logged in with"),
        (r#"{"kind":"user","realm":"main","username":"a\u0000"}"#, "`username` can't be logged in with"),
        (r#"{"kind":"user","realm":"main","email":"a"}"#, "`email` can't be logged in with"),
        (r#"{"kind":"user","realm":"main","username":"a","id":0}"#, "`id` is not positive"),
        (r#"{"kind":"user","realm":"main","username":"a","role":"king"}"#, "`role` is not one we know"),
        (r#"{"kind":"user","realm":"main","username":"a","bot":"x"}"#, "`bot` is not one we know"),
        (r#"{"kind":"user","realm":"main","username":"a","joined":"x"}"#, "`joined` is not an RFC 3339 time"),
        (
            r#"{"kind":"user","realm":"main","username":"a","zettelstore_zid":"1"}"#,
            "`zettelstore_zid` is not 14 digits",
        ),
        (
            r#"{"kind":"user","realm":"main","username":"a","zulip_api_key":"x"}"#,
            "`zulip_api_key` is not 32 letters and digits",
        ),
        (r#"{"kind":"user","realm":"main","username":"a","totp_secret":"1"}"#, "`totp_secret` is not base32"),
        (
            r#"{"kind":"user","realm":"main","username":"a","password":"a","password_hash":"b"}"#,
            "`password` and `password_hash` exclude each other",
        ),
        (
            r#"{"kind":"realm","realm":"No Slug"}"#,
            "`realm` is not 1 to 64 lower-case letters, digits, - or _",
        ),
        (
            r#"{"kind":"realm","realm":"b","backends":["ldap"]}"#,
            "`backends` names one that is not configured",
        ),
    ] {
        let lines = format!("{realm}\n\n{line}\n{}", r#"{"kind":"user","realm":"main","username":"good"}"#);
        match import(&world, &lines, ImportMode::Write).await {
            Err(ImportFailure::Lines(bad)) => assert_eq!(bad, [(3, reason.to_owned())], "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    assert!(world.engine.realms_by_slug().await.unwrap().is_empty());
}

#[tokio::test]
async fn conflicts_are_named_by_line() {
    let world = World::new().await;
    for (line, reason) in [
        (r#"{"kind":"user","realm":"main","username":"iago"}"#, "the user name is taken"),
        (r#"{"kind":"user","realm":"main","email":"iago@zulip.com"}"#, "the e-mail address is taken"),
        (r#"{"kind":"user","realm":"main","username":"x","id":1}"#, "the Zulip id is taken"),
    ] {
        let lines = format!("{}\n{line}", r#"{"kind":"user","realm":"main","username":"first"}"#);
        for mode in [ImportMode::DryRun, ImportMode::Write] {
            match import(&world, &lines, mode).await {
                Err(ImportFailure::Lines(bad)) => assert_eq!(bad, [(2, reason.to_owned())]),
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(world.engine.account_named(None, "first").await.is_err(), "nothing is written");
    }
}

#[tokio::test]
async fn dry_run_reports_and_writes_nothing() {
    let world = World::empty(config()).await;
    let lines = "{\"kind\":\"realm\",\"realm\":\"main\",\"colour\":1}\n{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"a\"}";
    let report = import(&world, lines, ImportMode::DryRun).await.unwrap();
    assert_eq!((report.imported.realms, report.imported.users), (1, 1));
    assert_eq!(report.notes, [(1, "`colour` means nothing here".to_owned())]);
    assert!(world.engine.realms_by_slug().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_moves_out_with_secrets_moves_in_elsewhere() {
    let world = World::new().await;
    let mut lines = Vec::new();
    world.engine.export(&mut lines, true).await.unwrap();
    let elsewhere = World::empty(config()).await;
    elsewhere.import(std::str::from_utf8(&lines).unwrap()).await;
    for (door, who) in [(DoorKind::Zulip, "iago@zulip.com"), (DoorKind::Zettelstore, "iago")] {
        assert!(elsewhere.log_in(door, who, PASSWORD).await.is_ok());
    }
    let mut again = Vec::new();
    elsewhere.engine.export(&mut again, true).await.unwrap();
    let sorted = |lines: &[u8]| {
        let mut lines: Vec<String> = std::str::from_utf8(lines).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&lines), sorted(&again));
}

#[tokio::test]
async fn export_without_secrets_holds_none() {
    let world = World::new().await;
    let mut lines = Vec::new();
    world.engine.export(&mut lines, false).await.unwrap();
    let text = String::from_utf8(lines).unwrap();
    for secret in ["argon2", "pbkdf2", "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv", "JBSWY3DPEHPK3PXP", PASSWORD] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(text.lines().count(), 14);
}
