//! Passwords hashed and verified with `auth-crypto` alone: for a program that has its own users and its own log-in page,
//! and wants to keep their passwords well.
//!
//! [`Passwords`] shows the three steps. Make a [`HashingPool`] once. [Hash](Passwords::hash) a password when an account is
//! made. [Verify](Passwords::verify) one at a login, and store the new hash where there is one: so old hashes are replaced
//! while their owners log in, those of other systems as well.
//!
//! The limit of attempts, second factors and sessions are yours to add. `auth-engine` has them.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context as _;
use auth_core::{ClientKey, Password, PasswordString, SystemRng, SystemStopwatch, cores};
use auth_crypto::argon2::Params;
use auth_crypto::password::{HashingRule, NameContext, SecretInput, StoredPassword, Upgrade, Verdict};
use auth_crypto::pool::{Busy, HashingPool, PoolConfig, Verification};

/// Hashes and verifies passwords on threads of its own.
#[derive(Debug)]
pub struct Passwords {
    pool: HashingPool,
    rule: HashingRule,
}

/// What became of a login.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Login {
    /// The password is wrong, or there is no such account.
    Refused,
    /// The password is right.
    Accepted {
        /// The hash to store in place of the old one, where that is out of date.
        replace_by: Option<String>,
    },
}

impl Passwords {
    /// Starts a thread for each core. New hashes are made with these parameters of Argon2id: [`Params::default`] are
    /// OWASP's.
    ///
    /// # Errors
    /// The system's error when it starts no thread.
    pub fn start(params: Params) -> anyhow::Result<Self> {
        let config = PoolConfig::new(cores(), PoolConfig::INTERLEAVE, params);
        let pool = HashingPool::new(config, Arc::new(SystemRng), Arc::new(SystemStopwatch::start()));
        // `digest_ready` is for clients that send SHA-256 of a password in its place. Yours send the password.
        let rule = HashingRule { params, digest_ready: false };
        Ok(Self { pool: pool.context("the hashing threads can't be started")?, rule })
    }

    /// Makes the hash of a new password, to be stored. `client` is whom the time is charged to: when many wait, clients take
    /// turns.
    ///
    /// # Errors
    /// [`Busy`] when too many wait: answer 503 with its `retry_after`.
    pub async fn hash(&self, password: &str, client: IpAddr) -> Result<String, Busy> {
        let hash = self.pool.hash(secret(password), self.rule, ClientKey::of(client)).await?;
        Ok(hash.expose().to_owned())
    }

    /// Verifies a password against what is stored; `None` where there is no such account.
    ///
    /// An account that there is not takes as long as one that there is, so that the time doesn't tell which names exist.
    ///
    /// # Errors
    /// [`Busy`]: nothing is known about the password.
    pub async fn verify(&self, stored: Option<&str>, password: &str, client: IpAddr) -> Result<Login, Busy> {
        let class = ClientKey::of(client).into();
        // A string that can't be read is as good as none. `auth_crypto::password::check_import` finds them beforehand.
        let stored = stored.and_then(|text| StoredPassword::parse(&PasswordString::new(text)).ok());
        let (rule, context) = (self.rule, NameContext::default());
        let verification = Verification { stored, secret: secret(password), rule, context, class };
        Ok(match self.pool.verify(verification).await? {
            Verdict::NoMatch => Login::Refused,
            Verdict::Match { upgrade: Upgrade::None } => Login::Accepted { replace_by: None },
            Verdict::Match { upgrade: Upgrade::Obsolete | Upgrade::Rewrap } => {
                // The password is right whatever becomes of the new hash: there will be another login.
                Login::Accepted { replace_by: self.hash(password, client).await.ok() }
            }
        })
    }
}

/// The password as a secret, which is wiped when it is dropped.
fn secret(password: &str) -> SecretInput {
    SecretInput::Password(Password::new(password))
}
