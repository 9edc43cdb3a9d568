//! What operators do to accounts and keys.
