//! A Bearer header of any bytes is read, or skipped.
#![no_main]

libfuzzer_sys::fuzz_target!(|value: &[u8]| {
    let _ = auth_proto_zettelstore::decode::authorization::bearer(value);
});
