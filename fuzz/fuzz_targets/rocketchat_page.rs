//! A query of any text gives a page of a list.
#![no_main]

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = auth_proto_rocketchat::decode::Page::of(query);
});
