//! A path of any text leads somewhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|path: &str| {
    let _ = auth_proto_zettelstore::decode::route::Route::of(path, "/notes");
});
