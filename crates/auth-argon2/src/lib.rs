//! Argon2id: checked parameters, reusable memory, one call to hash
