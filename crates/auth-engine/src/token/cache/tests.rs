use auth_core::{
    CredentialId, CredentialKind, ExternalIds, ImportMode, ManualClock, NewRecord, NewUser, Realm,
    Revocation, Role, Scope, SeededRng, Store, User,
};
use auth_crypto::argon2::Params;
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_store::{Postgres, PostgresOptions, Sqlite};
use test_postgres::Cluster;

use super::*;

const KEY: Key = Key::Zulip([1; 32]);
const USER: UserId = UserId::from_bytes([7; 16]);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

fn known(version: u64) -> Arc<Known> {
    Arc::new(Known { user: Arc::new(user(version)), has_password: true, totp: false, credential: None })
}

fn user(version: u64) -> User {
    let protocols = ExternalIds {
        zulip: 1,
        rocketchat: String::new(),
        rocketchat_roles: None,
        zettelstore: 1,
        zettelstore_role: None,
    };
    User {
        id: USER,
        realm: RealmId::from_bytes([0; 16]),
        names: Vec::new(),
        full_name: String::new(),
        role: Role::Member,
        bot: None,
        active: true,
        joined: at(0),
        valid_from: at(0),
        email_second_factor: false,
        must_change_password: false,
        protocols,
        version,
    }
}

/// Compared with the store at the beginning.
fn compared() -> KnownCredentials {
    let all = KnownCredentials::new(10);
    all.compared.store(at(0).as_millis(), Ordering::Release);
    all
}

fn is_known(all: &KnownCredentials, millis: i64) -> bool {
    all.get(&KEY, at(millis), FRESH).is_some()
}

#[test]
fn nothing_is_known_before_a_comparison_or_a_second_after_it() {
    let all = KnownCredentials::new(10);
    all.keep(all.moment(at(0)), at(0), KEY, &known(1));
    assert!(!is_known(&all, 0));
    all.compared.store(at(0).as_millis(), Ordering::Release);
    assert!(is_known(&all, 0));
    assert!(is_known(&all, 999));
    assert!(!is_known(&all, 1000));
    assert!(!is_known(&all, -1), "a clock that was set back");
}

#[test]
fn a_change_between_reading_and_keeping_is_not_lost() {
    let all = compared();
    let moment = all.moment(at(0));
    all.changed(USER);
    all.keep(moment, at(1), KEY, &known(1));
    assert!(!is_known(&all, 1));
    all.keep(all.moment(at(2)), at(2), KEY, &known(2));
    assert!(is_known(&all, 2));
    all.changed(UserId::from_bytes([8; 16]));
    assert!(is_known(&all, 2), "somebody else has changed");
    all.changed(USER);
    assert!(!is_known(&all, 2));
}

#[test]
fn what_is_too_far_back_to_be_judged_is_not_kept() {
    let all = compared();
    let moment = all.moment(at(0));
    for other in 0..u128::try_from(REMEMBERED).unwrap() {
        all.changed(UserId::from_bytes((other << 8).to_be_bytes()));
    }
    all.keep(moment, at(1), KEY, &known(1));
    assert!(is_known(&all, 1), "all changes are remembered, and none was this user's");
    all.changed(USER);
    all.changed(UserId::from_bytes([8; 16]));
    all.keep(moment, at(1), KEY, &known(1));
    assert!(!is_known(&all, 1));
}

#[test]
fn what_took_long_to_read_is_not_kept() {
    let all = compared();
    let moment = all.moment(at(0));
    all.keep(moment, at(251), KEY, &known(1));
    assert!(!is_known(&all, 251));
    all.keep(moment, at(250), KEY, &known(1));
    assert!(is_known(&all, 250));
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    let all = compared();
    let moment = all.moment(at(0));
    all.keep(moment, at(0), Key::RocketChat([2; 32]), &known(5));
    all.keep(moment, at(0), KEY, &known(4));
    assert!(!is_known(&all, 0));
    all.keep(moment, at(0), KEY, &known(5));
    assert!(is_known(&all, 0));
    all.keep(moment, at(0), Key::RocketChat([2; 32]), &known(6));
    assert!(!is_known(&all, 0), "the entry is of a version that is none any more");
}

#[test]
fn memory_is_bounded() {
    let all = compared();
    for number in 0..1000_u64 {
        all.keep(all.moment(at(0)), at(0), Key::Zettelstore(RealmId::from_bytes([0; 16]), number), &known(1));
    }
    assert!(all.entries.len() <= 10);
    assert!(all.changes().users.len() <= REMEMBERED);
}

const TOKEN: CredentialId = CredentialId::from_bytes([3; 16]);

