//! The interface of the `argon2` crate on the kernels of this one. A program that names `argon2` in its `use` lines
//! names `auth_argon2::argon2` instead, and stays the same otherwise.
//!
//! [`Argon2`] reads and writes PHC strings, such as `$argon2id$v=19$m=19456,t=2,p=1$…`, by the traits of
//! `password-hash`. All other types are those of the `argon2` crate. Two things differ: the parameters of a string have
//! a limit (see [`Argon2::with_limit`]), and memory is wiped after a hash.
//!
#![cfg_attr(feature = "getrandom", doc = "```")]
#![cfg_attr(not(feature = "getrandom"), doc = "```ignore")]
//! use auth_argon2::argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
//!
//! let hasher = Argon2::default();
//! let string = hasher.hash_password(b"correct horse")?.to_string();
//! let hash = PasswordHash::new(&string)?;
//! assert!(hasher.verify_password(b"correct horse", &hash).is_ok());
//! assert!(hasher.verify_password(b"battery staple", &hash).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use password_hash::phc::{Output, ParamsString, Salt};

pub use ::argon2::{
    ARGON2D_IDENT, ARGON2I_IDENT, ARGON2ID_IDENT, Algorithm, AssociatedData, Block, CustomizedPasswordHasher,
    Error, KeyId, MAX_PWD_LEN, MAX_SALT_LEN, MAX_SECRET_LEN, MIN_SALT_LEN, Params, ParamsBuilder,
    PasswordHash, PasswordHasher, PasswordVerifier, RECOMMENDED_SALT_LEN, Result, Version, password_hash,
};

use crate::{Input, Job, Memory, Options, Variant};

/// A hasher with the interface of the `argon2` crate: a variant, a version, default parameters and perhaps a secret.
///
/// Argon2id of version 19 is computed by the fastest kernel of the machine, on the calling thread. Every hash takes
/// memory from the system and gives it back wiped; [`Memory`] with [`hash_into`](crate::hash_into) keeps it.
#[derive(Clone)]
pub struct Argon2<'key> {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    secret: &'key [u8],
    limit: crate::Params,
}

impl<'key> Argon2<'key> {
    /// The limit on parameters unless [`Argon2::with_limit`] sets another: 1 GiB of memory with four iterations, or less
    /// memory with as many more, and 64 lanes.
    pub const DEFAULT_LIMIT: crate::Params = match crate::Params::new(1 << 20, 4, 64) {
        Ok(limit) => limit,
        Err(_) => crate::Params::DEFAULT,
    };

    /// Creates a hasher without a secret.
    #[must_use]
    pub fn new(algorithm: Algorithm, version: Version, params: Params) -> Self {
        Self { algorithm, version, params, secret: &[], limit: Self::DEFAULT_LIMIT }
    }

    /// Creates a hasher with a secret key that every hash depends on.
    ///
    /// # Errors
    /// [`Error::SecretTooLong`] if the secret has 4 GiB or more.
    pub fn new_with_secret(
        secret: &'key [u8],
        algorithm: Algorithm,
        version: Version,
        params: Params,
    ) -> Result<Self> {
        if secret.len() > MAX_SECRET_LEN {
            return Err(Error::SecretTooLong);
        }
        Ok(Self { secret, ..Self::new(algorithm, version, params) })
    }

    /// Sets the most that a string may ask for when a password is verified, so that a string from outside can't keep
    /// the machine busy or take all its memory.
    ///
    /// The limit holds for the memory, for the lanes, and for the product of memory and iterations, which is the work.
    /// It holds for all parameters that are given to [`CustomizedPasswordHasher`] too, but not for the hasher's own.
    #[must_use]
    pub fn with_limit(self, limit: crate::Params) -> Self {
        Self { limit, ..self }
    }

    /// The hasher's own parameters.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// Hashes a password and fills `out` with the result.
    ///
    /// # Errors
    /// As for the `argon2` crate: a length that is out of bounds or differs from the one in the parameters, or
    /// [`Error::OutOfMemory`].
    pub fn hash_password_into(&self, password: &[u8], salt: &[u8], out: &mut [u8]) -> Result<()> {
        self.check(password, salt, out)?;
        let mut job = [Job { input: self.input(password, salt), out }];
        let params = self.checked_params()?;
        crate::hash_batch(self.own_algorithm(), params, &mut job, &mut Memory::new()).map_err(translate)
    }

