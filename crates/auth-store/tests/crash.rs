//! Kills a process in the middle of its writes, again and again: every write that it acknowledged is in the store.
//!
//! The program starts itself as the process that it kills: called with `--write FILE ROUND` it writes until it is killed,
//! and prints each write that is acknowledged. `AUTH_STORE_KILLS` sets the number of kills.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test without the harness")]

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use auth_core::{
    ByProtocol, Credential, CredentialId, CredentialKind, CredentialStore, ImportMode, NewRecord, NewUser,
    OnConflict, Realm, RealmId, Role, Scope, Timestamp, User, UserId, UserStore,
};
use auth_store::Sqlite;

const USER: UserId = UserId::from_bytes([1; 16]);

const TASKS: u32 = 16;

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    if let [_, flag, file, round] = arguments.as_slice()
        && flag == "--write"
    {
        runtime.block_on(write_until_killed(&PathBuf::from(file), round.parse().unwrap()));
    } else {
        runtime.block_on(loses_nothing_acknowledged());
    }
}

async fn loses_nothing_acknowledged() {
    #[expect(clippy::disallowed_methods, reason = "a setting of this test alone")]
    let kills = env::var("AUTH_STORE_KILLS").map_or(6, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    prepare(&file).await;

    let mut acknowledged = BTreeSet::new();
    for round in 0..kills {
        // Each time after another number of writes: early, while the file is opened, and later, in the midst of commits.
        let lines = round * 97 % 500;
        let before = acknowledged.len();
        acknowledged.extend(kill_after(&file, round, lines));
        assert!(acknowledged.len() >= before + lines, "round {round}");

        let store = Sqlite::open(&file).expect("a store that opens");
        assert_eq!(store.integrity_check().await, Ok(vec![]));
        let kept = store.of_user(USER, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap();
        let kept: BTreeSet<String> = kept.iter().map(|credential| credential.id.to_string()).collect();
        let lost: Vec<_> = acknowledged.difference(&kept).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
    }
}

/// Starts a writer, kills it (SIGKILL) once it has acknowledged so many writes, and returns all that it acknowledged.
fn kill_after(file: &Path, round: usize, lines: usize) -> Vec<String> {
    let mut writer: Child = Command::new(env::current_exe().unwrap())
        .args([Path::new("--write"), file, Path::new(&round.to_string())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut acknowledged: Vec<String> = output.by_ref().take(lines).map(Result::unwrap).collect();
    writer.kill().unwrap();
    writer.wait().unwrap();
    // Lines that it still printed; the last may be cut.
    acknowledged.extend(output.map(Result::unwrap).filter(|line| line.len() == 32));
    acknowledged
}

async fn write_until_killed(file: &Path, round: u32) {
    let store = Arc::new(Sqlite::open(file).unwrap());
    let writers = (0..TASKS).map(|task| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0.. {
                let token = token(round, task, number);
                assert!(store.add(&token, u32::MAX, None).await.unwrap());
                writeln!(std::io::stdout().lock(), "{}", token.id).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

fn token(round: u32, task: u32, number: u32) -> Credential {
    let id = u128::from(round) << 64 | u128::from(task) << 32 | u128::from(number);
    Credential {
        id: CredentialId::from_bytes(id.to_be_bytes()),
        user: USER,
        kind: CredentialKind::ROCKETCHAT_TOKEN,
        parent: None,
        digest: None,
        sealed: None,
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: Timestamp::from_millis(i64::from(number)),
        expires: None,
        last_used: None,
        counter: 0,
    }
}

async fn prepare(file: &Path) {
    let realm = Realm::new(RealmId::from_bytes([0; 16]), "main");
    let user = User {
        id: USER,
        realm: realm.id,
        names: vec![],
        full_name: String::new(),
        role: Role::Member,
        bot: None,
        bot_owner: None,
        active: true,
        joined: Timestamp::default(),
        valid_from: Timestamp::default(),
        email_second_factor: false,
        must_change_password: false,
        language: None,
        external_ids: ByProtocol::new(),
        external_roles: ByProtocol::new(),
        version: 0,
    };
    let new = NewUser { user, assign_ids: vec![], password: None, credentials: vec![] };
    let records = [NewRecord::from(realm), NewRecord::User(Box::new(new))].map(Some);
    let store = Sqlite::open(file).unwrap();
    store
        .import(
            Box::new(records.into_iter()),
            ImportMode::Write,
            OnConflict::Refuse,
            Box::new(|_, _| ()),
            None,
        )
        .await
        .expect("good records");
}
