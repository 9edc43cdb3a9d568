//! Parsing a header value with parameters panics for no text.
#![no_main]

use auth_proto_zulip::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        let read = decode::header::Parameterised::parse(text);
        let charset = read.ok().and_then(|read| read.charset());
        let _ = charset.and_then(|charset| charset.decode(data));
    }
});
