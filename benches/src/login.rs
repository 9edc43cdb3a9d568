//! The whole login pipeline without HTTP: an engine over SQLite in a temporary folder, judging one login at a time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
use auth_core::{
    Authenticator, Clock, CredentialKind, GrantKind, Identifier, ImportMode, LoginAttempt, LoginError,
    LoginMethod, ProtocolName, Realm, RealmName, Realms, SecondStep, Stopwatch, Store, SystemStopwatch,
    Timestamp, TokenForm,
};
use auth_engine::testing::{PASSWORD, START, builder, config, password, peer, ring};
use auth_engine::{Config, Engine};
use auth_store::Sqlite;
use auth_transfer::unwatched;
use data_encoding::BASE64;
use tokio::runtime::Runtime;

use crate::Rival;

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

/// The name of the rival that only hashes, the baseline of the comparisons.
pub const BARE_HASH: &str = "a hash alone";

/// The time that has passed since a fixed date, by the monotonic clock of the operating system.
#[derive(Debug)]
struct MonotonicClock(SystemStopwatch);

impl Stopwatch for MonotonicClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Timestamp {
        START + self.0.elapsed()
    }
}

/// An engine that is called from outside of any runtime.
struct World {
    runtime: Runtime,
    engine: Engine,
    realm: Arc<Realm>,
    _folder: tempfile::TempDir,
}

/// The rivals: a login by each protocol, a login with a wrong password, and the bare hash that each of them contains.
///
/// # Errors
/// An error if the engine can't be built.
pub fn rivals() -> Result<Vec<Rival>> {
    let params = Params::default();
    let mut memory = Memory::new();
    let mut rivals = vec![Rival::new(BARE_HASH, move || {
        let input = Input::new(PASSWORD.as_bytes(), b"0123456789abcdef");
        Ok(hash_into(Algorithm::default(), params, input, &mut memory, &mut [0; 32])?)
    })];
    let world = Arc::new(World::open(params)?);
    let token = GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN);
    for (name, user, protocol, grant, password) in [
        ("Zulip key", "iago", ProtocolName::ZULIP, GrantKind::ApiKey, PASSWORD),
        ("Rocket.Chat token, durable", "iago", ProtocolName::ROCKETCHAT, token, PASSWORD),
        ("the same beside 10,000 others", "rich", ProtocolName::ROCKETCHAT, token, PASSWORD),
        (
            "Zettelstore token",
            "iago",
            ProtocolName::ZETTELSTORE,
            GrantKind::SignedToken(TokenForm::Jwt),
            PASSWORD,
        ),
        ("wrong password", "iago", ProtocolName::ZULIP, GrantKind::ApiKey, "wrong"),
    ] {
        let world = Arc::clone(&world);
        rivals.push(Rival::new(name, move || {
            let succeeded = world.log_in(user, protocol, grant, password)?;
            ensure!(succeeded == (password == PASSWORD), "{name}: the login succeeded: {succeeded}");
            Ok(())
        }));
    }
    Ok(rivals)
}

impl World {
    fn open(params: Params) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-login-").tempdir()?;
        let runtime = Runtime::new()?;
        let clock = Arc::new(MonotonicClock(SystemStopwatch::start()));
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("auth.db"))?);
        let workers = std::thread::available_parallelism()?.get();
        let builder = builder(&store, &clock, &ring(), slow_config(params), workers);
        let (engine, realm) = runtime.block_on(async {
            let engine = builder.open().await?;
            let users = format!("{USERS}{}\n", user_with_many_tokens());
            auth_transfer::import(&engine, users.as_bytes(), ImportMode::Write, &mut unwatched).await?;
            let realm = engine.realm(RealmName::Slug("main")).await?.context("the realm")?;
            anyhow::Ok((engine, realm))
        })?;
        Ok(Self { runtime, engine, realm, _folder: folder })
    }

    /// Logs in, and returns whether the login succeeded.
    fn log_in(&self, user: &str, protocol: ProtocolName, grant: GrantKind, password: &str) -> Result<bool> {
        let attempt = LoginAttempt {
            protocol,
            realm: Arc::clone(&self.realm),
            method: LoginMethod::Password {
                who: Identifier::user_name(user),
                secret: self::password(password),
            },
            second_step: SecondStep::NotOffered,
            grant,
            peer: peer("192.0.2.1"),
        };
        match self.runtime.block_on(self.engine.log_in(attempt)).result {
            Ok(_) => Ok(true),
            Err(LoginError::Internal(error)) => bail!("{error}"),
            Err(_) => Ok(false),
        }
    }
}

/// The import line of a user who has ten thousand login tokens.
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

/// The configuration of the engine's tests, with hashes that cost as much as a server's. New tokens never displace old
/// ones.
fn slow_config(params: Params) -> Config {
    let mut config = config();
    config.passwords.params = params;
    config.cached_credentials = 1000;
    config.rocketchat.max_tokens = u32::MAX;
    config
}
