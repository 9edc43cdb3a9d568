//! Argon2id operations in three steps, begin, [`compute`](super::computation::compute) and finish, so that the pool
//! can compute several of them together.

#[cfg(feature = "pool")]
use auth_argon2::{Algorithm, Params};
use auth_core::{PasswordString, Rng, SecretInput};
use zeroize::Zeroizing;

use super::argon2::Argon2Hash;
use super::computation::Computation;
use super::hashing_rule::HashingRule;
use super::input::{HashInput, NameContext};
use super::old_hash::OldHash;
use super::schemes::DIGEST_PREFIX;
use super::stored::StoredPassword;
use super::verdict::Verdict;

/// The parameters that another verification needs in order to be computed together with this one; `None` if it is
/// computed alone, because the record has another scheme or an older Argon2 version.
#[cfg(feature = "pool")]
pub(crate) fn batch_params(stored: Option<&StoredPassword>, rule: &HashingRule) -> Option<Params> {
    let Some(stored) = stored else { return Some(rule.params) };
    let hash = stored.as_argon2()?;
    (hash.algorithm() == Algorithm::default()).then(|| hash.params())
}

/// Begins a verification; `None` if the record is not an Argon2 hash. Without a record, a dummy hash is computed.
pub(crate) fn begin_verify(
    stored: Option<&StoredPassword>,
    secret: &SecretInput,
    rule: &HashingRule,
    context: &NameContext,
) -> Option<Computation> {
    let Some(stored) = stored else {
        return Some(Computation::new(Argon2Hash::dummy(rule.params), None));
    };
    let hash = stored.as_argon2()?;
    Some(Computation::new(hash.clone(), stored.bytes(secret, context)))
}

/// The verdict of a computed verification.
pub(crate) fn finish_verify(
    stored: Option<&StoredPassword>,
    secret: &SecretInput,
    rule: &HashingRule,
    computed: &Computation,
) -> Verdict {
    let matches = computed.matches();
    match stored {
        Some(stored) if matches => Verdict::Match { upgrade: stored.upgrade(secret, rule) },
        _ => Verdict::NoMatch,
    }
}

/// Begins a new hash with a random salt.
pub(crate) fn begin_hash(secret: &SecretInput, rule: &HashingRule, rng: &dyn Rng) -> Computation {
    let kind = if hashes_digest(secret, rule) { HashInput::Digest } else { HashInput::Password };
    let input = kind.bytes(secret, &NameContext::default()).unwrap_or_else(|| unknown_input(rng));
    Computation::new(Argon2Hash::salted(rule.params, rng), Some(input))
}

/// The stored string of a computed hash.
pub(crate) fn finish_hash(secret: &SecretInput, rule: &HashingRule, computed: Computation) -> PasswordString {
    let prefix = if hashes_digest(secret, rule) { DIGEST_PREFIX } else { "" };
    PasswordString::new(format!("{prefix}{}", computed.into_hash()))
}

/// Begins the hash around an older one, with a random salt.
pub(crate) fn begin_wrap(old: &OldHash, rule: &HashingRule, rng: &dyn Rng) -> Computation {
    Computation::new(Argon2Hash::salted(rule.params, rng), Some(Zeroizing::new(old.tag().to_vec())))
}

/// The stored string of a computed wrapping.
pub(crate) fn finish_wrap(old: &OldHash, computed: Computation) -> PasswordString {
    old.wrapped(&computed.into_hash())
}

fn hashes_digest(secret: &SecretInput, rule: &HashingRule) -> bool {
    rule.digest_ready || matches!(secret, SecretInput::Digest(_))
}

/// Random bytes that nobody knows, in place of a secret that can't match. An empty input would make the hash of the
/// empty password.
fn unknown_input(rng: &dyn Rng) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    rng.fill(&mut bytes);
    bytes
}
