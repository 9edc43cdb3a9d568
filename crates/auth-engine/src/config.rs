//! What the engine is told by its operator.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{Exact, PasswordPolicy, ProtocolName, Quota, StrengthRule, Token};
use auth_crypto::argon2::Params;
use auth_crypto::assertion::AssertionRule;

/// Everything the engine is told by its operator.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct Config {
    /// How passwords are hashed and what new ones must fulfil.
    pub passwords: PasswordConfig,
    /// The limits that all protocols share; `None` switches them off.
    pub limits: Option<SharedLimits>,
    /// How many log-ins whose answers wait for their moment may be judged or waiting at a time; more are told
    /// that the server is busy, before anything is looked up or hashed.
    pub max_waiting: u32,
    /// How many credentials that were found good are kept in memory.
    pub known_credentials: u32,
    /// How long credentials that were found good go on being taken while the store can't be reached, beyond the
    /// second that is always granted. Revocations elsewhere go unnoticed for as long.
    pub outage: Duration,
    /// Lets accounts with a second factor log in by password alone where the protocol has no second step.
    pub allow_password_only_with_2fa: bool,
    /// Whether a change of password also ends keys, personal tokens and app passwords.
    pub revoke_on_password_change: bool,
    /// Whether the name as typed stands in the log lines of attempts.
    pub log_names: bool,
    /// The password backends that are directories, by name.
    pub directories: BTreeMap<String, DirectoryRules>,
    /// The Zulip protocol's rules.
    pub zulip: ZulipRules,
    /// The Rocket.Chat protocol's rules.
    pub rocketchat: RocketChatRules,
    /// The Zettelstore protocol's rules.
    pub zettelstore: ZettelstoreRules,
}

/// How passwords are hashed and what new ones must fulfil.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PasswordConfig {
    /// Argon2id parameters of new hashes.
    pub params: Params,
    /// What new passwords must fulfil where the realm has no rule of its own.
    pub strength: StrengthRule,
    /// When wrong passwords are told.
    pub failure_grid: FailureGrid,
}

/// When wrong passwords are told: on a grid of moments after the attempt, so that the time an answer takes doesn't
/// tell how the account's password is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "servers choose one")]
pub enum FailureGrid {
    /// Where stored passwords differ in the time they take, as far apart as the slowest needs, up to a second.
    #[default]
    Auto,
    /// At once.
    Off,
    /// So far apart.
    Fixed(Duration),
}

/// What a directory may do to accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct DirectoryRules {
    /// Whether whoever logs in for the first time gets an account.
    pub create: bool,
    /// Whether an account of the same name that is no directory's becomes the entry's at its first log-in.
    pub merge_existing: bool,
    /// Whether the directory's accounts may also log in with a password that is stored here.
    pub local_passwords: bool,
    /// Whether names, address and role are written over at each log-in.
    pub sync_on_login: bool,
    /// Domains of addresses that new accounts may have; empty for any.
    pub email_domains: Vec<String>,
}

impl Default for DirectoryRules {
    fn default() -> Self {
        Self {
            create: true,
            merge_existing: false,
            local_passwords: false,
            sync_on_login: true,
            email_domains: Vec::new(),
        }
    }
}

/// The limits that all protocols share.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct SharedLimits {
    /// Failed tries per account and client network.
    pub account: Quota,
    /// Failed tries per client network.
    pub network: Quota,
    /// Wrong second factors per account, across networks.
    pub second_factor: Quota,
}

impl Default for SharedLimits {
    fn default() -> Self {
        const QUARTER: Duration = Duration::from_secs(15 * 60);
        Self {
            account: Quota { attempts: 10, window: QUARTER },
            network: Quota { attempts: 100, window: QUARTER },
            second_factor: Quota { attempts: 10, window: QUARTER },
        }
    }
}

