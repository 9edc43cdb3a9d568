//! Reading Zettelstore's command panics for no query.
#![no_main]

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = auth_proto_zettelstore::decode::command::Command::of(query);
});
