//! An engine over a fresh store, and short ways to ask it things.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Authenticator, CheckReply, Clock, CredentialCheck, Grant, GrantKind, Identifier, ImportMode,
    LoginAttempt, LoginError, LoginMethod, LoginOutcome, LoginReply, ManualClock, OneTimeCode, Password,
    PasswordBackend, Peer, PresentedCredential, ProtocolName, Realm, RealmName, Realms, SecondStep,
    SeededRng, Store, StrengthRule, Timestamp, Token, TokenForm,
};
use auth_crypto::argon2::Params;
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_engine::transfer::unwatched;
use auth_engine::{
    Config, Engine, FailureGrid, Parts, PasswordConfig, RocketChatRules, SharedLimits, ZettelstoreRules,
    ZulipRules,
};
use auth_store::Sqlite;

pub(crate) const START: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Everybody who is needed: `PASSWORD` is everybody's password.
pub(crate) const PASSWORD: &str = "correct-horse-battery-9876";

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":"","digest_logins":true}
{"kind":"realm","realm":"other","subdomain":"other"}
{"kind":"realm","realm":"closed","subdomain":"closed","active":false}
{"kind":"user","realm":"main","id":1,"username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876","zulip_api_key":"gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"}
{"kind":"user","realm":"main","id":2,"username":"cordelia","email":"cordelia@zulip.com","active":false,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","id":3,"username":"othello","email":"othello@zulip.com"}
{"kind":"user","realm":"main","id":4,"username":"totp","email":"totp@zulip.com","email_verified":true,"password":"correct-horse-battery-9876","totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","backup_codes":["aBcD2345","eFgH6789"]}
{"kind":"user","realm":"main","id":5,"username":"mail","email":"mail@zulip.com","email_verified":true,"password":"correct-horse-battery-9876","email_2fa":true}
{"kind":"user","realm":"main","id":6,"username":"webhook","email":"webhook@zulip.com","bot":"incoming_webhook","zulip_api_key":"fA1kT6yP0zWq8rXc3vB5nM7uJ2hG9sDe"}
{"kind":"user","realm":"main","id":7,"username":"app","bot":"app","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","id":8,"username":"noroles","rocketchat_roles":[],"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","id":9,"username":"weak","email":"weak@zulip.com","password_hash":"pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo="}
{"kind":"user","realm":"other","id":10,"username":"iago","email":"iago@zulip.com","password":"another-horse-battery-1234"}
{"kind":"user","realm":"closed","id":11,"username":"ghost","email":"ghost@zulip.com","password":"correct-horse-battery-9876"}
"#;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ring: Arc<KeyRing>,
    pub(crate) pool: Arc<HashingPool>,
    _folder: tempfile::TempDir,
}

pub(crate) fn config() -> Config {
    Config {
        passwords: PasswordConfig {
            params: Params::new(64, 1, 1).unwrap(),
            strength: StrengthRule { min_length: 8, min_guesses: 10_000 },
            failure_grid: FailureGrid::Off,
        },
        limits: None,
        max_waiting: 100,
        known_credentials: 100,
        outage: Duration::ZERO,
        allow_password_only_with_2fa: false,
        revoke_on_password_change: true,
        log_names: false,
        directories: BTreeMap::new(),
        zulip: ZulipRules::default(),
        rocketchat: RocketChatRules {
            api_limit: None,
            block_by_user: None,
            block_by_address: None,
            ..RocketChatRules::default()
        },
        zettelstore: ZettelstoreRules { login_delay: Duration::ZERO, ..ZettelstoreRules::default() },
    }
}

