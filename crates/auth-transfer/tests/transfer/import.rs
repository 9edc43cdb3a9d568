//! Import and export.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use auth_core::{ImportMode, ProtocolName};
use auth_engine::testing::{PASSWORD, World, config};
use auth_transfer::{ImportError, ImportReport, Progress, export, import, unwatched};

use crate::world;

const NO_ADDRESS: &str = "`username` holds an @, but is not an address such as ada@example.org";

async fn import_as(world: &World, lines: &str, mode: ImportMode) -> Result<ImportReport, ImportError> {
    import(&world.engine, lines.as_bytes(), mode, &mut unwatched).await
}

#[tokio::test]
async fn every_bad_line_is_named_with_its_reason_and_nothing_is_written() {
    let world = world::empty(config()).await;
    let realm = r#"{"kind":"realm","realm":"main"}"#;
    for (line, reason) in [
        ("{", "not JSON"),
        ("[]", "not a JSON object with a text under `kind`"),
        ("{}", "`kind` is missing"),
        (r#"{"kind":"group"}"#, "`kind` is neither realm nor user"),
        (r#"{"kind":"user","username":"a"}"#, "`realm` is missing"),
        (r#"{"kind":"user","realm":"nowhere","username":"a"}"#, "no such realm before this line"),
        (r#"{"kind":"user","realm":"main"}"#, "`username` or `email` is missing"),
        (r#"{"kind":"user","realm":"main","username":" a"}"#, "`username` begins or ends with a space"),
        (
            r#"{"kind":"user","realm":"main","username":"a\u0000"}"#,
            "`username` holds U+0000, which can't be seen",
        ),
        (
            r#"{"kind":"user","realm":"main","username":"a\u200bda"}"#,
            "`username` holds U+200B, which can't be seen",
        ),
        (r#"{"kind":"user","realm":"main","username":"@ada"}"#, NO_ADDRESS),
        (
            r#"{"kind":"user","realm":"main","username":"a","email":"\u00adada@example.org"}"#,
            "`email` holds U+00AD, which can't be seen",
        ),
        (
            r#"{"kind":"user","realm":"main","email":"a"}"#,
            "`email` is not an address such as ada@example.org",
        ),
        (
            r#"{"kind":"user","realm":"main","email":"Ada L <ada@example.org>"}"#,
            "`email` is not an address such as ada@example.org",
        ),
        (r#"{"kind":"user","realm":"main","username":"a","email":""}"#, "`email` is empty"),
        (r#"{"kind":"user","realm":"main","username":"a","id":0}"#, "`id` is not positive"),
        (r#"{"kind":"user","realm":"main","username":"a","role":"king"}"#, "`role` is not one we know"),
        (r#"{"kind":"user","realm":"main","username":"a","bot":"x"}"#, "`bot` is not one we know"),
        (
            r#"{"kind":"user","realm":"main","username":"a","language":"tlh"}"#,
            "`language` is not one we know",
        ),
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
            r#"{"kind":"user","realm":"main","username":"a","password_hash":"$argon2id$v=19$m=262144,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA"}"#,
            "`password_hash`: a hash with m=262144 takes 256 MiB of memory, and the most for one is 128 MiB: raise \
             [passwords] memory_budget_mib",
        ),
        (
            r#"{"kind":"realm","realm":"No Slug"}"#,
            "`realm` is not 1 to 64 lower-case letters, digits, - or _",
        ),
        (
            r#"{"kind":"realm","realm":"b","backends":["ldap"]}"#,
            "`backends` names one that is not configured",
        ),
        (
            r#"{"kind":"user","realm":"main","username":"a","password":""}"#,
            "`password` is empty: leave it out for a user without a password",
        ),
        (
            r#"{"kind":"user","realm":"main","username":"a","password_hash":""}"#,
            "`password_hash`: the password hash has no known scheme",
        ),
    ] {
        let lines = format!("{realm}\n\n{line}\n{}", r#"{"kind":"user","realm":"main","username":"good"}"#);
        match import_as(&world, &lines, ImportMode::Write).await {
            Err(ImportError::Lines { named: bad, .. }) => assert_eq!(bad, [(3, reason.to_owned())], "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    assert!(world.store.realms().await.unwrap().is_empty());
}

#[tokio::test]
async fn conflicts_are_named_by_line() {
    let world = world::new().await;
    for (line, reason) in [
        (r#"{"kind":"user","realm":"main","username":"iago"}"#, "the user name is taken"),
        (r#"{"kind":"user","realm":"main","email":"iago@zulip.com"}"#, "the e-mail address is taken"),
        (r#"{"kind":"user","realm":"main","username":"x","id":1}"#, "the Zulip id is taken"),
    ] {
        let lines = format!("{}\n{line}", r#"{"kind":"user","realm":"main","username":"first"}"#);
        for mode in [ImportMode::DryRun, ImportMode::Write] {
            match import_as(&world, &lines, mode).await {
                Err(ImportError::Lines { named: bad, .. }) => assert_eq!(bad, [(2, reason.to_owned())]),
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(world.find("main", "first").await.is_none(), "nothing is written");
    }
}

#[tokio::test]
async fn dry_run_reports_and_writes_nothing() {
    let world = world::empty(config()).await;
    let lines = "{\"kind\":\"realm\",\"realm\":\"main\",\"colour\":1}\n{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"a\"}";
    let mut report = import_as(&world, lines, ImportMode::DryRun).await.unwrap();
    assert_eq!((report.imported.realms, report.imported.users), (1, 1));
    assert_eq!(report.notes.all().unwrap(), [(1, "`colour` means nothing here".to_owned())]);
    assert!(world.store.realms().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_moves_out_with_secrets_moves_in_elsewhere() {
    let world = world::new().await;
    let mut lines = Vec::new();
    export(&world.engine, &mut lines, true).await.unwrap();
    let elsewhere = world::empty(config()).await;
    world::import(&elsewhere, std::str::from_utf8(&lines).unwrap()).await;
    for (protocol, who) in [(ProtocolName::ZULIP, "iago@zulip.com"), (ProtocolName::ZETTELSTORE, "iago")] {
        assert!(elsewhere.log_in(protocol, who, PASSWORD).await.is_ok());
    }
    let mut again = Vec::new();
    export(&elsewhere.engine, &mut again, true).await.unwrap();
    let sorted = |lines: &[u8]| {
        let mut lines: Vec<String> = std::str::from_utf8(lines).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&lines), sorted(&again));
}

#[tokio::test]
async fn export_without_secrets_holds_none() {
    let world = world::new().await;
    let mut lines = Vec::new();
    export(&world.engine, &mut lines, false).await.unwrap();
    let text = String::from_utf8(lines).unwrap();
    for secret in ["argon2", "pbkdf2", "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv", "JBSWY3DPEHPK3PXP", PASSWORD] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(text.lines().count(), 14);
}

/// A realm and so many users, some of them with a password in clear.
fn many(users: u32) -> String {
    let user = |number| {
        let password = if number < 20 { r#","password":"correct-horse-battery-9876""# } else { "" };
        format!("{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"user{number}\"{password}}}\n")
    };
    format!("{{\"kind\":\"realm\",\"realm\":\"main\"}}\n{}", (0..users).map(user).collect::<String>())
}

#[tokio::test]
async fn progress_is_told_of_every_step_and_the_callback_may_end_each() {
    let world = world::empty(config()).await;
    let lines = many(2500);
    let mut told = Vec::new();
    let mut watch = |progress| {
        told.push(progress);
        ControlFlow::Continue(())
    };
    let report = import(&world.engine, lines.as_bytes(), ImportMode::DryRun, &mut watch).await.unwrap();
    assert_eq!((report.imported.realms, report.imported.users), (1, 2500));
    let bytes =
        |lines: &str, number| lines.split_inclusive('\n').take(number).map(str::len).sum::<usize>() as u64;
    let dry = [
        Progress::Checked { lines: 1000, bytes: bytes(&lines, 1000) },
        Progress::Checked { lines: 2000, bytes: bytes(&lines, 2000) },
        Progress::Written { records: 1000, of: 2501 },
        Progress::Written { records: 2000, of: 2501 },
    ];
    assert_eq!(told, dry);

    for end in [dry[1], Progress::Hashed { passwords: 10, of: 20 }, dry[3]] {
        let mut seen = false;
        let mut watch = |progress| {
            seen |= progress == end;
            if progress == end { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut watch).await {
            Err(ImportError::Stopped) => assert!(seen),
            other => panic!("{end:?}: {other:?}"),
        }
        assert!(world.store.realms().await.unwrap().is_empty(), "{end:?}: nothing is written");
    }
    import_as(&world, &lines, ImportMode::Write).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "user7", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_dropped_import_writes_nothing() {
    let world = world::empty(config()).await;
    let lines = many(2500);
    let given = AtomicU64::new(0);
    let mut watch = |progress| {
        if let Progress::Written { records, .. } = progress {
            given.store(records, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    };
    let in_the_midst = poll_fn(|_| match given.load(Ordering::Relaxed) {
        0 => Poll::Pending,
        _ => Poll::Ready(()),
    });
    tokio::select! {
        biased;
        ended = import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut watch) => panic!("{ended:?}"),
        () = in_the_midst => {}
    }
    assert!(world.store.realms().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_line_longer_than_a_mebibyte_is_bad_and_those_after_it_are_read() {
    let world = world::empty(config()).await;
    let long = format!("{{\"kind\":\"realm\",\"realm\":\"b\",\"icon\":\"{}\"}}", "x".repeat(3 << 20));
    let lines = format!("{{\"kind\":\"realm\",\"realm\":\"a\"}}\n{long}\n{{\"kind\":\"realm\"}}");
    match import_as(&world, &lines, ImportMode::Write).await {
        Err(ImportError::Lines { named: bad, .. }) => {
            let reasons: Vec<(u64, &str)> = bad.iter().map(|(line, why)| (*line, why.as_str())).collect();
            assert_eq!(reasons, [(2, "longer than a mebibyte"), (3, "`realm` is missing")]);
        }
        other => panic!("{other:?}"),
    }
}
