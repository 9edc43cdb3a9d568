//! Reading Zettelstore's Basic credentials panics for no header.
#![no_main]

libfuzzer_sys::fuzz_target!(|value: &[u8]| {
    let _ = auth_proto_zettelstore::decode::authorization::basic(value);
});
