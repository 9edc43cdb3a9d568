//! Verifying a Zettelstore token panics for no text: neither as a token, nor as the claims of a validly signed token.
#![no_main]

use auth_crypto::jwt::{Algorithm, Key, sign};
use auth_crypto::zettel_token::TokenKeys;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let keys = TokenKeys::new(b"0123456789abcdef", []);
    let _ = keys.verify(text);
    let _ = keys.verify(sign(&Key::new(Algorithm::Hs512, b"0123456789abcdef"), text).expose());
});
