//! A text frame of any kind is a command, or an error.
#![no_main]

use auth_proto_rocketchat::ddp::Command;

libfuzzer_sys::fuzz_target!(|frame: &str| {
    let _ = Command::decode(frame);
});
