//! Decoding a DDP text frame panics for no text.
#![no_main]

use auth_proto_rocketchat::ddp::Command;

libfuzzer_sys::fuzz_target!(|frame: &str| {
    let _ = Command::decode(frame);
});
