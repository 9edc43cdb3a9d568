//! Routing a path of Zettelstore, and spelling it cleanly, panics for no path.
#![no_main]

use auth_proto_zettelstore::decode::path::{Destination, clean_location};

libfuzzer_sys::fuzz_target!(|path: &str| {
    let _ = (Destination::of(path, "/notes"), clean_location(path, "/notes"));
});
