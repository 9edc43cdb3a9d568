//! Decoding a form or a query string panics for no bytes.
#![no_main]

use auth_proto_zulip::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = decode::urlencoded::decode(data);
});
