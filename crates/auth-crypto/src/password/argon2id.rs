//! Argon2 in three steps, begin, compute and end, so that hashes of several passwords can be computed together.

use std::slice;

use auth_argon2::{Algorithm, Input, Job, Memory, OutOfMemory, Params, hash_batch};
use auth_core::{PasswordString, Rng};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::phc::Argon2Hash;
use super::{
    DIGEST_TAG, Hash, HashingRule, NameContext, OldHash, Secret, StoredPassword, Verdict, nobodys_input,
};
use crate::password::input::Subject;

/// One computation: what goes in, and the tag that comes out.
pub(crate) struct Computation {
    hash: Argon2Hash,
    /// Empty where nothing that was sent could match.
    input: Zeroizing<Vec<u8>>,
    can_match: bool,
    tag: Zeroizing<Vec<u8>>,
}

/// The parameters of a verification that can be computed together with others of the same; nothing for schemes
/// and versions that are computed alone.
pub(crate) fn shared_params(stored: Option<&StoredPassword>, rule: &HashingRule) -> Option<Params> {
    match stored.map(|stored| &stored.hash) {
        None => Some(rule.params),
        Some(Hash::Argon2(hash)) => (hash.algorithm() == Algorithm::default()).then(|| hash.params()),
        Some(_) => None,
    }
}

/// A verification to compute; nothing where the record isn't Argon2's. Without a record, nobody's.
pub(crate) fn begin_verify(
    stored: Option<&StoredPassword>,
    secret: &Secret,
    rule: &HashingRule,
    context: &NameContext,
) -> Option<Computation> {
    let Some(stored) = stored else {
        return Some(Computation::new(Argon2Hash::nobodys(rule.params), None));
    };
    match &stored.hash {
        Hash::Argon2(hash) => Some(Computation::new(hash.clone(), stored.subject.input(secret, context))),
        _ => None,
    }
}

/// What a computed verification says.
pub(crate) fn end_verify(
    stored: Option<&StoredPassword>,
    secret: &Secret,
    rule: &HashingRule,
    computed: &Computation,
) -> Verdict {
    let matched: bool = computed.tag.ct_eq(computed.hash.tag()).into();
    match stored {
        Some(stored) if matched && computed.can_match => {
            Verdict::Match { upgrade: stored.upgrade(secret, rule) }
        }
        _ => Verdict::NoMatch,
    }
}

/// A new hash to compute, with a random salt.
pub(crate) fn begin_hash(secret: &Secret, rule: &HashingRule, rng: &dyn Rng) -> Computation {
    let subject = if is_over_digest(secret, rule) { Subject::Digest } else { Subject::Password };
    // Never of nothing in its place: that would be the hash of the empty password.
    let input = subject.input(secret, &NameContext::default()).unwrap_or_else(|| nobodys_input(rng));
    Computation::new(Argon2Hash::salted(rule.params, rng), Some(input))
}

/// The stored string of a computed hash.
pub(crate) fn end_hash(secret: &Secret, rule: &HashingRule, computed: Computation) -> PasswordString {
    let tag = if is_over_digest(secret, rule) { DIGEST_TAG } else { "" };
    PasswordString::new(format!("{tag}{}", computed.hash.with_tag(&computed.tag)))
}

/// The hash around an older one to compute, with a random salt.
pub(crate) fn begin_wrap(old: &OldHash, rule: &HashingRule, rng: &dyn Rng) -> Computation {
    Computation::new(Argon2Hash::salted(rule.params, rng), Some(Zeroizing::new(old.tag().to_vec())))
}

/// The stored string of a computed wrapping.
pub(crate) fn end_wrap(old: &OldHash, computed: Computation) -> PasswordString {
    old.wrapped(&computed.hash.with_tag(&computed.tag))
}

/// The tag that a hash would have if it were of `input`.
pub(super) fn tag_of(
    hash: &Argon2Hash,
    input: &[u8],
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, OutOfMemory> {
    let mut computation = Computation::new(hash.clone(), Some(Zeroizing::new(input.to_vec())));
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(computation.tag)
}

/// Computes all, whose parameters are equal, together.
///
/// # Errors
/// [`OutOfMemory`]: none is computed.
pub(crate) fn compute(all: &mut [Computation], memory: &mut Memory) -> Result<(), OutOfMemory> {
    let Some(first) = all.first() else { return Ok(()) };
    let (algorithm, params) = (first.hash.algorithm(), first.hash.params());
    let mut jobs: Vec<Job<'_>> = all
        .iter_mut()
        .map(|one| Job { input: Input::new(&one.input, one.hash.salt()), out: &mut one.tag })
        .collect();
    // All lengths are within Argon2's, so memory is all that can be missing.
    hash_batch(algorithm, params, &mut jobs, memory).map_err(|_| OutOfMemory)
}

impl Computation {
    fn new(hash: Argon2Hash, input: Option<Zeroizing<Vec<u8>>>) -> Self {
        let tag = Zeroizing::new(vec![0; hash.tag().len()]);
        Self { hash, can_match: input.is_some(), input: input.unwrap_or_default(), tag }
    }
}

fn is_over_digest(secret: &Secret, rule: &HashingRule) -> bool {
    rule.digest_ready || matches!(secret, Secret::Digest(_))
}
