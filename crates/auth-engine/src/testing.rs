//! An engine for tests: one configuration, one maker of engine builders, and a [`World`] with short ways to log in.
//!
//! Hashes are cheap, nothing is limited and no answer is delayed, unless a test says so. The clock stands still until it is
//! moved and random bytes follow from a seed.
//!
//! ```
//! use std::sync::Arc;
//! use auth_core::ManualClock;
//! use auth_engine::testing::{START, World, builder, config, ring};
//!
//! # async fn example(store: Arc<dyn auth_core::Store>) {
//! let clock = Arc::new(ManualClock::at(START));
//! let world = World::open(builder(&store, &clock, &ring(), config(), 2), clock).await;
//! assert!(world.engine.store().realms().await.unwrap().is_empty());
//! # }
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that can't be set up fails"
)]

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, ApiKey, Authenticator, CheckReply, Clock, CredentialCheck, CredentialKind, ExternalId, Grant,
    GrantKind, Identifier, LoginAttempt, LoginError, LoginMethod, LoginReply, Lookup, ManualClock, NameKind,
    OneTimeCode, Password, Peer, PresentedCredential, ProtocolName, Realm, RealmName, Realms, SecondStep,
    SecretInput, SeededRng, Stopwatch, Store, StrengthRule, Timestamp, Token, TokenForm, TokenPlace,
};
use auth_crypto::argon2::Params;
use auth_crypto::keyring::KeyRing;
use auth_crypto::pool::{HashingPool, PoolConfig};

use crate::MailConfig;
use crate::{
    CommonQuotas, Config, Engine, EngineBuilder, FailureDelay, PasswordConfig, Retention, RocketChatConfig,
    ZettelstoreConfig, ZulipConfig,
};

/// The moment at which the clocks of tests start.
pub const START: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The password of every user of [`USERS`] who has one, but for `weak` and the `iago` of the other realm.
pub const PASSWORD: &str = "correct-horse-battery-9876";

/// The shared secret of the TOTP device of the user `totp`, in base32.
pub const TOTP_SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// The Zulip API key of the user `iago` in the realm `main`.
pub const IAGO_KEY: &str = "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv";

/// Three realms, and a user for every state of an account: lines that `auth-transfer` imports.
pub const USERS: &str = r#"
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

/// Rocket.Chat's kinds of tokens.
const ROCKETCHAT_TOKENS: &[CredentialKind] =
    &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN];

/// A configuration without limits and delays, under which a hash takes no time.
#[must_use]
pub fn config() -> Config {
    Config {
        retention: Retention::default(),
        passwords: PasswordConfig {
            params: Params::new(64, 1, 1).unwrap(),
            strength: StrengthRule { min_length: 8, min_guesses: 10_000 },
            failure_delay: FailureDelay::Off,
        },
        limits: None,
        max_delayed: 100,
        cached_credentials: 100,
        outage: Duration::ZERO,
        allow_password_only_with_2fa: false,
        revoke_on_password_change: true,
        log_names: false,
        mail: MailConfig::default(),
        directories: BTreeMap::new(),
        zulip: ZulipConfig::default(),
        rocketchat: RocketChatConfig {
            api_limit: None,
            block_by_user: None,
            block_by_address: None,
            ..RocketChatConfig::default()
        },
        zettelstore: ZettelstoreConfig { login_delay: Duration::ZERO, ..ZettelstoreConfig::default() },
    }
}

/// [`config`] with the default quotas that all protocols share.
#[must_use]
pub fn limited() -> Config {
    Config { limits: Some(CommonQuotas::default()), ..config() }
}

/// A key ring with one key, always the same.
#[must_use]
pub fn ring() -> Arc<KeyRing> {
    Arc::new(KeyRing::generate(&SeededRng::new(7)))
}

