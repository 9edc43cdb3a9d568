//! The searches that a typed name stands for, in order (docs/contract/zulip.md, section 7; docs/contract/rocketchat.md,
//! section 5).

use crate::config::NameLookup;

/// The longest name that is searched for, in bytes. Servers close the connection on much longer requests.
const MAX_BYTES: usize = 1024;

/// One search for a typed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameQuery {
    /// Searches the e-mail attribute.
    Email(String),
    /// Searches the configured search attributes.
    Name(String),
}

/// The searches for a typed name; the first that finds exactly one entry counts. There are none for a name that is
/// empty, too long or in another domain.
pub(crate) fn queries(lookup: &NameLookup, typed: &str) -> Vec<NameQuery> {
    let typed = typed.trim();
    if typed.is_empty() || typed.len() > MAX_BYTES {
        return Vec::new();
    }
    let address = typed.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    match (&lookup.append_domain, address) {
        (Some(ours), Some((local, domain))) if domain == ours => vec![NameQuery::Name(unquoted(local))],
        (Some(_), Some(_)) => Vec::new(),
        (None, Some(_)) if lookup.search_email => {
            vec![NameQuery::Email(typed.to_owned()), NameQuery::Name(typed.to_owned())]
        }
        _ => vec![NameQuery::Name(typed.to_owned())],
    }
}

/// The e-mail address of a user name in a domain, with the local part quoted where RFC 5322 requires it.
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

/// The local part of an address without quotation marks and escapes (RFC 5322, section 3.2.4).
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

    fn shown(lookup: &NameLookup, typed: &str) -> String {
        let shown = queries(lookup, typed).into_iter().map(|query| match query {
            NameQuery::Email(email) => format!("email {email}"),
            NameQuery::Name(name) => format!("name {name}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn typed_names_become_the_configured_queries() {
        let by_email = NameLookup::default();
        let appended = NameLookup { append_domain: Some("zulip.com".into()), ..NameLookup::default() };
        let plain = NameLookup { search_email: false, ..NameLookup::default() };
        for (lookup, typed, expected) in [
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
            assert_eq!(shown(lookup, typed), expected, "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_made_of_a_name_means_that_name(user in "\\PC{1,30}") {
            let user = user.trim().to_owned();
            prop_assume!(!user.is_empty());
            let lookup = NameLookup { append_domain: Some("zulip.com".into()), ..NameLookup::default() };
            prop_assert_eq!(queries(&lookup, &address(&user, "zulip.com")), [NameQuery::Name(user)]);
        }
    }
}
