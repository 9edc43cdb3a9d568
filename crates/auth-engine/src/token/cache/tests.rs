use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{
    CredentialId, CredentialKind, Digest, ImportMode, ManualClock, NewRecord, NewUser, OnConflict,
    Revocation, Scope, SeededRng,
};
use auth_crypto::zettel_token::TokenKind;
use auth_store::{Postgres, PostgresConfig, Sqlite};
use test_postgres::Cluster;

use super::*;

const KEY: Key = [1; 32];
const OTHER_KEY: Key = [2; 32];
const USER: UserId = UserId::from_bytes([7; 16]);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

fn user(version: u64) -> User {
    User { id: USER, version, ..UserBuilder::new("iago").build() }
}

/// The credential that the store has.
fn stored() -> Credential {
    Credential {
        id: TOKEN,
        user: USER,
        kind: CredentialKind::ROCKETCHAT_TOKEN,
        parent: None,
        digest: Some(Digest::new([1; 32])),
        sealed: None,
        clear_only: false,
        scope: Scope::default(),
        label: None,
        origin: None,
        created: at(0),
        expires: None,
        last_used: None,
        counter: 0,
    }
}

fn holder(version: u64) -> Arc<Holder> {
    holder_of(user(version))
}

fn holder_of(user: User) -> Arc<Holder> {
    Arc::new(Holder {
        user: Arc::new(user),
        has_password: true,
        totp: false,
        credential: stored(),
        noted: AtomicI64::default(),
        used: AtomicI64::default(),
        signed: OnceLock::new(),
    })
}

/// A cache over a store that these tests never read.
fn empty() -> CredentialCache {
    let store = Arc::new(MemoryStore::new());
    CredentialCache::new(store, Arc::new(ManualClock::at(at(0))), Duration::ZERO, 10)
}

/// A cache that was compared with the store at the beginning.
fn compared() -> CredentialCache {
    let cache = empty();
    cache.compared.store(at(0).as_millis(), Ordering::Release);
    cache
}

fn is_cached(cache: &CredentialCache, millis: i64) -> bool {
    cache.get(&KEY, at(millis), FRESH).is_some()
}

#[test]
fn nothing_is_cached_before_a_comparison_or_a_second_after_it() {
    let cache = empty();
    cache.add(cache.read_stamp(at(0)), at(0), KEY, &holder(1));
    assert!(!is_cached(&cache, 0));
    cache.compared.store(at(0).as_millis(), Ordering::Release);
    assert!(is_cached(&cache, 0));
    assert!(is_cached(&cache, 999));
    assert!(!is_cached(&cache, 1000));
    assert!(!is_cached(&cache, -1), "a clock that was set back");
}

#[tokio::test]
async fn a_clock_that_was_set_back_by_days_empties_the_cache_until_the_next_comparison() {
    let clock = Arc::new(ManualClock::at(at(0)));
    let cache =
        CredentialCache::new(Arc::new(MemoryStore::new()), Arc::clone(&clock) as _, Duration::ZERO, 10);
    for _ in 0..2 {
        let now = clock.now();
        let is_cached = || cache.get(&KEY, now, FRESH).is_some();
        assert!(!is_cached(), "nobody knows how long ago the last comparison was");
        cache.compare().await.unwrap();
        cache.add(cache.read_stamp(now), now, KEY, &holder(1));
        assert!(is_cached());
        clock.set_back(Duration::from_secs(5 * 86_400));
    }
    assert!(cache.get(&KEY, clock.now(), FRESH).is_none());
}

#[test]
fn a_change_between_reading_and_adding_is_not_lost() {
    let cache = compared();
    let stamp = cache.read_stamp(at(0));
    cache.changed(USER);
    cache.add(stamp, at(1), KEY, &holder(1));
    assert!(!is_cached(&cache, 1));
    cache.add(cache.read_stamp(at(2)), at(2), KEY, &holder(2));
    assert!(is_cached(&cache, 2));
    cache.changed(UserId::from_bytes([8; 16]));
    assert!(is_cached(&cache, 2), "somebody else has changed");
    cache.changed(USER);
    assert!(!is_cached(&cache, 2));
}