pub(crate) fn limited() -> Config {
    Config { limits: Some(SharedLimits::default()), ..config() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let world = Self::empty(config).await;
        world.import(USERS).await;
        world
    }

    pub(crate) async fn empty(config: Config) -> Self {
        Self::with_backends(config, Vec::new()).await
    }

    pub(crate) async fn with_backends(config: Config, backends: Vec<Arc<dyn PasswordBackend>>) -> Self {
        Self::made(config, 2, backends).await
    }

    /// Without users, and so many threads that hash.
    pub(crate) async fn with_workers(config: Config, workers: usize) -> Self {
        Self::made(config, workers, Vec::new()).await
    }

    async fn made(config: Config, workers: usize, backends: Vec<Arc<dyn PasswordBackend>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("auth.db")).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let ring = Arc::new(KeyRing::generate(&SeededRng::new(7)));
        let parts = Parts { backends, ..parts(&store, &clock, &ring, config, workers) };
        let pool = Arc::clone(&parts.pool);
        let engine = Engine::open(parts).await.unwrap();
        Self { engine, store, clock, ring, pool, _folder: folder }
    }

    /// The same after a restart.
    pub(crate) async fn reopened(self, config: Config, workers: usize) -> Self {
        let parts = parts(&self.store, &self.clock, &self.ring, config, workers);
        let pool = Arc::clone(&parts.pool);
        let engine = Engine::open(parts).await.unwrap();
        Self { engine, pool, ..self }
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The same after a restart with another key ring.
    pub(crate) async fn restarted(self, ring: KeyRing, config: Config) -> Self {
        let ring = Arc::new(ring);
        let engine = Engine::open(parts(&self.store, &self.clock, &ring, config, 2)).await.unwrap();
        Self { engine, ring, ..self }
    }

    /// Another engine over the same store, as commands open one beside the server's.
    pub(crate) async fn beside(&self, config: Config) -> Engine {
        Engine::open(parts(&self.store, &self.clock, &self.ring, config, 2)).await.unwrap()
    }

    pub(crate) async fn import(&self, lines: &str) {
        self.engine.import(lines.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
    }

    pub(crate) async fn realm(&self, slug: &str) -> Realm {
        Arc::unwrap_or_clone(self.engine.realm(RealmName::Slug(slug)).await.unwrap().unwrap())
    }

    pub(crate) async fn ask(&self, attempt: LoginAttempt) -> LoginReply {
        self.engine.log_in(attempt).await.unwrap()
    }

    /// A log-in by password at a protocol of a realm.
    pub(crate) async fn attempt(
        &self,
        realm: &str,
        protocol: ProtocolName,
        who: &str,
        password: &str,
    ) -> LoginAttempt {
        let (who, grant, second_step) = match protocol {
            ProtocolName::Zulip => (Identifier::email(who), GrantKind::ZulipKey, SecondStep::NotOffered),
            ProtocolName::RocketChat => {
                (Identifier::user_name(who), GrantKind::RocketChatToken, SecondStep::Offered(None))
            }
            _ => (
                Identifier::user_name(who),
                GrantKind::ZettelstoreToken(TokenForm::Jwt),
                SecondStep::NotOffered,
            ),
        };
        LoginAttempt {
            protocol,
            realm: self.realm(realm).await.id,
            proof: LoginMethod::Password { who, password: Password::new(password) },
            second_step,
            grant,
            peer: peer("192.0.2.1"),
        }
    }

    pub(crate) async fn log_in(
        &self,
        protocol: ProtocolName,
        who: &str,
        password: &str,
    ) -> Result<Grant, LoginError> {
        outcome(self.ask(self.attempt("main", protocol, who, password).await).await)
    }

    pub(crate) async fn log_in_with_code(&self, who: &str, code: Option<&str>) -> Result<Grant, LoginError> {
        let attempt = self.attempt("main", ProtocolName::RocketChat, who, PASSWORD).await;
        let second_step = SecondStep::Offered(code.map(OneTimeCode::new));
        outcome(self.ask(LoginAttempt { second_step, ..attempt }).await)
    }

    pub(crate) async fn check(
        &self,
        realm: &str,
        protocol: ProtocolName,
        credential: PresentedCredential,
    ) -> CheckReply {
        let realm = self.realm(realm).await.id;
        let presentation = CredentialCheck { protocol, realm, credential, peer: peer("192.0.2.1") };
        self.engine.check(presentation).await.unwrap()
    }

    pub(crate) async fn rocketchat_id(&self, who: &str) -> String {
        self.engine.account_named(Some("main"), who).await.unwrap().user.protocols.rocketchat
    }
}

fn parts(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    ring: &Arc<KeyRing>,
    config: Config,
    workers: usize,
) -> Parts {
    // Engines with different rings must not make the same ids.
    let rng = Arc::new(SeededRng::new(u64::from(7 + ring.ids().iter().sum::<u32>())));
    let pool = PoolConfig {
        workers,
        queue: 1000,
        interleave: 3,
        memory_kib: 1 << 10,
        deadline: Duration::from_secs(10),
    };
    Parts {
        store: Arc::clone(store),
        backends: Vec::new(),
        pool: Arc::new(HashingPool::new(pool, Arc::clone(&rng) as _, Arc::clone(clock) as _).unwrap()),
        ring: Arc::clone(ring),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        rng,
        config,
    }
}

pub(crate) fn peer(address: &str) -> Peer {
    Peer::new(address.parse().unwrap())
}

pub(crate) fn outcome(reply: LoginReply) -> Result<Grant, LoginError> {
    match reply.outcome {
        LoginOutcome::Granted(granted) => Ok(granted.grant),
        LoginOutcome::Refused(refusal) => Err(refusal),
    }
}

pub(crate) fn token(grant: &Grant) -> Token {
    match grant {
        Grant::RocketChatToken { token, .. } | Grant::ZettelstoreToken { token, .. } => token.clone(),
        other => panic!("no token: {other:?}"),
    }
}
