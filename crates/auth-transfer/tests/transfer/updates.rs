//! Imports that run again and again while their source is in use: on SQLite, PostgreSQL and the store in memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use auth_admin::{AccountChange, Accounts};
use auth_core::testing::MemoryStore;
use auth_core::{
    Act, AuditFilter, CredentialKind, ImportMode, LogPage, ManualClock, Password, ProtocolName, Role,
    SeededRng, Store,
};
use auth_engine::testing::{START, World, builder, config, ring};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use auth_transfer::{
    ImportError, Joining, Outcomes, Progress, RecordOutcome, UpdateReport, import_source, unwatched, update,
};
use test_postgres::Cluster;

const OLD: &str = "correct-horse-battery-9876";
const NEW: &str = "another-horse-battery-1234";

/// An empty world over each kind of store that keeps its records. Imports in one transaction read them from a thread that may
/// block, which the store in memory has not.
async fn kept_worlds() -> Vec<World> {
    let mut worlds = worlds().await;
    worlds.truncate(2);
    worlds
}

/// An empty world over each kind of store.
async fn worlds() -> Vec<World> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite: Arc<dyn Store> = Arc::new(Sqlite::open_disposable(&folder.path().join("auth.db")).unwrap());
    let cluster = Cluster::shared().unwrap();
    let address = PostgresConfig::new(cluster.database().unwrap());
    let postgres: Arc<dyn Store> =
        Arc::new(Postgres::open(&address, Arc::new(SeededRng::new(7))).await.unwrap());
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut worlds = Vec::new();
    for store in [sqlite, postgres, memory] {
        let clock = Arc::new(ManualClock::at(START));
        worlds.push(World::open(builder(&store, &clock, &ring(), config(), 2), clock).await);
    }
    worlds[0].kept.push(Box::new(folder));
    worlds
}

/// What was told of each record.
#[derive(Default)]
struct Heard(Vec<RecordOutcome>);

impl Outcomes for Heard {
    fn is_heard(&self) -> bool {
        true
    }

    fn hear(&mut self, outcome: &RecordOutcome) -> std::io::Result<()> {
        self.0.push(outcome.clone());
        Ok(())
    }
}

impl Heard {
    /// What became of each user, and what has changed.
    fn by_user(&self) -> BTreeMap<String, String> {
        let told = self.0.iter().filter_map(|told| {
            let changed = if told.changed.is_empty() {
                String::new()
            } else {
                format!(": {}", told.changed.join(", "))
            };
            Some((told.user.clone()?, format!("{}{changed}", told.outcome)))
        });
        told.collect()
    }
}

async fn run(world: &World, source: &str, lines: &str, mode: ImportMode) -> (UpdateReport, Heard) {
    let mut heard = Heard::default();
    let report =
        update(&world.engine, lines.as_bytes(), mode, source, None, &mut heard, &mut unwatched).await;
    (report.unwrap(), heard)
}

async fn join(world: &World, source: &str, lines: &str, mode: ImportMode) -> (UpdateReport, Heard) {
    let joining = Joining { believed: vec!["zulip".into(), "rocketchat".into()], roles: vec![Role::Member] };
    let mut heard = Heard::default();
    let report =
        update(&world.engine, lines.as_bytes(), mode, source, Some(&joining), &mut heard, &mut unwatched)
            .await;
    (report.unwrap(), heard)
}

/// A number that differs after any change of the store, where it has one. What the engine has queued is written before.
async fn counter(world: &World) -> Option<u64> {
    world.engine.purger().flush_attempts().await;
    world.engine.purger().write_uses().await.unwrap();
    let newest = LogPage::newest(1);
    world.store.attempts(&auth_core::AttemptFilter::default(), newest).await.unwrap();
    world.store.change_counter().await.unwrap()
}

