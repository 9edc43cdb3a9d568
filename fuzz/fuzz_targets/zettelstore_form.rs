//! A form of any bytes is read, or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = auth_proto_zettelstore::decode::form::credentials(body);
});
