//! Realms that exist: what a line changes of them; and those that can't be taken.

use std::io::{BufReader, Read};
use std::sync::Arc;

use auth_core::{ImportMode, NewRecord, OnConflict, Realm, RealmChange, Store, StrengthRule};
use auth_engine::testing::{World, config};
use auth_transfer::{
    ImportError, ImportOptions, ImportReport, UserNames, convert_zulip, export, import, unwatched,
};
use serde_json::{Value, json};

use crate::world;

async fn import_lines(
    world: &World,
    lines: &str,
    mode: ImportMode,
    skip_bad: bool,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions { mode, wrap: false, skip_bad };
    import(&world.engine, lines.as_bytes(), options, &mut unwatched).await
}

/// A world with a realm of which nothing is as in a new one.
async fn of_one_realm() -> (World, Realm) {
    let world = world::empty(config()).await;
    let line = json!({
        "kind": "realm", "realm": "main", "subdomain": "chat", "name": "Main", "icon": "/icon.png",
        "description": "<p>Ours</p>", "active": false, "password_login": false, "digest_logins": true,
        "min_length": 9, "min_guesses": 1000, "backends": ["local"],
    });
    world::import(&world, &line.to_string()).await;
    let realm = the_realm(&world).await;
    (world, realm)
}

async fn the_realm(world: &World) -> Realm {
    let realms = world.store.realms().await.unwrap();
    let [realm] = <[Realm; 1]>::try_from(realms).unwrap();
    realm
}