/// The acts in the audit log of a user, and how many rows there are of all.
async fn acts(world: &World, name: &str) -> (Vec<Act>, usize) {
    let user = world.account(name).await.user.id;
    let rows = |filter: AuditFilter| async move {
        world.store.audit_rows(&filter, LogPage::oldest(999)).await.unwrap()
    };
    let own = rows(AuditFilter { user: Some(user), ..AuditFilter::default() }).await;
    (own.iter().map(|row| row.record.act).collect(), rows(AuditFilter::default()).await.len())
}

fn user(id: u32, name: &str, more: &str) -> String {
    format!(
        "{{\"kind\":\"user\",\"realm\":\"main\",\"id\":{id},\"username\":\"{name}\",\"email\":\"{name}@zulip.com\",\"email_verified\":true{more}}}\n"
    )
}

const REALM: &str = "{\"kind\":\"realm\",\"realm\":\"main\",\"subdomain\":\"\"}\n";

fn with_password(password: &str, more: &str) -> String {
    format!(",\"password\":\"{password}\"{more}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_as_it_was_writes_nothing_and_what_has_changed_is_followed() {
    for world in kept_worlds().await {
        let old = with_password(OLD, "");
        let names = ["iago", "hamlet", "cordelia", "othello"];
        let all = |lines: &[String]| format!("{REALM}{}", lines.concat());
        let first: Vec<String> = (1..).zip(names).map(|(id, name)| user(id, name, &old)).collect();
        import_source(
            &world.engine,
            all(&first).as_bytes(),
            ImportMode::Write,
            "zulip",
            &mut Heard::default(),
            &mut unwatched,
        )
        .await
        .unwrap();
        let before = (counter(&world).await, acts(&world, "iago").await.1);
        let (report, _) = run(&world, "zulip", &all(&first), ImportMode::Write).await;
        assert_eq!((report.unchanged, report.changed, report.imported.users), (4, 0, 0));
        let after = (counter(&world).await, acts(&world, "iago").await.1);
        assert_eq!(before, after, "nothing is written");

        // A new one, a new password, a name and a role, and one who left.
        world.log_in(ProtocolName::ROCKETCHAT, "iago", OLD).await.unwrap();
        world.log_in(ProtocolName::ROCKETCHAT, "cordelia", OLD).await.unwrap();
        let second = [
            user(1, "iago", &with_password(NEW, "")),
            user(2, "Hamlet2", &with_password(OLD, ",\"role\":\"moderator\",\"full_name\":\"Prince\"")),
            user(3, "cordelia", &with_password(OLD, ",\"active\":false")),
            user(5, "puck", &old),
        ];
        let expected = [
            ("Hamlet2", "changed: user_name, email, full_name, role"),
            ("cordelia", "changed: deactivated"),
            ("iago", "changed: password"),
            ("othello", "missing"),
            ("puck", "new"),
        ];
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(user, told)| ((*user).to_owned(), (*told).to_owned())).collect();
        let (mut dry, heard) = run(&world, "zulip", &all(&second), ImportMode::DryRun).await;
        assert_eq!(heard.by_user(), expected);
        let told: Vec<String> = dry.updates.all().unwrap().into_iter().map(|(_, text)| text).collect();
        let lines = [
            "user iago: password",
            "user Hamlet2: user_name, email, full_name, role",
            "user cordelia: deactivated",
            "user puck: new",
        ];
        assert_eq!(told, lines);
        assert_eq!(acts(&world, "iago").await.1, before.1, "a dry run writes nothing");
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", OLD).await.is_ok());

        let (mut report, heard) = run(&world, "zulip", &all(&second), ImportMode::Write).await;
        assert_eq!(heard.by_user(), expected);
        assert_eq!((report.changed, report.imported.users, report.unchanged), (3, 1, 0));
        assert_eq!(report.missing.all().unwrap().len(), 1);
        let iago = world.account("iago").await.user.id;
        let sessions = world.store.of_user(iago, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap();
        assert!(sessions.is_empty(), "a new password ends sessions");
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", OLD).await.is_err());
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", NEW).await.is_ok());
        let hamlet = world.account("Hamlet2").await.user;
        assert_eq!((hamlet.role, hamlet.full_name.as_str()), (Role::Moderator, "Prince"));
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "cordelia", OLD).await.is_err());
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "othello", OLD).await.is_ok(), "nobody is lost");
        assert_eq!(acts(&world, "iago").await.0, [Act::PasswordSet]);
        assert_eq!(acts(&world, "cordelia").await.0, [Act::Deactivated]);
        assert_eq!(acts(&world, "Hamlet2").await.0, [Act::ProfileUpdated]);
        assert_eq!(acts(&world, "puck").await.0, [Act::UserCreated]);

        // And the next night there is nothing to do.
        let before = (counter(&world).await, acts(&world, "iago").await.1);
        let (report, _) = run(&world, "zulip", &all(&second), ImportMode::Write).await;
        assert_eq!((report.unchanged, report.changed, report.imported.users), (4, 0, 0));
        assert_eq!((counter(&world).await, acts(&world, "iago").await.1), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_here_stays_unless_it_changes_at_the_source() {
    for world in worlds().await {
        let line = |more: &str| format!("{REALM}{}", user(1, "iago", more));
        run(&world, "zulip", &line(&with_password(OLD, "")), ImportMode::Write).await;
        let accounts = Accounts::new(&world.engine);
        let account = world.account("iago").await;
        accounts.set_password(&account, &Password::new(NEW), false).await.unwrap();
        let change = AccountChange { role: Some(Role::Admin), ..AccountChange::default() };
        accounts.change(&world.account("iago").await, &change).await.unwrap();

        // Another field of the source: the password and the role of here stay.
        let (report, heard) =
            run(&world, "zulip", &line(&with_password(OLD, ",\"full_name\":\"Iago\"")), ImportMode::Write)
                .await;
        assert_eq!((report.changed, heard.by_user()["iago"].as_str()), (1, "changed: full_name"));
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", NEW).await.is_ok());
        assert_eq!(world.account("iago").await.user.role, Role::Admin);

        // Deactivated here: the source, which says that the user is active, changes nothing.
        accounts.set_active(&world.account("iago").await, false).await.unwrap();
        let inactive = with_password(OLD, ",\"full_name\":\"Iago\",\"active\":false");
        run(&world, "zulip", &line(&inactive), ImportMode::Write).await;
        let active = with_password(OLD, ",\"full_name\":\"Iago\"");
        let (mut report, _) = run(&world, "zulip", &line(&active), ImportMode::Write).await;
        let notes = report.notes.all().unwrap();
        assert_eq!(notes[0].1, "user iago: stays deactivated: it was deactivated here");
        assert!(!world.account("iago").await.user.active);

        // Deactivated by the source, and activated by it again.
        accounts.set_active(&world.account("iago").await, true).await.unwrap();
        for (more, is_active) in [(&inactive, false), (&active, true)] {
            let (report, _) = run(&world, "zulip", &line(more), ImportMode::Write).await;
            assert_eq!((report.changed, world.account("iago").await.user.active), (1, is_active));
        }
        // Deactivated by the source, and by an operator as well.
        run(&world, "zulip", &line(&inactive), ImportMode::Write).await;
        accounts.set_active(&world.account("iago").await, false).await.unwrap();
        run(&world, "zulip", &line(&active), ImportMode::Write).await;
        assert!(!world.account("iago").await.user.active);

        // Who is deleted here does not come back.
        accounts.delete(&world.account("iago").await).await.unwrap();
        let renamed = with_password(OLD, ",\"full_name\":\"Iago again\"");
        let (report, _) = run(&world, "zulip", &line(&renamed), ImportMode::Write).await;
        assert_eq!((report.deleted, report.imported.users), (1, 0));
        assert!(world.find("main", "iago").await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_that_no_import_remembers_are_taken_over_as_they_are() {
    for world in kept_worlds().await {
        let lines = format!(
            "{REALM}{}{}",
            user(1, "iago", &with_password(OLD, ",\"role\":\"admin\"")),
            user(2, "hamlet", &with_password(OLD, ""))
        );
        auth_transfer::import(&world.engine, lines.as_bytes(), ImportMode::Write, &mut unwatched)
            .await
            .unwrap();
        let source = [
            user(1, "iago", &with_password(NEW, "")),
            user(2, "hamlet", &with_password(OLD, ",\"active\":false")),
            // Another person of the same name.
            user(7, "iago", ""),
        ];
        let (mut report, heard) =
            run(&world, "zulip", &format!("{REALM}{}", source.concat()), ImportMode::Write).await;
        assert_eq!((report.adopted, report.refused), (2, 1));
        assert_eq!(heard.by_user()["hamlet"], "adopted: deactivated");
        assert!(report.left_out.all().unwrap()[0].1.ends_with("is taken"));
        let iago = world.account("iago").await;
        assert_eq!(iago.user.role, Role::Admin);
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", OLD).await.is_ok());
        assert!(report.notes.all().unwrap()[0].1.contains("keeps what differs at the source"));
        // From now on the source is followed.
        let changed = user(1, "iago", &with_password(OLD, ",\"role\":\"guest\""));
        let (report, _) = run(&world, "zulip", &format!("{REALM}{changed}"), ImportMode::Write).await;
        assert_eq!((report.changed, world.account("iago").await.user.role), (1, Role::Guest));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_ends_in_the_middle_loses_nothing_and_the_next_one_goes_on() {
    const USERS: u32 = 2600;
    for world in worlds().await {
        let lines: Vec<String> = (1..=USERS).map(|id| user(id, &format!("user{id}"), "")).collect();
        let lines = format!("{REALM}{}", lines.concat());
        let mut stop = |progress: Progress| match progress {
            Progress::Checked { lines, .. } if lines >= 2000 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let mut heard = Heard::default();
        let stopped =
            update(&world.engine, lines.as_bytes(), ImportMode::Write, "zulip", None, &mut heard, &mut stop);
        assert!(matches!(stopped.await, Err(ImportError::Stopped)));
        let written = u64::try_from(heard.by_user().len()).unwrap();
        assert!((1000..2000).contains(&written), "{written}");
        let (report, _) = run(&world, "zulip", &lines, ImportMode::Write).await;
        assert_eq!((report.unchanged, report.imported.users), (written, u64::from(USERS) - written));
        let (report, _) = run(&world, "zulip", &lines, ImportMode::Write).await;
        assert_eq!((report.unchanged, report.imported.users, report.missing.len()), (u64::from(USERS), 0, 0));
    }
}

fn of_rocketchat(id: &str, name: &str, address: &str, more: &str) -> String {
    format!(
        "{{\"kind\":\"user\",\"realm\":\"main\",\"rocketchat_id\":\"{id}\",\"username\":\"{name}\",\"email\":\"{address}\",\"email_verified\":true{more}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_person_of_two_sources_becomes_one_account() {
    for world in worlds().await {
        let zulip = [
            user(1, "iago", &with_password(OLD, "")),
            user(2, "hamlet", &with_password(OLD, "")),
            user(3, "boss", &with_password(OLD, ",\"role\":\"admin\"")),
            user(4, "gone", &with_password(OLD, ",\"active\":false")),
        ];
        run(&world, "zulip", &format!("{REALM}{}", zulip.concat()), ImportMode::Write).await;
        world.log_in(ProtocolName::ROCKETCHAT, "hamlet", OLD).await.unwrap();
        let token = r#","rocketchat_tokens":[{"digest":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}]"#;
        let chat = [
            of_rocketchat("chat1", "iago.chat", "Iago@zulip.com", &with_password(NEW, token)),
            of_rocketchat("chat2", "hamlet.chat", "hamlet@zulip.com", &with_password(NEW, "")),
            of_rocketchat("chat3", "boss.chat", "boss@zulip.com", ""),
            of_rocketchat("chat4", "gone.chat", "gone@zulip.com", ""),
            of_rocketchat("chat5", "puck", "puck@zulip.com", &with_password(NEW, "")),
        ]
        .concat();
        let (_, heard) = run(&world, "rocketchat", &chat, ImportMode::DryRun).await;
        assert!(heard.by_user().values().all(|told| !told.starts_with("joined")), "off by default");

        let (mut dry, _) = join(&world, "rocketchat", &chat, ImportMode::DryRun).await;
        let pairs: Vec<String> = dry.updates.all().unwrap().into_iter().map(|(_, text)| text).collect();
        let expected = ["user iago.chat: joined with the account that has its address", "user puck: new"];
        assert_eq!(pairs, expected);
        let (mut report, heard) = join(&world, "rocketchat", &chat, ImportMode::Write).await;
        assert_eq!((report.joined, report.imported.users, report.refused), (1, 1, 3));
        assert_eq!(heard.by_user()["iago.chat"], "joined: joined");
        let refusals: Vec<String> = report.left_out.all().unwrap().into_iter().map(|(_, why)| why).collect();
        assert!(refusals[0].ends_with("a rocketchat id of its own"), "{refusals:?}");
        assert!(refusals[1].ends_with("one of the two has the role admin"), "{refusals:?}");
        assert!(refusals[2].ends_with("one of the two is deactivated"), "{refusals:?}");

        let iago = world.account("iago").await;
        assert_eq!(world.account("iago.chat").await.user.id, iago.user.id, "both names");
        assert_eq!(iago.user.external_text(ProtocolName::ROCKETCHAT), "chat1");
        assert_eq!(iago.user.external_number(ProtocolName::ZULIP), 1);
        assert!(
            world.log_in(ProtocolName::ROCKETCHAT, "iago.chat", OLD).await.is_ok(),
            "one password remains"
        );
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago.chat", NEW).await.is_err());
        let tokens = world.store.of_user(iago.user.id, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap();
        assert_eq!(tokens.len(), 2, "the token of the source, and that of the login");

        // Both sources can be followed, and the second one changes neither password nor role.
        let (report, _) =
            run(&world, "zulip", &format!("{REALM}{}", zulip.concat()), ImportMode::Write).await;
        assert_eq!((report.unchanged, report.changed), (4, 0));
        let changed = of_rocketchat("chat1", "iago.chat", "iago@zulip.com", ",\"role\":\"admin\"");
        join(&world, "rocketchat", &changed, ImportMode::Write).await;
        let iago = world.account("iago").await;
        assert_eq!(iago.user.role, Role::Member);
        assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", OLD).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_joined_by_an_address_that_is_not_believed() {
    for world in worlds().await {
        let unverified =
            r#"{"kind":"user","realm":"main","id":2,"username":"hamlet","email":"hamlet@zulip.com"}"#;
        let zulip = format!("{REALM}{}{unverified}\n", user(1, "iago", &with_password(OLD, "")));
        run(&world, "elsewhere", &zulip, ImportMode::Write).await;
        let chat = of_rocketchat("chat1", "iago.chat", "iago@zulip.com", "");
        let (mut report, _) = join(&world, "rocketchat", &chat, ImportMode::Write).await;
        let why = report.left_out.all().unwrap();
        assert!(why[0].1.contains("elsewhere, which is not believed"), "{why:?}");
        let (mut report, _) = join(&world, "other", &chat, ImportMode::Write).await;
        assert!(report.left_out.all().unwrap()[0].1.contains("not believed"));
        assert_eq!(
            world.account("iago").await.user.name(auth_core::NameKind::UserName).unwrap().exact,
            "iago"
        );
        assert!(world.find("main", "iago.chat").await.is_none());
    }
}
