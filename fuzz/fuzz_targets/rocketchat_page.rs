//! Reading the page of Rocket.Chat's lists panics for no query.
#![no_main]

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = auth_proto_rocketchat::decode::Page::of(query);
});
