//! Multipart bodies of the Zulip protocol: whatever comes in, reading returns.

#![no_main]

use auth_proto_zulip::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode::multipart::decode("XyZ", data);
});
