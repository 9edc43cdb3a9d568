//! Parsing an import line panics for no text.
#![no_main]

libfuzzer_sys::fuzz_target!(|line: &str| {
    let _ = auth_transfer::parse_line(line);
});
