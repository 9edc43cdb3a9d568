//! References to other servers that come with a list, for the parts that they hold ([RFC 4511, section
//! 4.5.3](https://www.rfc-editor.org/rfc/rfc4511#section-4.5.3)). None is followed.

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::dn::{is_below, is_same_value};

/// Parts of every Active Directory, by the first part of their names. No people and no groups are in them.
const WITHOUT_PEOPLE: [&str; 3] = ["dc=ForestDnsZones", "dc=DomainDnsZones", "cn=Configuration"];

/// A reference to another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referral {
    /// The distinguished name below which the other server holds entries; `None` if the reference doesn't say it.
    base: Option<String>,
}

impl Referral {
    /// The reference of an LDAP URL ([RFC 4516](https://www.rfc-editor.org/rfc/rfc4516)).
    pub(crate) fn of(url: &str) -> Self {
        let (_, after_scheme) = url.split_once("://").unwrap_or_default();
        let (_, after_host) = after_scheme.split_once('/').unwrap_or_default();
        let name = after_host.split('?').next().unwrap_or_default();
        Self { base: percent_decoded(name).filter(|name| !name.is_empty()) }
    }

    /// Whether people can be in the part of the other server.
    pub(crate) fn may_hold_people(&self) -> bool {
        let first = self.base.as_deref().map(|base| base.split(',').next().unwrap_or_default());
        first.is_none_or(|first| !WITHOUT_PEOPLE.iter().any(|known| is_same_value(first, known)))
    }

    /// Whether the entry of that distinguished name can be in the part of the other server.
    pub(crate) fn may_hold(&self, dn: &str) -> bool {
        self.base.as_deref().is_none_or(|base| is_below(dn, base))
    }
}

/// A text with its `%` and two digits replaced by bytes; `None` if it isn't UTF-8 then.
fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.extend(HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_says_what_another_server_holds() {
        for (url, people, holds) in [
            ("ldap://child.example.org/DC=child,DC=example,DC=org??sub", true, true),
            ("ldap://child.example.org/dc=child,%20dc=Example,dc=org", true, true),
            ("ldap://other.example.org/dc=other,dc=org", true, false),
            ("ldaps://ForestDnsZones.example.org/DC=ForestDnsZones,DC=example,DC=org", false, false),
            ("ldap://DomainDnsZones.example.org/dc%3DDomainDnsZones,DC=example,DC=org", false, false),
            ("ldap://example.org/CN=Configuration,DC=example,DC=org", false, false),
            ("ldap://example.org/OU=Configuration,DC=example,DC=org", true, false),
            // What it doesn't say may be anything.
            ("ldap://other.example.org/", true, true),
            ("ldap://other.example.org", true, true),
            ("ldap://other.example.org/dc=%f", true, true),
            ("ldap://other.example.org/dc=%ff", true, true),
            ("", true, true),
        ] {
            let referral = Referral::of(url);
            let found =
                (referral.may_hold_people(), referral.may_hold("cn=admins,dc=child,dc=example,dc=org"));
            assert_eq!(found, (people, holds), "{url}");
        }
    }
}
