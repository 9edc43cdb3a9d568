//! Verifying an assertion panics for no text: neither as a token, nor as the claims of a validly signed token.
#![no_main]

use auth_core::Timestamp;
use auth_crypto::assertion::{self, AssertionConfig};
use auth_crypto::jwt::{Algorithm, Key, sign};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let config = AssertionConfig {
        key: b"key1".to_vec().into(),
        algorithms: vec![Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
        require_exp: false,
    };
    let now = Timestamp::from_secs(1_700_000_000);
    let _ = assertion::verify(text, &config, now);
    let _ = assertion::verify(sign(&Key::new(Algorithm::Hs256, b"key1"), text).expose(), &config, now);
});
