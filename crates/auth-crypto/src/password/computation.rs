//! Computations of Argon2 tags, alone or several together.

use std::slice;

use auth_argon2::{Job, Memory, OutOfMemory, hash_batch};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::argon2::Argon2Hash;

/// The computation of one tag.
pub(crate) struct Computation {
    hash: Argon2Hash,
    /// Empty when the secret can't match.
    input: Zeroizing<Vec<u8>>,
    can_match: bool,
    /// The computed tag; zeros until [`compute`] is done.
    tag: Zeroizing<Vec<u8>>,
}

impl Computation {
    /// The tag of `input` with the salt and the parameters of `hash`. Without an input, an empty one is hashed, and
    /// the result never matches.
    pub(super) fn new(hash: Argon2Hash, input: Option<Zeroizing<Vec<u8>>>) -> Self {
        let tag = Zeroizing::new(vec![0; hash.tag().len()]);
        Self { hash, can_match: input.is_some(), input: input.unwrap_or_default(), tag }
    }

    /// Whether the computed tag is that of the hash, compared in constant time.
    pub(super) fn matches(&self) -> bool {
        let is_equal: bool = self.tag.ct_eq(self.hash.tag()).into();
        is_equal && self.can_match
    }

    /// The hash with the computed tag in place of its own.
    pub(super) fn into_hash(self) -> Argon2Hash {
        self.hash.with_tag(&self.tag)
    }
}

/// Computes all computations together. Their algorithms and parameters must be equal.
///
/// # Errors
/// [`OutOfMemory`]: nothing is computed.
pub(crate) fn compute(computations: &mut [Computation], memory: &mut Memory) -> Result<(), OutOfMemory> {
    let Some(first) = computations.first() else { return Ok(()) };
    let (algorithm, params) = (first.hash.algorithm(), first.hash.params());
    let mut jobs: Vec<Job<'_>> = computations
        .iter_mut()
        .map(|one| Job { input: one.hash.input(&one.input), out: &mut one.tag })
        .collect();
    // All lengths are within Argon2's bounds, so memory is all that can be missing.
    hash_batch(algorithm, params, &mut jobs, memory).map_err(|_| OutOfMemory)
}

/// Computes the tag of `input` with the salt and the parameters of `hash`.
///
/// # Errors
/// [`OutOfMemory`].
pub(super) fn tag_of(
    hash: &Argon2Hash,
    input: &[u8],
    memory: &mut Memory,
) -> Result<Zeroizing<Vec<u8>>, OutOfMemory> {
    let mut computation = Computation::new(hash.clone(), Some(Zeroizing::new(input.to_vec())));
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(computation.tag)
}
