//! The engine's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{Exact, Language, PasswordPolicy, Quota, StrengthRule, Token};
use auth_crypto::argon2::Params;
use auth_crypto::assertion::AssertionConfig;

/// The engine's configuration.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct Config {
    /// How long logs are kept.
    pub retention: Retention,
    /// The hashing of passwords, and what new ones must fulfil.
    pub passwords: PasswordConfig,
    /// The quotas that all protocols share; `None` switches them off.
    pub limits: Option<CommonQuotas>,
    /// Delayed responses held at once, those of logins that are being judged included; further logins are refused as
    /// busy before anything is looked up or hashed.
    pub max_delayed: u32,
    /// Entries of the credential cache.
    pub cached_credentials: u32,
    /// How long cached credentials are accepted while the store can't be reached, beyond the second that is always
    /// granted. Revocations by other servers go unnoticed for as long.
    pub outage: Duration,
    /// Lets accounts with a second factor log in by password alone where the protocol has no second step.
    pub allow_password_only_with_2fa: bool,
    /// Whether a change of password also ends keys, personal tokens and app passwords.
    pub revoke_on_password_change: bool,
    /// Whether the name as typed stands in the log lines of attempts.
    pub log_names: bool,
    /// Outgoing mail.
    pub mail: MailConfig,
    /// The password backends that are directories, by name.
    pub directories: BTreeMap<String, DirectoryConfig>,
    /// Zulip's rules.
    pub zulip: ZulipConfig,
    /// Rocket.Chat's rules.
    pub rocketchat: RocketChatConfig,
    /// Zettelstore's rules.
    pub zettelstore: ZettelstoreConfig,
}

impl Default for Config {
    /// What `auth-server` does where its configuration is empty, without the limits of single protocols.
    fn default() -> Self {
        Self {
            retention: Retention::default(),
            passwords: PasswordConfig::default(),
            limits: Some(CommonQuotas::default()),
            max_delayed: 4096,
            cached_credentials: 65_536,
            outage: Duration::ZERO,
            allow_password_only_with_2fa: false,
            revoke_on_password_change: true,
            log_names: false,
            mail: MailConfig::default(),
            directories: BTreeMap::new(),
            zulip: ZulipConfig::default(),
            rocketchat: RocketChatConfig::default(),
            zettelstore: ZettelstoreConfig::default(),
        }
    }
}

/// How long logs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct Retention {
    /// How long the log of attempts is kept.
    pub attempts: Duration,
    /// The most attempts that the log keeps.
    pub max_attempts: u32,
    /// How long the audit log is kept.
    pub audit: Duration,
}

impl Default for Retention {
    /// A million attempts, for 90 days; and the audit log for 400 days.
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self { attempts: 90 * DAY, max_attempts: 1_000_000, audit: 400 * DAY }
    }
}

/// What mails are like, and which are sent.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct MailConfig {
    /// The language of a mail where neither its reader's account nor the request that causes it has one.
    pub language: Language,
    /// The name of the site, which stands before each subject.
    pub site_name: Option<String>,
    /// What owners are told of.
    pub notices: NoticeConfig,
}

/// What is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it")]
pub struct NoticeConfig {
    /// Whether owners are told of changes of passwords, second factors, app passwords and addresses.
    pub changes: bool,
    /// Whether owners are told of logins from new places.
    pub new_places: bool,
}

/// The hashing of passwords, and what new ones must fulfil.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct PasswordConfig {
    /// Argon2id parameters of new hashes.
    pub params: Params,
    /// What new passwords must fulfil where the realm has no rule of its own.
    pub strength: StrengthRule,
    /// When the answer to a wrong password is released.
    pub failure_delay: FailureDelay,
}

impl Default for PasswordConfig {
    /// OWASP's parameters for Argon2id with one lane, and passwords of 8 characters that take 10,000 guesses.
    fn default() -> Self {
        Self {
            params: Params::default(),
            strength: StrengthRule { min_length: 8, min_guesses: 10_000 },
            failure_delay: FailureDelay::default(),
        }
    }
}

/// When the answer to a wrong password is released: at multiples of a width after the attempt began, so that the time an
/// answer takes doesn't tell how the account's password is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "servers choose one")]
pub enum FailureDelay {
    /// Where stored passwords differ in the time they take, twice the time of the slowest, up to a second.
    #[default]
    Auto,
    /// At once.
    Off,
    /// This width.
    Fixed(Duration),
}

/// A directory's rights over accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct DirectoryConfig {
    /// Whether people who log in for the first time get an account.
    pub create: bool,
    /// Whether an account of the same name that is no directory's becomes the entry's at its first login.
    pub merge_existing: bool,
    /// Whether an account whose entry is gone becomes that of the entry with its user name, such as one that was deleted and
    /// made again. Without effect in a realm with several directories, whose entries may be namesakes.
    pub relink_by_name: bool,
    /// Whether the directory's accounts may also log in with a password that is stored here.
    pub local_passwords: bool,
    /// Whether names, address and role are updated at each login.
    pub sync_on_login: bool,
    /// Domains of addresses that new accounts may have; empty for any.
    pub email_domains: Vec<String>,
}

