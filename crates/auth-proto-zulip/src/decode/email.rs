//! The syntax of e-mail addresses, by the rules of Django's validator.

use std::net::IpAddr;

/// The longest address, in characters.
const MAX_ADDRESS: usize = 320;

/// The longest label of a domain, in characters.
const MAX_LABEL: usize = 63;

/// The longest label with other than ASCII letters, which grows by a prefix of at least four when written in ASCII.
const MAX_FOREIGN_LABEL: usize = MAX_LABEL - 4;

/// Whether a text has the form of an e-mail address. Nothing is trimmed.
///
/// In labels with other than ASCII letters, every letter, digit and hyphen passes: Python's IDNA, which refuses rare
/// ones, is not consulted.
///
/// ```
/// use auth_proto_zulip::decode::email::is_email;
/// assert!(is_email("iago@zulip.com") && is_email("iago@localhost") && is_email("a@bücher.de"));
/// assert!(!is_email("iago") && !is_email(" iago@zulip.com") && !is_email("ü@zulip.com"));
/// ```
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((user, domain)) = text.rsplit_once('@') else { return false };
    text.chars().count() <= MAX_ADDRESS && is_user(user) && is_domain(domain)
}

fn is_user(user: &str) -> bool {
    match user.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted),
        None => user.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character)),
    }
}

fn is_atom_character(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit() || "-!#$%&'*+/=?^_`{}|~".contains(c)
}

/// Whether a character is an ASCII letter, or one of four more that Python's patterns match when they ignore case.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{130}' | '\u{131}' | '\u{17F}' | '\u{212A}')
}

fn is_quoted(inner: &str) -> bool {
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        let good = match c {
            '\\' => characters.next().is_some_and(
                |escaped| matches!(escaped, '\u{1}'..='\u{9}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{7F}'),
            ),
            '\u{1}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '!' | '#'..='[' | ']'..='\u{7F}' => {
                true
            }
            other => is_letter(other),
        };
        if !good {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    if domain == "localhost" || is_literal(domain) {
        return true;
    }
    let labels: Vec<&str> = if domain.is_ascii() {
        domain.split('.').collect()
    } else {
        domain.split(['.', '\u{3002}', '\u{FF0E}', '\u{FF61}']).collect()
    };
    let Some((top, others)) = labels.split_last() else { return false };
    !others.is_empty() && others.iter().all(|label| is_label(label)) && is_top_label(top)
}

/// An IP address in brackets.
fn is_literal(domain: &str) -> bool {
    let inner = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<IpAddr>().is_ok())
}

fn is_label(label: &str) -> bool {
    has_label_form(label) && !label.starts_with('-')
}

fn is_top_label(label: &str) -> bool {
    has_label_form(label) && (label.chars().nth(1).is_some() || !label.chars().all(is_label_character))
}

fn has_label_form(label: &str) -> bool {
    let plain = label.chars().all(is_label_character);
    let foreign = || label.chars().all(|c| c == '-' || c.is_alphanumeric());
    let longest = if plain { MAX_LABEL } else { MAX_FOREIGN_LABEL };
    !label.is_empty() && !label.ends_with('-') && (plain || foreign()) && label.chars().count() <= longest
}

fn is_label_character(c: char) -> bool {
    is_letter(c) || c.is_ascii_digit() || c == '-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn judges_as_django_does() {
        let local = "a".repeat(65);
        let just = format!("{}@zulip.com", "a".repeat(310));
        for good in [
            "iago@zulip.com",
            "IAGO@ZULIP.COM",
            "iago@localhost",
            "iago@[127.0.0.1]",
            "iago@[::1]",
            "iago+x@zulip.com",
            "a'b@zulip.com",
            "a@bücher.de",
            "a@b。de",
            "a@zulip.рф",
            "a@b-c.co",
            "\"quoted\"@zulip.com",
            "\"a\\ b\"@zulip.com",
            "\u{212A}ing@lear.org",
            "a@1.2.3.45",
            &format!("{local}@zulip.com"),
            &just,
        ] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("a{just}");
        let label = format!("a@{}.com", "b".repeat(64));
        for bad in [
            "",
            "@",
            "iago",
            "iago@",
            "@zulip.com",
            " iago@zulip.com",
            "iago@zulip.com ",
            "iago@zulip.com\n",
            "\tiago@zulip.com",
            "a b@zulip.com",
            "Iago <iago@zulip.com>",
            "iago@@zulip.com",
            "iago@zulip.com@x.com",
            "ü@zulip.com",
            ".a@zulip.com",
            "a.@zulip.com",
            "a..b@zulip.com",
            "iago\0@zulip.com",
            "iago@zulip",
            "iago@127.0.0.1",
            "iago@[127.0.0]",
            "iago@[x]",
            "a@-b.com",
            "a@b-.com",
            "a@b_c.com",
            "a@b.c",
            "a@b..com",
            "a@.com",
            "a@b.com.",
            "a@b.com-",
            "a@b c.com",
            "a@bü_.de",
            "\"a b\"@zulip.com",
            "\"a\\\n\"@zulip.com",
            "\"a@zulip.com",
            "\"@zulip.com",
            "\u{FFFD}@zulip.com",
            &long,
            &label,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text: String) {
            let _ = is_email(&text);
        }

        #[test]
        fn ordinary_addresses_pass(user in "[a-z0-9]{1,20}(\\.[a-z0-9]{1,20})?", domain in "[a-z0-9]{1,20}\\.[a-z]{2,8}") {
            let address = format!("{user}@{domain}");
            prop_assert!(is_email(&address));
            let spaced = format!(" {address}");
            prop_assert!(!is_email(&spaced));
        }
    }
}
