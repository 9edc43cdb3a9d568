//! No token makes verification panic, nor do any claims that a good key signed.
#![no_main]

use auth_core::Timestamp;
use auth_crypto::assertion::{self, AssertionRule};
use auth_crypto::jwt::{Algorithm, Key, sign};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let rule = AssertionRule {
        key: b"key1".to_vec().into(),
        algorithms: vec![Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
        require_exp: false,
    };
    let now = Timestamp::from_secs(1_700_000_000);
    let _ = assertion::verify(text, &rule, now);
    let _ = assertion::verify(sign(&Key::new(Algorithm::Hs256, b"key1"), text).expose(), &rule, now);
});