#[test]
fn a_read_that_began_too_many_changes_ago_is_not_cached() {
    let cache = compared();
    let stamp = cache.read_stamp(at(0));
    for other in 0..u128::try_from(REMEMBERED).unwrap() {
        cache.changed(UserId::from_bytes((other << 8).to_be_bytes()));
    }
    cache.add(stamp, at(1), KEY, &holder(1));
    assert!(is_cached(&cache, 1), "all changes are remembered, and none was this user's");
    cache.changed(USER);
    cache.changed(UserId::from_bytes([8; 16]));
    cache.add(stamp, at(1), KEY, &holder(1));
    assert!(!is_cached(&cache, 1));
    let stamp = cache.read_stamp(at(1));
    cache.changed(USER);
    cache.add(stamp, at(1), KEY, &holder(1));
    assert!(!is_cached(&cache, 1), "changes are counted on where the first are forgotten");
    cache.add(cache.read_stamp(at(1)), at(1), KEY, &holder(1));
    assert!(is_cached(&cache, 1));
}

#[test]
fn a_read_that_took_long_is_not_cached() {
    let cache = compared();
    let stamp = cache.read_stamp(at(0));
    cache.add(stamp, at(251), KEY, &holder(1));
    assert!(!is_cached(&cache, 251));
    cache.add(stamp, at(250), KEY, &holder(1));
    assert!(is_cached(&cache, 250));
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    let cache = compared();
    let stamp = cache.read_stamp(at(0));
    cache.add(stamp, at(0), OTHER_KEY, &holder(5));
    cache.add(stamp, at(0), KEY, &holder(4));
    assert!(!is_cached(&cache, 0));
    cache.add(stamp, at(0), KEY, &holder(5));
    assert!(is_cached(&cache, 0));
    cache.add(stamp, at(0), OTHER_KEY, &holder(6));
    assert!(!is_cached(&cache, 0), "the entry is of a version that is none any more");
}

#[test]
fn what_a_signed_token_says_is_known_to_the_keys_that_verified_it_alone() {
    let keys = || Arc::new(TokenKeys::new(&[7; 16], []));
    let (verified, others, holder) = (keys(), keys(), holder(1));
    let claims = Arc::new(Claims {
        kind: TokenKind::Api,
        user: "iago".into(),
        zid: 20_240_101_000_100,
        issued: at(0),
        expires: at(600_000),
    });
    assert_eq!(holder.claims(&verified), None);
    holder.keep_claims(&verified, &claims);
    assert_eq!((holder.claims(&verified), holder.claims(&others)), (Some(Arc::clone(&claims)), None));
    holder.keep_claims(&others, &claims);
    assert_eq!((holder.claims(&verified), holder.claims(&others)), (Some(claims), None));
}

#[test]
fn memory_is_bounded() {
    let cache = compared();
    for number in 0..1000_u64 {
        let mut key = KEY;
        key[..8].copy_from_slice(&number.to_be_bytes());
        cache.add(cache.read_stamp(at(0)), at(0), key, &holder(1));
    }
    assert!(cache.entries.len() <= 10);
    assert!(cache.changes().users.len() <= REMEMBERED);
}

const TOKEN: CredentialId = CredentialId::from_bytes([3; 16]);

