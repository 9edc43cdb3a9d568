//! The whole pipeline without HTTP: an engine over SQLite in a folder of its own, asked for one log-in at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
use auth_core::{
    Authenticator, Clock, GrantKind, Identifier, ImportMode, LoginAttempt, LoginMethod, LoginOutcome,
    Password, Peer, ProtocolName, RealmId, RealmName, Realms, SecondStep, SeededRng, Stopwatch, StrengthRule,
    Timestamp, TokenForm,
};
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::{HashingPool, PoolConfig};
use auth_engine::transfer::unwatched;
use auth_engine::{
    Config, Engine, FailureGrid, Parts, PasswordConfig, RocketChatRules, ZettelstoreRules, ZulipRules,
};
use auth_store::Sqlite;
use data_encoding::BASE64;
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

/// A log-in at each protocol, one with a wrong password, and the bare hash that is in each.
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
    let token = GrantKind::RocketChatToken;
    for (name, user, protocol, grant, password) in [
        ("Zulip key", "iago", ProtocolName::Zulip, GrantKind::ZulipKey, PASSWORD),
        ("Rocket.Chat token, durable", "iago", ProtocolName::RocketChat, token, PASSWORD),
        ("the same beside 10,000 others", "rich", ProtocolName::RocketChat, token, PASSWORD),
        (
            "Zettelstore token",
            "iago",
            ProtocolName::Zettelstore,
            GrantKind::ZettelstoreToken(TokenForm::Jwt),
            PASSWORD,
        ),
        ("wrong password", "iago", ProtocolName::Zulip, GrantKind::ZulipKey, "wrong"),
    ] {
        let world = Arc::clone(&world);
        rivals.push(Rival::new(name, move || {
            let granted = world.log_in(user, protocol, grant, password)?;
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
            let users = format!("{USERS}{}\n", user_with_many_tokens());
            engine.import(users.as_bytes(), ImportMode::Write, &mut unwatched).await?;
            let realm = engine.realm(RealmName::Slug("main")).await.ok().flatten().context("the realm")?;
            anyhow::Ok((engine, realm.id))
        })?;
        Ok(Self { runtime, engine, realm, _folder: folder })
    }

    /// Whether it was granted.
    fn log_in(&self, user: &str, protocol: ProtocolName, grant: GrantKind, password: &str) -> Result<bool> {
        let attempt = LoginAttempt {
            protocol,
            realm: self.realm,
            proof: LoginMethod::Password {
                who: Identifier::user_name(user),
                password: Password::new(password),
            },
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

/// The import line of a user who holds ten thousand log-in tokens.
fn user_with_many_tokens() -> String {
    let tokens: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let mut digest = [7; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            serde_json::json!({"digest": BASE64.encode(&digest), "expires": "2099-01-01T00:00:00Z"})
        })
        .collect();
    let user = serde_json::json!({
        "kind": "user", "realm": "main", "username": "rich", "password": PASSWORD, "rocketchat_tokens": tokens,
    });
    user.to_string()
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
            // Nothing makes room for what is new.
            max_tokens: u32::MAX,
            ..RocketChatRules::default()
        },
        zettelstore: ZettelstoreRules { login_delay: Duration::ZERO, ..ZettelstoreRules::default() },
    }
}