/// A builder of an engine over a store, whose pool hashes on so many threads. Random bytes follow from a seed that is always
/// the same: another engine over the same store must go on with the random source of the first, or it makes the same
/// identifiers again.
///
/// # Panics
/// When the system starts no thread.
#[must_use]
pub fn builder<C: Clock + Stopwatch + 'static>(
    store: &Arc<dyn Store>,
    clock: &Arc<C>,
    ring: &Arc<KeyRing>,
    config: Config,
    workers: usize,
) -> EngineBuilder {
    let rng = Arc::new(SeededRng::new(8));
    let pool = PoolConfig {
        workers,
        queue: 1000,
        interleave: 3,
        memory_kib: 64 << 10,
        reserve_kib: 128 << 10,
        deadline: Duration::from_secs(10),
    };
    let pool = HashingPool::new(pool, Arc::clone(&rng) as _, Arc::clone(clock) as _).unwrap();
    Engine::builder(Arc::clone(store))
        .pool(Arc::new(pool))
        .key_ring(Arc::clone(ring))
        .clock(Arc::clone(clock) as _)
        .stopwatch(Arc::clone(clock) as _)
        .rng(rng)
        .config(config)
}

/// A client at an IP address.
///
/// # Panics
/// When it is no address.
#[must_use]
pub fn peer(address: &str) -> Peer {
    Peer::new(address.parse().unwrap())
}

/// A Zulip API key as presented.
#[must_use]
pub fn api_key(email: &str, key: &str) -> PresentedCredential {
    PresentedCredential::ApiKey { email: email.to_owned(), key: ApiKey::new(key) }
}

/// A Rocket.Chat token as presented, with the id of its owner.
#[must_use]
pub fn rocketchat_token(owner: &str, token: Token) -> PresentedCredential {
    PresentedCredential::Token { kinds: ROCKETCHAT_TOKENS, owner: Some(ExternalId::from(owner)), token }
}

/// A signed token in the `Authorization` header.
#[must_use]
pub fn header(token: Token) -> PresentedCredential {
    PresentedCredential::SignedToken { token, place: TokenPlace::Header }
}

/// A signed token in a cookie.
#[must_use]
pub fn cookie(token: Token) -> PresentedCredential {
    PresentedCredential::SignedToken { token, place: TokenPlace::Cookie }
}

/// A password as a client sends it.
#[must_use]
pub fn password(text: &str) -> SecretInput {
    SecretInput::Password(Password::new(text))
}

/// What a login gave, or why it was refused.
///
/// # Errors
/// The reply's [`LoginError`].
pub fn result(reply: LoginReply) -> Result<Grant, LoginError> {
    reply.result.map(|login| login.grant)
}

/// The token of a grant.
///
/// # Panics
/// When the grant has none.
#[must_use]
pub fn token(grant: &Grant) -> Token {
    match grant {
        Grant::Token { token, .. } | Grant::SignedToken { token, .. } => token.clone(),
        other => panic!("no token: {other:?}"),
    }
}

