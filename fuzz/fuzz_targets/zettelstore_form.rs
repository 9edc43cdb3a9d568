//! Reading Zettelstore's login form panics for no body.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let _ = auth_proto_zettelstore::decode::form::credentials(body);
});
