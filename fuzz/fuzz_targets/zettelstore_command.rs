//! A query of any text names a command, or none.
#![no_main]

libfuzzer_sys::fuzz_target!(|query: &str| {
    let _ = auth_proto_zettelstore::decode::command::Command::of(query);
});
