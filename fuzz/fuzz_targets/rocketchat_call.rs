//! Reading the parameters of Rocket.Chat's calls panics for no body.
#![no_main]

use auth_proto_rocketchat::decode::{Fields, OwnChange, body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = OwnChange::of(body(b"application/json", data));
    if let Ok(fields) = Fields::of(body(b"application/json", data), &["tokenName", "bypassTwoFactor", "code"])
    {
        let _ = (fields.text("tokenName"), fields.optional_text("code"), fields.flag("bypassTwoFactor"));
    }
});