/// The cache of one server of two, at a store that both have open.
struct Server {
    cache: Arc<CredentialCache>,
    store: Arc<dyn Store>,
    other: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl Server {
    async fn new(store: Arc<dyn Store>, other: Arc<dyn Store>, outage: Duration) -> Self {
        let realm = RealmBuilder::new("main").build();
        let new =
            NewUser { user: user(0), assign_ids: Vec::new(), password: None, credentials: vec![stored()] };
        let records = [NewRecord::from(realm), NewRecord::User(Box::new(new))].map(Some);
        store
            .import(
                Box::new(records.into_iter()),
                ImportMode::Write,
                OnConflict::Refuse,
                Box::new(|_, _| ()),
                None,
            )
            .await
            .unwrap();

        let clock = Arc::new(ManualClock::at(at(0)));
        let cache = CredentialCache::new(Arc::clone(&store), Arc::clone(&clock) as _, outage, 100);
        let cache = Arc::new(cache);
        let listener: Arc<dyn ChangeListener> = Arc::clone(&cache) as _;
        store.listen(Arc::downgrade(&listener));
        cache.compare().await.unwrap();
        Self { cache, store, other, clock }
    }

    /// Presents the token. What happens `meanwhile` happens after the store was read; tells whether the token was good, and
    /// whether the store was read.
    async fn present(&self, meanwhile: impl Future<Output = ()> + Send) -> (bool, bool) {
        let mut is_read = false;
        let read = async {
            let digest = Digest::new([1; 32]);
            let found = self.store.by_digest(CredentialKind::ROCKETCHAT_TOKEN, &digest).await?;
            is_read = true;
            meanwhile.await;
            Ok(found.map(Holder::from))
        };
        let is_good = self.cache.get_or_read(KEY, |_| true, read).await.unwrap().is_some();
        (is_good, is_read)
    }
}

const GOOD: bool = true;
const READ: bool = true;

/// Both stores, each opened by two servers; the one in PostgreSQL without notifications, so that nothing is seen but
/// by comparing.
async fn both(folder: &tempfile::TempDir) -> [Server; 2] {
    both_with(folder, Duration::ZERO).await
}

/// The same, with the outage of a store that the operator allows.
async fn both_with(folder: &tempfile::TempDir, outage: Duration) -> [Server; 2] {
    let path = folder.path().join("store.db");
    let sqlite = [Sqlite::open(&path).unwrap(), Sqlite::open(&path).unwrap()].map(Arc::new);
    let url = Cluster::shared().unwrap().database().unwrap();
    let options = PostgresConfig { notifications: false, ..PostgresConfig::new(url) };
    let open = || async { Arc::new(Postgres::open(&options, Arc::new(SeededRng::new(1))).await.unwrap()) };
    let postgres = [open().await, open().await];
    let [(one, two), (three, four)] =
        [sqlite.map(|s| s as Arc<dyn Store>), postgres.map(|s| s as _)].map(|[a, b]| (a, b));
    [Server::new(one, two, outage).await, Server::new(three, four, outage).await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_credential_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        assert_eq!(server.present(async {}).await, (GOOD, READ));
        assert_eq!(server.present(async {}).await, (GOOD, !READ));
        server.clock.advance(Duration::from_millis(900));
        server.cache.compare().await.unwrap();
        server.clock.advance(Duration::from_millis(900));
        assert_eq!(server.present(async {}).await, (GOOD, !READ), "compared and found unchanged");
        server.clock.advance(Duration::from_millis(100));
        assert_eq!(server.present(async {}).await, (GOOD, READ), "not compared for a second");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_here_between_reading_and_adding_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        let revoke = async { assert!(server.store.remove(TOKEN, None).await.unwrap()) };
        assert_eq!(server.present(revoke).await, (GOOD, READ), "it was good when it was read");
        assert_eq!(server.present(async {}).await, (!GOOD, READ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_elsewhere_between_reading_and_adding_is_refused_after_the_next_comparison() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        let revoke = async {
            assert!(server.other.set_active(USER, false, &Revocation::NOTHING, None).await.unwrap());
            // A comparison that comes before what was read is added doesn't see it.
            server.cache.compare().await.unwrap();
        };
        assert_eq!(server.present(revoke).await, (GOOD, READ));
        server.clock.advance(Duration::from_millis(500));
        server.cache.compare().await.unwrap();
        let mut is_read = false;
        let read = async {
            is_read = true;
            Ok(None)
        };
        assert!(server.cache.get_or_read(KEY, |_| true, read).await.unwrap().is_none() && is_read);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_elsewhere_of_what_was_compared_before_is_refused_after_the_next_comparison() {
    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        assert_eq!(server.present(async {}).await, (GOOD, READ));
        for _ in 0..2 {
            server.cache.compare().await.unwrap();
            assert_eq!(server.present(async {}).await, (GOOD, !READ), "it is no new entry any more");
        }
        assert!(server.other.set_active(USER, false, &Revocation::NOTHING, None).await.unwrap());
        server.cache.compare().await.unwrap();
        assert_eq!(server.present(async {}).await, (GOOD, READ));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_too_many_entries_are_new_a_comparison_is_of_all() {
    let other = holder_of(User { id: UserId::from_bytes([8; 16]), ..user(1) });
    let add_many = |cache: &CredentialCache, number: usize| {
        for _ in 0..number {
            cache.add(cache.read_stamp(at(0)), at(0), OTHER_KEY, &other);
        }
    };
    let cache = compared();
    for (number, kept, overflowed) in [(MANY, MANY, false), (1, MANY, true)] {
        add_many(&cache, number);
        let state = cache.compared_state();
        assert_eq!((state.new.len(), state.overflowed), (kept, overflowed));
    }

    let folder = tempfile::tempdir().unwrap();
    for server in both(&folder).await {
        let revoke = async {
            assert!(server.other.set_active(USER, false, &Revocation::NOTHING, None).await.unwrap());
            // The count of changes is that of the next comparison, and the entry is not among those that are known as new.
            server.cache.compare().await.unwrap();
            add_many(&server.cache, MANY);
        };
        assert_eq!(server.present(revoke).await, (GOOD, READ));
        server.cache.compare().await.unwrap();
        assert_eq!(server.present(async {}).await, (GOOD, READ), "the entry was compared");
    }
}

#[tokio::test]
async fn in_an_outage_an_entry_that_is_not_wanted_counts_for_nothing() {
    let clock = Arc::new(ManualClock::at(at(0)));
    let store = Arc::new(MemoryStore::new());
    let cache = CredentialCache::new(store, Arc::clone(&clock) as _, Duration::from_secs(60), 10);
    cache.compare().await.unwrap();
    cache.add(cache.read_stamp(at(0)), at(0), KEY, &holder(1));
    for seconds in [0, 59] {
        clock.advance(Duration::from_secs(seconds));
        for (is_wanted, is_good) in [(true, true), (false, false)] {
            let read = async { Err(StoreError::Unavailable("no answer".to_owned())) };
            let told = cache.get_or_read(KEY, |_| is_wanted, read).await;
            assert_eq!(told.is_ok(), is_good, "after {seconds} seconds, wanted: {is_wanted}");
        }
    }
}

#[test]
fn entries_of_users_that_have_changed_are_removed() {
    let cache = empty();
    let (stale, good) = (holder(1), holder(2));
    let stamp = cache.read_stamp(at(0));
    cache.add(stamp, at(0), KEY, &stale);
    cache.sweep(None);
    assert_eq!(cache.entries.len(), 1, "a good one stays");
    cache.changed(stale.user.id);
    let stamp = cache.read_stamp(at(0));
    cache.add(stamp, at(0), OTHER_KEY, &good);
    cache.sweep(None);
    assert_eq!((cache.entries.len(), cache.entries.get(&OTHER_KEY).is_some()), (1, true));
}

#[test]
fn what_is_not_used_is_forgotten_where_it_is_to_be() {
    let cache = compared();
    let other = holder_of(User { id: UserId::from_bytes([8; 16]), ..user(1) });
    cache.add(cache.read_stamp(at(0)), at(0), KEY, &holder(1));
    cache.add(cache.read_stamp(at(0)), at(0), OTHER_KEY, &other);
    assert!(is_cached(&cache, 500), "a use within the second is not noted");
    cache.sweep(Some(at(0).as_millis()));
    assert_eq!((cache.entries.len(), cache.current.len()), (2, 2));
    cache.compared.store(at(1000).as_millis(), Ordering::Release);
    assert!(is_cached(&cache, 1000));
    cache.sweep(None);
    assert_eq!((cache.entries.len(), cache.current.len()), (2, 2));
    cache.sweep(Some(at(1).as_millis()));
    assert_eq!((cache.entries.len(), cache.current.len()), (1, 1));
    assert!(is_cached(&cache, 1000), "the one that was used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_count_of_changes_is_not_asked_for_what_nobody_uses() {
    for outage in [0, 60] {
        let folder = tempfile::tempdir().unwrap();
        let servers = both_with(&folder, Duration::from_secs(outage)).await;
        for (server, counts) in servers.into_iter().zip([true, false]) {
            assert_eq!(server.present(async {}).await, (GOOD, READ));
            let pass = async |seconds: u64, used: bool| {
                for _ in 0..2 * seconds {
                    server.clock.advance(Duration::from_millis(500));
                    server.cache.compare().await.unwrap();
                    if used {
                        assert_eq!(server.present(async {}).await, (GOOD, !READ));
                    }
                }
            };
            pass(90, true).await;
            pass(20 + outage, false).await;
            assert_eq!(
                server.present(async {}).await,
                (GOOD, !READ),
                "used less than half a minute and an outage ago"
            );
            pass(90 + outage, false).await;
            assert_eq!(server.cache.current.len(), usize::from(counts));
            assert_eq!(server.present(async {}).await, (GOOD, counts != READ), "counts: {counts}");
        }
    }
}