/// The Zulip protocol's rules.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct ZulipRules {
    /// The careless points of the real server that are wanted.
    pub exact: Exact,
    /// Tries per account (zulip.md 2.6).
    pub login_limit: Option<Quota>,
    /// Calls per user (zulip.md 2.6).
    pub api_limit: Option<Quota>,
    /// Keys of the systems whose assertions are believed, by realm (zulip.md 5.5).
    pub assertions: BTreeMap<String, AssertionRule>,
    /// Whether a password is a way in at this protocol, where the realm lets it be one (zulip.md 2.4).
    pub password_login: bool,
    /// Log-in by name alone.
    pub development: bool,
}

impl Default for ZulipRules {
    /// Passwords alone, without a limit.
    fn default() -> Self {
        Self {
            exact: Exact::default(),
            login_limit: None,
            api_limit: None,
            assertions: BTreeMap::new(),
            password_login: true,
            development: false,
        }
    }
}

/// The Rocket.Chat protocol's rules.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct RocketChatRules {
    /// The careless points of the real server that are wanted.
    pub exact: Exact,
    /// Calls per address and route (rocketchat.md 4.1).
    pub api_limit: Option<Quota>,
    /// Failed tries per account (rocketchat.md 4.2).
    pub block_by_user: Option<Quota>,
    /// Failed tries per address (rocketchat.md 4.2).
    pub block_by_address: Option<Quota>,
    /// Whether an account with an unverified address is refused.
    pub email_verification: bool,
    /// How long a log-in token lives.
    pub token_lifetime: Duration,
    /// How many log-in tokens a user has at most.
    pub max_tokens: u32,
    /// How many steps of 30 seconds a TOTP code may be off.
    pub totp_delta: u32,
    /// How long a mailed code lives.
    pub mailed_code_lifetime: Duration,
    /// How many wrong tries a mailed code survives.
    pub mailed_code_tries: u32,
    /// Whether new users with an address are asked for a mailed code.
    pub email_2fa_auto_opt_in: bool,
    /// How long a second factor is remembered, and how long new accounts need none; zero is neither.
    pub remember_second_factor: Duration,
    /// Whether changes ask accounts without a second factor for their password once more.
    pub password_fallback: bool,
    /// What `users.createToken` takes; without it there are no such tokens.
    pub create_token_secret: Option<Token>,
    /// What new passwords must be made of.
    pub password_policy: Option<PasswordPolicy>,
    /// Whether lost passwords are set anew by mail.
    pub password_reset: bool,
    /// The address clients reach the server under, without a trailing slash: links in mails are below it.
    pub site_url: String,
}

impl Default for RocketChatRules {
    /// The real server's defaults (rocketchat.md 2.4, 3, 4).
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            exact: Exact::default(),
            api_limit: Some(Quota { attempts: 10, window: MINUTE }),
            block_by_user: Some(Quota { attempts: 10, window: 5 * MINUTE }),
            block_by_address: Some(Quota { attempts: 50, window: 5 * MINUTE }),
            email_verification: false,
            token_lifetime: Duration::from_secs(90 * 24 * 3600),
            max_tokens: 50,
            totp_delta: 1,
            mailed_code_lifetime: 60 * MINUTE,
            mailed_code_tries: 5,
            email_2fa_auto_opt_in: false,
            remember_second_factor: 30 * MINUTE,
            password_fallback: true,
            create_token_secret: None,
            password_policy: None,
            password_reset: true,
            site_url: String::new(),
        }
    }
}

/// The Zettelstore protocol's rules.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct ZettelstoreRules {
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// What an answer takes from the look-up on; zero answers at once.
    pub login_delay: Duration,
}

impl Default for ZettelstoreRules {
    /// The real server's defaults (zettelstore.md 2, 6).
    fn default() -> Self {
        Self { token_lifetime: Duration::from_secs(600), login_delay: Duration::from_millis(500) }
    }
}

impl Config {
    /// The careless points wanted at a protocol.
    #[must_use]
    pub fn exact(&self, protocol: ProtocolName) -> Exact {
        match protocol {
            ProtocolName::Zulip => self.zulip.exact.clone(),
            ProtocolName::RocketChat => self.rocketchat.exact.clone(),
            _ => Exact::default(),
        }
    }
}
