//! The unit of Argon2's memory.

/// A block of 1 KiB, aligned to 64 bytes.
pub(crate) use argon2::Block;

/// 64-bit words in a block.
pub(crate) const WORDS: usize = Block::SIZE / 8;
