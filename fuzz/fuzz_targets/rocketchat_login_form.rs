//! Decoding a Rocket.Chat login panics for no form body.
#![no_main]

use auth_proto_rocketchat::decode::{body, login_form};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = login_form(body(b"application/x-www-form-urlencoded", bytes), None);
});
