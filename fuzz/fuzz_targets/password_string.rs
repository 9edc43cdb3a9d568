//! Parsing a stored password panics for no text. An import accepts exactly the strings that parse, and those with `!`.
#![no_main]

use auth_core::PasswordString;
use auth_crypto::password::{NameContext, StoredPassword, check_import};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let context = NameContext { zettelstore_id: 20240101000100, user_name: "owner".to_owned() };
    let parses = StoredPassword::parse(&PasswordString::new(text)).is_ok();
    assert_eq!(check_import(text, Some(&context)).is_ok(), parses || text.starts_with('!'));
});
