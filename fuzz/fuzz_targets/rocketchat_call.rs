//! Reading the parameters of Rocket.Chat's calls panics for no body.
#![no_main]

use auth_proto_rocketchat::decode::{Fields, body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(fields) = Fields::of(body(b"application/json", data), &["tokenName", "bypassTwoFactor", "code"])
    {
        let _ = (fields.text("tokenName"), fields.optional_text("code"), fields.flag("bypassTwoFactor"));
    }
});
