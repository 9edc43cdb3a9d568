//! The inputs and the output of a hash, and the limits on their lengths.

use core::fmt;

use argon2::AssociatedData;

/// The least length of a salt, in bytes.
pub const MIN_SALT: usize = 8;

/// The least length of the output, in bytes.
pub const MIN_OUTPUT: usize = 4;

/// The greatest length of associated data, in bytes.
pub const MAX_ASSOCIATED_DATA: usize = AssociatedData::MAX_LEN;

/// The inputs of a hash. Each is shorter than 4 GiB.
///
/// `Debug` shows none of them.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "RFC 9106 names the four inputs")]
pub struct Input<'a> {
    /// The password, which may be empty.
    pub password: &'a [u8],
    /// The salt, of at least [`MIN_SALT`] bytes.
    pub salt: &'a [u8],
    /// A secret key that the hash depends on. Usually empty.
    pub secret: &'a [u8],
    /// Data that the hash depends on, of at most [`MAX_ASSOCIATED_DATA`] bytes. Usually empty.
    pub associated_data: &'a [u8],
}

impl<'a> Input<'a> {
    /// A password and a salt, without a secret and associated data.
    #[must_use]
    pub fn new(password: &'a [u8], salt: &'a [u8]) -> Self {
        Self { password, salt, secret: &[], associated_data: &[] }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input(…)")
    }
}

/// One hash of a batch.
///
/// `Debug` shows neither the inputs nor the output.
#[expect(clippy::exhaustive_structs, reason = "a hash has an input and an output")]
pub struct Job<'a> {
    /// The inputs.
    pub input: Input<'a>,
    /// The buffer that the hash fills, of at least [`MIN_OUTPUT`] bytes. Its length is itself an input of the hash.
    pub out: &'a mut [u8],
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job(…)")
    }
}