#[tokio::test]
async fn a_realm_line_changes_what_it_names_and_leaves_the_rest() {
    let strength = |min_length, min_guesses| Some(StrengthRule { min_length, min_guesses });
    type Change = fn(&mut Realm);
    let cases: [(Value, Change, &[&str]); 12] = [
        (json!({}), |_| {}, &[]),
        (json!({"name": "Main"}), |_| {}, &[]),
        (json!({"name": "Other"}), |realm| realm.name = "Other".into(), &[r#"name: "Main" → "Other""#]),
        (
            json!({"subdomain": ""}),
            |realm| realm.subdomain = Some(String::new()),
            &[r#"subdomain: "chat" → """#],
        ),
        (json!({"subdomain": null}), |realm| realm.subdomain = None, &[r#"subdomain: "chat" → null"#]),
        (json!({"backends": []}), |realm| realm.backends.clear(), &[r#"backends: ["local"] → []"#]),
        (
            json!({"icon": "", "active": true}),
            |realm| (realm.icon, realm.active) = (String::new(), true),
            &["active: false → true", r#"icon: "/icon.png" → """#],
        ),
        (
            json!({"password_login": true}),
            |realm| realm.password_login = true,
            &["password_login: false → true"],
        ),
        (
            json!({"digest_logins": false}),
            |realm| realm.digest_logins = false,
            &["digest_logins: true → false"],
        ),
        (
            json!({"min_length": 12}),
            |realm| realm.strength.as_mut().unwrap().min_length = 12,
            &["min_length: 9 → 12"],
        ),
        (
            json!({"min_length": null}),
            |realm| realm.strength.as_mut().unwrap().min_length = 1,
            &["min_length: 9 → 1"],
        ),
        (
            json!({"min_length": null, "min_guesses": null}),
            |realm| realm.strength = None,
            &["min_guesses: 1000 → null", "min_length: 9 → null"],
        ),
    ];
    for (mut line, change, changes) in cases {
        let (world, mut expected) = of_one_realm().await;
        assert_eq!((expected.subdomain.as_deref(), expected.strength), (Some("chat"), strength(9, 1000)));
        line["kind"] = "realm".into();
        line["realm"] = "main".into();
        for mode in [ImportMode::DryRun, ImportMode::Write] {
            let mut report = import_lines(&world, &format!("\n{line}"), mode, false).await.unwrap();
            let mut told = report.changes.all().unwrap();
            told.sort_unstable();
            assert_eq!(
                told,
                changes.iter().map(|change| (2, format!("realm main: {change}"))).collect::<Vec<_>>(),
                "{line} {mode:?}"
            );
            let now = the_realm(&world).await;
            if mode == ImportMode::Write {
                change(&mut expected);
            }
            assert_eq!(now, expected, "{line} {mode:?}");
        }
    }
}

#[tokio::test]
async fn an_export_names_everything_of_its_realms() {
    let (world, realm) = of_one_realm().await;
    let mut lines = Vec::new();
    export(&world.engine, &mut lines, false).await.unwrap();
    let plain = r#"{"kind":"realm","realm":"main","subdomain":null,"name":"x","icon":"x","description":"","active":true,"password_login":true,"digest_logins":false,"min_length":null,"min_guesses":null,"backends":[]}"#;
    world::import(&world, plain).await;
    assert_ne!(the_realm(&world).await, realm);
    world::import(&world, std::str::from_utf8(&lines).unwrap()).await;
    assert_eq!(the_realm(&world).await, realm);
}

/// Lines after which somebody else changes a realm: before the import writes, and after it has read the realms.
struct Interrupted<'a> {
    lines: &'a [u8],
    change: Option<(Arc<dyn Store>, RealmChange)>,
}

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.lines.is_empty()
            && let Some((store, change)) = self.change.take()
        {
            let run = move || {
                let records = Box::new(std::iter::once(Some(NewRecord::Realm(change))));
                let done =
                    store.import(records, ImportMode::Write, OnConflict::Refuse, Box::new(|_, _| ()), None);
                tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(done).unwrap();
            };
            std::thread::spawn(run).join().unwrap();
        }
        self.lines.read(buffer)
    }
}

#[tokio::test]
async fn what_changes_of_a_realm_while_an_import_reads_its_lines_stays() {
    let (world, before) = of_one_realm().await;
    let change = RealmChange {
        active: Some(true),
        backends: Some(Vec::new()),
        min_guesses: Some(Some(7)),
        ..RealmChange::new(before.id, "main")
    };
    let line = br#"{"kind":"realm","realm":"main","name":"Other","min_length":12,"active":true}"#;
    let lines = Interrupted { lines: line, change: Some((Arc::clone(&world.store), change)) };
    let mut report =
        import(&world.engine, BufReader::new(lines), ImportMode::Write, &mut unwatched).await.unwrap();
    let strength = Some(StrengthRule { min_length: 12, min_guesses: 7 });
    let expected = Realm { name: "Other".into(), active: true, backends: Vec::new(), strength, ..before };
    assert_eq!(the_realm(&world).await, expected);
    let mut told = report.changes.all().unwrap();
    told.sort_unstable();
    let changes = ["realm main: min_length: 9 → 12", r#"realm main: name: "Main" → "Other""#];
    assert_eq!(told, changes.map(|change| (1, change.to_owned())), "what was active already is no change");
}

#[tokio::test]
async fn a_change_that_is_left_out_is_not_told_as_one() {
    let world = world::new().await;
    let lines = r#"{"kind":"realm","realm":"main","subdomain":"other"}
{"kind":"realm","realm":"other","name":"Another name"}"#;
    let mut report = import_lines(&world, lines, ImportMode::DryRun, true).await.unwrap();
    assert_eq!(report.left_out.all().unwrap(), [(1, "the realm's subdomain is taken".to_owned())]);
    let changes = report.changes.all().unwrap();
    assert_eq!(changes.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_wrong_realm_line_is_told_once_with_the_number_of_its_users() {
    let world = world::empty(config()).await;
    let user = |number| format!("{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"user{number}\"}}\n");
    let users: String = (0..3000).map(user).collect();
    for (realm, reason) in [
        (
            r#"{"kind":"realm","realm":"main","backends":["ldap"]}"#,
            "`backends` names one that is not configured",
        ),
        (r#"{"kind":"realm","realm":"main","active":"yes"}"#, "a value of the wrong type, near column 45"),
        (r#"{"kind":"realm","realm":"Main"}"#, "`realm` is not 1 to 64 lower-case letters, digits, - or _"),
    ] {
        let lines = format!("{realm}\n{users}");
        let expected = [
            (1, reason.to_owned()),
            (2, "no such realm before this line: none of its 3000 users can be imported".to_owned()),
        ];
        match import_lines(&world, &lines, ImportMode::Write, false).await {
            Err(ImportError::Lines { named, more: 0 }) => assert_eq!(named, expected),
            other => panic!("{other:?}"),
        }
        let mut report = import_lines(&world, &lines, ImportMode::Write, true).await.unwrap();
        assert_eq!((report.left_out.records(), report.left_out.all().unwrap()), (3001, expected.to_vec()));
        assert!(world.store.realms().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn of_many_bad_lines_a_hundred_are_named_and_the_others_counted() {
    let world = world::empty(config()).await;
    let lines = "{\n".repeat(250);
    match import_lines(&world, &lines, ImportMode::Write, false).await {
        Err(ImportError::Lines { named, more }) => assert_eq!((named.len(), more), (100, 150)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn users_of_a_zulip_realm_that_can_not_be_taken_are_told_once() {
    let mut users =
        "id,delivery_email,full_name,password,api_key,role,is_active,is_bot,bot_type,date_joined,realm_id\n"
            .to_owned();
    for id in 1..=300 {
        users += &format!("{id},user{id}@example.org,User,!x,,400,t,f,,2023-01-01 00:00:00+00,7\n");
    }
    let realms = "id,string_id,name,deactivated\n2,,Main,f\n";
    let mut converted = convert_zulip(realms.as_bytes(), users.as_bytes(), "main", UserNames::None).unwrap();
    let reason = "its realm can't be taken: none of its 300 users can be imported".to_owned();
    assert_eq!(converted.bad.records(), 300);
    assert_eq!(converted.bad.all().unwrap(), [("user 1 (user1@example.org)".to_owned(), reason)]);
}

#[tokio::test]
async fn conflicts_are_left_out_however_many_there_are() {
    let world = world::new().await;
    let mut lines = String::new();
    for number in 0..2500 {
        lines += &format!(
            "{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"iago\",\"full_name\":\"{number}\"}}\n"
        );
    }
    lines += "{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"last\"}";
    for mode in [ImportMode::DryRun, ImportMode::Write] {
        let mut report = import_lines(&world, &lines, mode, true).await.unwrap();
        assert_eq!((report.imported.users, report.left_out.records()), (1, 2500));
        let left_out = report.left_out.all().unwrap();
        assert_eq!(left_out.first(), Some(&(1, "the user name is taken".to_owned())));
        assert_eq!(left_out.last(), Some(&(2500, "the user name is taken".to_owned())));
    }
    assert!(world.find("main", "last").await.is_some());
}
