//! No token makes verification panic, nor do any claims that a good key signed.
#![no_main]

use auth_crypto::jwt::{Algorithm, Key, sign};
use auth_crypto::zettel_token::TokenKeys;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let keys = TokenKeys::new(b"0123456789abcdef", []);
    let _ = keys.verify(text);
    let _ = keys.verify(sign(&Key::new(Algorithm::Hs512, b"0123456789abcdef"), text).expose());
});
