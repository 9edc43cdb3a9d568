//! The whole pipeline without HTTP: an engine over SQLite in a folder of its own, asked for one log-in at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
use auth_core::{
    Authenticator, Clock, DoorKind, GrantKind, Identifier, ImportMode, LoginAttempt, LoginOutcome, Password,
    Peer, Proof, RealmId, RealmName, Realms, SecondStep, SeededRng, Stopwatch, StrengthRule, Timestamp,
    TokenForm,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_engine::{
    Config, Engine, FailureGrid, Parts, PasswordConfig, RocketChatRules, ZettelstoreRules, ZulipRules,
};
use auth_store::Sqlite;
use tokio::runtime::Runtime;

use crate::Rival;

const PASSWORD: &str = "correct-horse-battery-9876";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

/// What others are compared with.
pub const BARE_HASH: &str = "a hash alone";

/// The time by the operating system's clock that nobody sets.
#[derive(Debug)]
struct Time(Instant);

impl Time {
    #[expect(clippy::disallowed_methods, reason = "a bench is an edge")]
    fn start() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch for Time {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_700_000_000) + self.0.elapsed()
    }
}

/// An engine that is asked from outside of any runtime.
struct World {
    runtime: Runtime,
    engine: Engine,
    realm: RealmId,
    _folder: tempfile::TempDir,
}

/// A log-in at each door, one with a wrong password, and the bare hash that is in each.
///
/// # Errors
/// When the engine can't be put together.
pub fn rivals() -> Result<Vec<Rival>> {
    let params = Params::default();
    let mut memory = Memory::new();
    let mut rivals = vec![Rival::new(BARE_HASH, move || {
        let input = Input::new(PASSWORD.as_bytes(), b"0123456789abcdef");
        Ok(hash_into(Algorithm::default(), params, input, &mut memory, &mut [0; 32])?)
    })];
    let world = Arc::new(World::open(params)?);
    for (name, door, grant, password) in [
        ("Zulip key", DoorKind::Zulip, GrantKind::ZulipKey, PASSWORD),
        ("Rocket.Chat token, durable", DoorKind::RocketChat, GrantKind::RocketChatToken, PASSWORD),
        ("Zettelstore token", DoorKind::Zettelstore, GrantKind::ZettelstoreToken(TokenForm::Jwt), PASSWORD),
        ("wrong password", DoorKind::Zulip, GrantKind::ZulipKey, "wrong"),
    ] {
        let world = Arc::clone(&world);
        rivals.push(Rival::new(name, move || {
            let granted = world.log_in(door, grant, password)?;
            ensure!(granted == (password == PASSWORD), "it should be {}", password == PASSWORD);
            Ok(())
        }));
    }
    Ok(rivals)
}

impl World {
    fn open(params: Params) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-login-").tempdir()?;
        let runtime = Runtime::new()?;
        let time = Arc::new(Time::start());
        let rng = Arc::new(SeededRng::new(1));
        let pool = PoolConfig {
            workers: std::thread::available_parallelism()?.get(),
            queue: 1024,
            interleave: 3,
            memory_kib: 1 << 20,
            deadline: Duration::from_secs(10),
        };
        let parts = Parts {
            store: Arc::new(Sqlite::open(&folder.path().join("auth.db"))?),
            backends: Vec::new(),
            pool: Arc::new(HashingPool::new(pool, Arc::clone(&rng) as _, Arc::clone(&time) as _)?),
            ring: Arc::new(KeyRing::generate(&SeededRng::new(2))),
            clock: time,
            rng,
            config: config(params),
        };
        let (engine, realm) = runtime.block_on(async {
            let engine = Engine::open(parts).await?;
            engine.import(USERS.as_bytes(), ImportMode::Write, &mut |_| {}).await?;
            let realm = engine.realm(RealmName::Slug("main")).await.ok().flatten().context("the realm")?;
            anyhow::Ok((engine, realm.id))
        })?;
        Ok(Self { runtime, engine, realm, _folder: folder })
    }

    /// Whether it was granted.
    fn log_in(&self, door: DoorKind, grant: GrantKind, password: &str) -> Result<bool> {
        let attempt = LoginAttempt {
            door,
            realm: self.realm,
            proof: Proof::Password { who: Identifier::user_name("iago"), password: Password::new(password) },
            second_step: SecondStep::NotOffered,
            grant,
            peer: Peer::new([192, 0, 2, 1].into()),
        };
        match self.runtime.block_on(self.engine.log_in(attempt)) {
            Ok(reply) => Ok(matches!(reply.outcome, LoginOutcome::Granted(_))),
            Err(fault) => bail!("{fault}"),
        }
    }
}

fn config(params: Params) -> Config {
    Config {
        passwords: PasswordConfig {
            params,
            strength: StrengthRule { min_length: 8, min_guesses: 10_000 },
            failure_grid: FailureGrid::Off,
        },
        limits: None,
        max_waiting: 100,
        known_credentials: 1000,
        outage: Duration::ZERO,
        directories: BTreeMap::new(),
        allow_password_only_with_2fa: false,
        revoke_on_password_change: true,
        log_names: false,
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
