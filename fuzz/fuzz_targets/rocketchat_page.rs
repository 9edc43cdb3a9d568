//! A query of any text asks for some page of a list.
#![no_main]

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = auth_proto_rocketchat::decode::Page::of(query);
});
