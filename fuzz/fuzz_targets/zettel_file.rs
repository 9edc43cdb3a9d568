//! Converting Zettelstore's files panics for no content, and gives import lines of users, each with its origin.
#![no_main]

use auth_transfer::{convert_zettel, parse_line};

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for name in ["20240101000200.zettel", "20240101000200.txt", "users.txt"] {
        let mut converted = convert_zettel([(name.to_owned(), content.to_vec())], "notes");
        let (lines, places) = (converted.lines.text().unwrap(), converted.places.text().unwrap());
        assert_eq!(lines.lines().count(), places.lines().count());
        assert!(lines.lines().all(|line| parse_line(line) == Ok("user")));
    }
});