    /// Does the same in the caller's memory, of at least [`Params::block_count`] blocks. The blocks that would allow a
    /// shortcut to the hash are wiped.
    ///
    /// # Errors
    /// As for [`Argon2::hash_password_into`], and [`Error::MemoryTooLittle`] for too few blocks.
    pub fn hash_password_into_with_memory(
        &self,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
        mut memory_blocks: impl AsMut<[Block]>,
    ) -> Result<()> {
        self.check(password, salt, out)?;
        let params = self.checked_params()?;
        let memory = memory_blocks.as_mut().get_mut(..params.blocks()).ok_or(Error::MemoryTooLittle)?;
        let mut job = [Job { input: self.input(password, salt), out }];
        crate::hash::hash_in(Options::default(), self.own_algorithm(), params, &mut job, memory)
            .map_err(translate)
    }

    fn input<'a>(&'a self, password: &'a [u8], salt: &'a [u8]) -> Input<'a> {
        Input { password, salt, secret: self.secret, associated_data: self.params.data() }
    }

    fn own_algorithm(&self) -> crate::Algorithm {
        let variant = match self.algorithm {
            Algorithm::Argon2d => Variant::Argon2d,
            Algorithm::Argon2i => Variant::Argon2i,
            Algorithm::Argon2id => Variant::Argon2id,
        };
        let version = match self.version {
            Version::V0x10 => crate::Version::V16,
            Version::V0x13 => crate::Version::V19,
        };
        crate::Algorithm { variant, version }
    }

    /// The parameters as this crate's own. The other crate has checked all but the most memory.
    fn checked_params(&self) -> Result<crate::Params> {
        crate::Params::new(self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
            .map_err(|_| Error::MemoryTooMuch)
    }

    fn check(&self, password: &[u8], salt: &[u8], out: &[u8]) -> Result<()> {
        if out.len() < self.params.output_len().unwrap_or(Params::MIN_OUTPUT_LEN) {
            return Err(Error::OutputTooShort);
        }
        if out.len() > self.params.output_len().unwrap_or(Params::MAX_OUTPUT_LEN) {
            return Err(Error::OutputTooLong);
        }
        if password.len() > MAX_PWD_LEN {
            return Err(Error::PwdTooLong);
        }
        if salt.len() > MAX_SALT_LEN {
            return Err(Error::SaltTooLong);
        }
        Ok(())
    }

    fn allows(&self, params: &Params) -> bool {
        let work = |memory: u32, iterations: u32| u64::from(memory) * u64::from(iterations);
        params.m_cost() <= self.limit.memory_kib()
            && params.p_cost() <= self.limit.lanes()
            && work(params.m_cost(), params.t_cost())
                <= work(self.limit.memory_kib(), self.limit.iterations())
    }
}

/// The other crate's name for an error. All that it checks itself has been checked before.
fn translate(error: crate::Error) -> Error {
    match error {
        crate::Error::SaltTooShort => Error::SaltTooShort,
        crate::Error::OutputTooShort => Error::OutputTooShort,
        crate::Error::AssociatedDataTooLong => Error::AdTooLong,
        crate::Error::InputTooLong => Error::PwdTooLong,
        crate::Error::OutOfMemory => Error::OutOfMemory,
    }
}

impl Default for Argon2<'_> {
    /// Argon2id of version 19 with the default parameters of the `argon2` crate.
    fn default() -> Self {
        Self::from(Params::default())
    }
}

impl From<Params> for Argon2<'_> {
    fn from(params: Params) -> Self {
        Self::new(Algorithm::default(), Version::default(), params)
    }
}

impl From<&Params> for Argon2<'_> {
    fn from(params: &Params) -> Self {
        Self::from(params.clone())
    }
}

impl fmt::Debug for Argon2<'_> {
    /// Shows all but the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2")
            .field("algorithm", &self.algorithm)
            .field("version", &self.version)
            .field("params", &self.params)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl PasswordHasher<PasswordHash> for Argon2<'_> {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> password_hash::Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let length = self.params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut buffer = [0; Output::MAX_LENGTH];
        let out = buffer.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
        self.hash_password_into(password, &salt, out)?;
        Ok(PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(Output::new(out)?),
        })
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Argon2<'_> {
    type Params = Params;

    /// # Errors
    /// `ParamsInvalid` if the parameters exceed the limit of [`Argon2::with_limit`], and as for the `argon2` crate.
    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        if !self.allows(&params) {
            return Err(password_hash::Error::ParamsInvalid);
        }
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        Self { algorithm, version, params, ..*self }.hash_password_with_salt(password, salt)
    }
}

impl PasswordVerifier<str> for Argon2<'_> {
    fn verify_password(&self, password: &[u8], hash: &str) -> password_hash::Result<()> {
        self.verify_password(password, &PasswordHash::new(hash)?)
    }
}
