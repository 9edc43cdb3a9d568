//! A path of any text leads somewhere, and has a clean spelling.
#![no_main]

use auth_proto_zettelstore::decode::path::{Destination, clean_location};

libfuzzer_sys::fuzz_target!(|path: &str| {
    let _ = (Destination::of(path, "/notes"), clean_location(path, "/notes"));
});
