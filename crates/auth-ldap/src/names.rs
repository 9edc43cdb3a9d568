//! What a typed name may mean, in the order in which it is tried (zulip.md 7, rocketchat.md 5).

use crate::settings::Naming;

/// The longest name that is looked for, in bytes: servers close connections on what is much longer.
const LONGEST: usize = 1024;

/// A way to read a typed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As an address that an entry has.
    Email(String),
    /// As a name in the attributes that are searched.
    Name(String),
}

/// The readings of a typed name: the first that finds exactly one entry counts. None for a name of another domain.
pub(crate) fn readings(naming: &Naming, typed: &str) -> Vec<Reading> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > LONGEST {
        return Vec::new();
    }
    let address = typed.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    match (&naming.append_domain, address) {
        (Some(ours), Some((local, domain))) if domain == ours => vec![Reading::Name(unquoted(local))],
        (Some(_), Some(_)) => Vec::new(),
        (None, Some(_)) if naming.by_email => {
            vec![Reading::Email(typed.to_owned()), Reading::Name(typed.to_owned())]
        }
        _ => vec![Reading::Name(typed.to_owned())],
    }
}

/// The address of a user in a domain.
pub(crate) fn address(user: &str, domain: &str) -> String {
    let is_dot_atom = user.split('.').all(|atom| {
        let atom_letter = |c: char| {
            c.is_ascii_alphanumeric()
                || "!#$%&'*+-/=?^_`{|}~".contains(c)
                || (!c.is_ascii() && !c.is_control())
        };
        !atom.is_empty() && atom.chars().all(atom_letter)
    });
    if is_dot_atom {
        return format!("{user}@{domain}");
    }
    let quoted: String =
        user.chars().flat_map(|c| ['"', '\\'].contains(&c).then_some('\\').into_iter().chain([c])).collect();
    format!("\"{quoted}\"@{domain}")
}

/// The local part of an address without its quotation marks (RFC 5322 3.2.4).
fn unquoted(local: &str) -> String {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let mut letters = inner.chars();
    let mut plain = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(naming: &Naming, typed: &str) -> String {
        let shown = readings(naming, typed).into_iter().map(|reading| match reading {
            Reading::Email(email) => format!("email {email}"),
            Reading::Name(name) => format!("name {name}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn names_are_read_as_configured() {
        let by_email = Naming::default();
        let appended = Naming { append_domain: Some("zulip.com".into()), ..Naming::default() };
        let plain = Naming { by_email: false, ..Naming::default() };
        for (naming, typed, expected) in [
            (&by_email, "hamlet", "name hamlet"),
            (&by_email, " hamlet\t", "name hamlet"),
            (&by_email, "hamlet@zulip.com", "email hamlet@zulip.com, name hamlet@zulip.com"),
            (&by_email, "@hamlet", "name @hamlet"),
            (&by_email, "hamlet@", "name hamlet@"),
            (&by_email, "", ""),
            (&by_email, "  ", ""),
            (&by_email, &"x".repeat(1025), ""),
            (&plain, "hamlet@zulip.com", "name hamlet@zulip.com"),
            (&appended, "hamlet", "name hamlet"),
            (&appended, "hamlet@zulip.com", "name hamlet"),
            (&appended, "hamlet@acme.com", ""),
            (&appended, "hamlet@ZULIP.com", ""),
            (&appended, "hamlet@acme.com@zulip.com", "name hamlet@acme.com"),
            (&appended, "\"the prince\"@zulip.com", "name the prince"),
            (&appended, r#""a\"b"@zulip.com"#, "name a\"b"),
        ] {
            assert_eq!(shown(naming, typed), expected, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_made_of_a_name_means_that_name(user in "\\PC{1,30}") {
            let user = user.trim().to_owned();
            prop_assume!(!user.is_empty());
            let naming = Naming { append_domain: Some("zulip.com".into()), ..Naming::default() };
            prop_assert_eq!(readings(&naming, &address(&user, "zulip.com")), [Reading::Name(user)]);
        }
    }
}