impl Default for DirectoryConfig {
    fn default() -> Self {
        Self {
            create: true,
            merge_existing: false,
            relink_by_name: false,
            local_passwords: false,
            sync_on_login: true,
            email_domains: Vec::new(),
        }
    }
}

/// The quotas of failed logins that are common to all protocols.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct CommonQuotas {
    /// Failed attempts per account and client key.
    pub account: Quota,
    /// Failed attempts per client key. The /56 and the /48 around an IPv6 client key have 4 and 16 times as many.
    pub client: Quota,
    /// Wrong second factors per account and client key. How many an account takes in a day is fixed.
    pub second_factor: Quota,
}

impl Default for CommonQuotas {
    fn default() -> Self {
        const QUARTER: Duration = Duration::from_secs(15 * 60);
        Self {
            account: Quota { attempts: 10, window: QUARTER },
            client: Quota { attempts: 100, window: QUARTER },
            second_factor: Quota { attempts: 10, window: QUARTER },
        }
    }
}

/// The Zulip protocol's rules.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct ZulipConfig {
    /// The exact points that are switched on.
    pub exact: Exact,
    /// Failed attempts per account.
    pub login_limit: Option<Quota>,
    /// Calls per user.
    pub api_limit: Option<Quota>,
    /// Whether links for new passwords are limited: two in an hour and five in a day to an address, five in a day from a client.
    pub reset_limits: bool,
    /// Keys of the systems whose assertions are believed, by realm.
    pub assertions: BTreeMap<String, AssertionConfig>,
    /// Whether users may log in with a password at this protocol, where their realm allows it.
    pub password_login: bool,
    /// Whether users may log in with a name alone: for development servers.
    pub development: bool,
}

impl Default for ZulipConfig {
    /// Passwords alone, without a limit.
    fn default() -> Self {
        Self {
            exact: Exact::default(),
            login_limit: None,
            api_limit: None,
            reset_limits: false,
            assertions: BTreeMap::new(),
            password_login: true,
            development: false,
        }
    }
}

/// The Rocket.Chat protocol's rules.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it field by field")]
pub struct RocketChatConfig {
    /// The exact points that are switched on.
    pub exact: Exact,
    /// Calls per client key and route.
    pub api_limit: Option<Quota>,
    /// Failed attempts per account.
    pub block_by_user: Option<Quota>,
    /// Failed attempts per client key.
    pub block_by_address: Option<Quota>,
    /// Whether an account with an unverified address is refused.
    pub email_verification: bool,
    /// How long a login token lives.
    pub token_lifetime: Duration,
    /// How many login tokens a user has at most.
    pub max_tokens: u32,
    /// How many steps of 30 seconds a TOTP code may be off.
    pub totp_delta: u32,
    /// How long a mailed code lives.
    pub mailed_code_lifetime: Duration,
    /// How many wrong attempts a mailed code survives.
    pub mailed_code_attempts: u32,
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

impl Default for RocketChatConfig {
    /// Rocket.Chat's own defaults.
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
            mailed_code_attempts: 5,
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
pub struct ZettelstoreConfig {
    /// How long a token lives.
    pub token_lifetime: Duration,
    /// How long after a login its token can be renewed.
    pub session_lifetime: Duration,
    /// The time that an answer takes from the look-up on; zero answers at once.
    pub login_delay: Duration,
}

impl Default for ZettelstoreConfig {
    /// Zettelstore's own defaults; and thirty days for renewals, which Zettelstore does not limit.
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_secs(600),
            session_lifetime: Duration::from_secs(30 * 24 * 3600),
            login_delay: Duration::from_millis(500),
        }
    }
}

/// How second factors are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SecondFactorConfig {
    /// The number of steps of 30 seconds by which a TOTP code may be off.
    pub(crate) totp_delta: u32,
    /// Whether a TOTP code is good again in its window, for a change by a user who is signed in at Rocket.Chat.
    pub(crate) takes_codes_again: bool,
    /// How long a mailed code lives.
    pub(crate) mailed_code_lifetime: Duration,
    /// How many wrong attempts a mailed code survives.
    pub(crate) mailed_code_attempts: u32,
    /// How long a second factor is remembered, and how long new accounts need none; zero is neither.
    pub(crate) remember: Duration,
    /// Whether changes ask accounts without a second factor for their password once more.
    pub(crate) password_fallback: bool,
}

impl SecondFactorConfig {
    /// The part of Rocket.Chat's configuration that is about second factors.
    pub(crate) fn new(config: &RocketChatConfig, takes_codes_again: bool) -> Self {
        Self {
            totp_delta: config.totp_delta,
            takes_codes_again,
            mailed_code_lifetime: config.mailed_code_lifetime,
            mailed_code_attempts: config.mailed_code_attempts,
            remember: config.remember_second_factor,
            password_fallback: config.password_fallback,
        }
    }
}