/// An engine over a store, with the clock and the key ring in the test's hands, and short ways to ask it.
///
/// Methods that take no realm mean the realm `main`. A method panics where the store or the engine has an internal error
/// that a test would not expect.
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct World {
    /// The engine.
    pub engine: Engine,
    /// The engine's store.
    pub store: Arc<dyn Store>,
    /// The engine's clock.
    pub clock: Arc<ManualClock>,
    /// The engine's key ring, as it was when the engine was opened.
    pub ring: Arc<KeyRing>,
    /// The engine's hashing pool.
    pub pool: Arc<HashingPool>,
    /// Kept as long as the world: the folder of its store, say.
    pub kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl World {
    /// Opens an engine whose clock is `clock`.
    pub async fn open(builder: EngineBuilder, clock: Arc<ManualClock>) -> Self {
        let engine = builder.open().await.unwrap();
        let (store, ring, pool) =
            (Arc::clone(engine.store()), engine.keys().ring(), Arc::clone(engine.pool()));
        Self { engine, store, clock, ring, pool, kept: Vec::new() }
    }

    /// Opens the engine anew over the same store, as a restart does.
    pub async fn restart(&mut self, ring: &Arc<KeyRing>, config: Config, workers: usize) {
        self.engine = self.builder(ring, config, workers).open().await.unwrap();
        self.pool = Arc::clone(self.engine.pool());
        self.ring = Arc::clone(ring);
    }

    /// Opens another engine over the same store, as a command opens one beside the server's.
    pub async fn beside(&self, config: Config) -> Engine {
        self.builder(&self.ring, config, 2).open().await.unwrap()
    }

    /// A builder of another engine over the same store, which goes on with the random source of this one.
    #[must_use]
    pub fn builder(&self, ring: &Arc<KeyRing>, config: Config, workers: usize) -> EngineBuilder {
        let rng = Arc::clone(self.engine.rng());
        builder(&self.store, &self.clock, ring, config, workers).rng(rng)
    }

    /// The realm of that slug.
    pub async fn realm(&self, slug: &str) -> Arc<Realm> {
        self.engine.realm(RealmName::Slug(slug)).await.unwrap().unwrap()
    }

    /// The account of that name, whatever the kind of name; `None` when there is none.
    pub async fn find(&self, realm: &str, name: &str) -> Option<Account> {
        let realm = self.realm(realm).await;
        for kind in NameKind::ALL {
            let found = self.store.find(realm.id, &Lookup::Name(kind, name)).await.unwrap();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The account of that name, whatever the kind of name.
    pub async fn account(&self, name: &str) -> Account {
        self.find("main", name).await.unwrap()
    }

    /// The id under which Rocket.Chat shows a user.
    pub async fn rocketchat_id(&self, name: &str) -> String {
        self.account(name).await.user.external_text(ProtocolName::ROCKETCHAT).to_owned()
    }

    /// An attempt to log in by password at a protocol, as its clients make it.
    pub async fn attempt(
        &self,
        realm: &str,
        protocol: ProtocolName,
        who: &str,
        password: &str,
    ) -> LoginAttempt {
        let (who, grant, second_step) = match protocol {
            ProtocolName::ZULIP => (Identifier::email(who), GrantKind::ApiKey, SecondStep::NotOffered),
            ProtocolName::ROCKETCHAT => (
                Identifier::user_name(who),
                GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN),
                SecondStep::Offered(None),
            ),
            _ => (Identifier::user_name(who), GrantKind::SignedToken(TokenForm::Jwt), SecondStep::NotOffered),
        };
        LoginAttempt {
            protocol,
            realm: self.realm(realm).await,
            method: LoginMethod::Password { who, secret: self::password(password) },
            second_step,
            grant,
            peer: peer("192.0.2.1"),
        }
    }

    /// Judges an attempt.
    ///
    /// # Panics
    /// When the attempt could not be judged.
    pub async fn ask(&self, attempt: LoginAttempt) -> LoginReply {
        let reply = self.engine.log_in(attempt).await;
        assert!(!matches!(reply.result, Err(LoginError::Internal(_))), "{reply:?}");
        reply
    }

    /// Logs in by password at a protocol.
    ///
    /// # Errors
    /// The [`LoginError`] that the client is told.
    pub async fn log_in(
        &self,
        protocol: ProtocolName,
        who: &str,
        password: &str,
    ) -> Result<Grant, LoginError> {
        result(self.ask(self.attempt("main", protocol, who, password).await).await)
    }

    /// Logs in at Rocket.Chat with [`PASSWORD`] and, where one is given, a code.
    ///
    /// # Errors
    /// The [`LoginError`] that the client is told.
    pub async fn log_in_with_code(&self, who: &str, code: Option<&str>) -> Result<Grant, LoginError> {
        let attempt = self.attempt("main", ProtocolName::ROCKETCHAT, who, PASSWORD).await;
        let second_step = SecondStep::Offered(code.map(OneTimeCode::new));
        result(self.ask(LoginAttempt { second_step, ..attempt }).await)
    }

    /// Checks a presented credential.
    pub async fn check(
        &self,
        realm: &str,
        protocol: ProtocolName,
        credential: PresentedCredential,
    ) -> CheckReply {
        let realm = Some(self.realm(realm).await);
        self.engine.check(CredentialCheck { protocol, realm, credential, peer: peer("192.0.2.1") }).await
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("engine", &self.engine).finish_non_exhaustive()
    }
}