/// One server of two, at a store that both have open.
struct Server {
    engine: Engine,
    store: Arc<dyn Store>,
    other: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl Server {
    async fn new(store: Arc<dyn Store>, other: Arc<dyn Store>) -> Self {
        let realm = Realm::new(RealmId::from_bytes([0; 16]), "main");
        let token = Credential {
            id: TOKEN,
            user: USER,
            kind: CredentialKind::RocketChatToken,
            digest: Some(auth_core::Digest::new([1; 32])),
            sealed: None,
            scope: Scope::default(),
            label: None,
            created: at(0),
            expires: None,
            last_used: None,
            counter: 0,
        };
        let new = NewUser {
            user: user(0),
            assign_zulip_id: false,
            assign_zettelstore_id: false,
            password: None,
            credentials: vec![token],
        };
        let records = [NewRecord::Realm(realm), NewRecord::User(Box::new(new))].map(Some);
        store.import(Box::new(records.into_iter()), ImportMode::Write).await.unwrap();

        let rng = Arc::new(SeededRng::new(8));
        let clock = Arc::new(ManualClock::at(at(0)));
        let pool = PoolConfig {
            workers: 1,
            queue: 1,
            interleave: 1,
            memory_kib: 64,
            deadline: Duration::from_secs(10),
        };
        let mut config = crate::Config {
            passwords: crate::PasswordConfig {
                params: Params::new(64, 1, 1).unwrap(),
                strength: auth_core::StrengthRule { min_length: 8, min_guesses: 1 },
                failure_grid: crate::FailureGrid::Off,
            },
            limits: None,
            max_waiting: 1,
            known_credentials: 100,
            outage: Duration::ZERO,
            allow_password_only_with_2fa: false,
            revoke_on_password_change: true,
            log_names: false,
            directories: std::collections::BTreeMap::new(),
            zulip: crate::ZulipRules::default(),
            rocketchat: crate::RocketChatRules::default(),
            zettelstore: crate::ZettelstoreRules { token_lifetime: FRESH, login_delay: Duration::ZERO },
        };
        config.rocketchat.api_limit = None;
        let parts = crate::Parts {
            store: Arc::clone(&store),
            backends: Vec::new(),
            pool: Arc::new(HashingPool::new(pool, Arc::clone(&rng) as _, Arc::clone(&clock) as _).unwrap()),
            ring: Arc::new(KeyRing::generate(&*rng)),
            clock: Arc::clone(&clock) as _,
            rng,
            config,
        };
        let server = Self { engine: Engine::open(parts).await.unwrap(), store, other, clock };
        server.engine.compare().await.unwrap();
        server
    }

    /// Presents the token. What happens `meanwhile` happens after the store was read; tells whether it was good, and
    /// whether the store was read.
    async fn present(&self, meanwhile: impl Future<Output = ()> + Send) -> (bool, bool) {
        let mut read = false;
        let look = async {
            let digest = auth_core::Digest::new([1; 32]);
            let found = self.store.by_digest(CredentialKind::RocketChatToken, &digest).await?;
            read = true;
            meanwhile.await;
            Ok(found.map(Known::from))
        };
        let good = self.engine.known(KEY, look).await.unwrap().is_some();
        (good, read)
    }
}

const GOOD: bool = true;
const READ: bool = true;

/// Both stores, each opened by two servers; the one in PostgreSQL without notifications, so that nothing is seen but
/// by comparing.
async fn both(folder: &tempfile::TempDir) -> [Server; 2] {
    let path = folder.path().join("store.db");
    let sqlite = [Sqlite::open(&path).unwrap(), Sqlite::open(&path).unwrap()].map(Arc::new);
    let url = Cluster::shared().unwrap().database().unwrap();
    let options = PostgresOptions { notifications: false, ..PostgresOptions::new(url) };
    let open = || async { Arc::new(Postgres::open(&options, Arc::new(SeededRng::new(1))).await.unwrap()) };
    let postgres = [open().await, open().await];
    let [(one, two), (three, four)] =
        [sqlite.map(|s| s as Arc<dyn Store>), postgres.map(|s| s as _)].map(|[a, b]| (a, b));
    [Server::new(one, two).await, Server::new(three, four).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        assert_eq!(server.present(async {}).await, (GOOD, READ));
        assert_eq!(server.present(async {}).await, (GOOD, !READ));
        server.clock.advance(Duration::from_millis(900));
        server.engine.compare().await.unwrap();
        server.clock.advance(Duration::from_millis(900));
        assert_eq!(server.present(async {}).await, (GOOD, !READ), "compared and found unchanged");
        server.clock.advance(Duration::from_millis(100));
        assert_eq!(server.present(async {}).await, (GOOD, READ), "not compared for a second");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_here_between_reading_and_keeping_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        let revoke = async { assert!(server.store.remove(TOKEN).await.unwrap()) };
        assert_eq!(server.present(revoke).await, (GOOD, READ), "it was good when it was read");
        assert_eq!(server.present(async {}).await, (!GOOD, READ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_elsewhere_between_reading_and_keeping_is_refused_after_the_next_comparison() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        let revoke = async {
            let ends = Revocation { valid_from: None, kinds: &[] };
            assert!(server.other.set_active(USER, false, &ends).await.unwrap());
            // A comparison that comes before what was read is kept doesn't see it.
            server.engine.compare().await.unwrap();
        };
        assert_eq!(server.present(revoke).await, (GOOD, READ));
        server.clock.advance(Duration::from_millis(500));
        server.engine.compare().await.unwrap();
        let mut read = false;
        let look = async {
            read = true;
            Ok(None)
        };
        assert!(server.engine.known(KEY, look).await.unwrap().is_none() && read);
    }
}
