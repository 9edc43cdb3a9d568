//! Parsing a `Host` header panics for no text.
#![no_main]

use auth_proto_zulip::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        let _ = decode::host::Host::parse(text);
    }
});
