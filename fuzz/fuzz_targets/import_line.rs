//! A line of an import holds a realm or a user, or says what is wrong with it.
#![no_main]

libfuzzer_sys::fuzz_target!(|line: &str| {
    let _ = auth_transfer::parse_line(line);
});
