//! Decoding a multipart body panics for no body.
#![no_main]

use auth_proto_zulip::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode::multipart::decode("XyZ", decode::charset::Charset::Utf8, data);
});
