//! Filters and names with typed text in them, escaped (RFC 4515, RFC 4514).

use ldap3::{dn_escape, ldap_escape, parse_filter};

use crate::settings::SettingsError;

/// Where a typed name goes in a template.
pub(crate) const USER: &str = "{user}";

/// Where an entry's name goes in a template.
pub(crate) const DN: &str = "{dn}";

/// Entries that fulfil `also` (a filter, or nothing) and have `value` in one of the attributes.
pub(crate) fn any_equals(also: &str, attributes: &[String], value: &str) -> String {
    let value = ldap_escape(value);
    let each: String = attributes.iter().map(|attribute| format!("({attribute}={value})")).collect();
    match (attributes.len(), also.is_empty()) {
        (1, true) => each,
        (1, false) => format!("(&{also}{each})"),
        (_, true) => format!("(|{each})"),
        (_, false) => format!("(&{also}(|{each}))"),
    }
}

/// Entries that fulfil `also`, or all.
pub(crate) fn everybody(also: &str) -> &str {
    if also.is_empty() { "(objectClass=*)" } else { also }
}

/// The groups of a person.
pub(crate) fn groups(template: &str, dn: &str, user: &str) -> String {
    // In one pass: what stands in for one place is not looked at for the other.
    fill(template, &[(DN, &ldap_escape(dn)), (USER, &ldap_escape(user))])
}

/// The name to bind as, where it is made of the typed one. `None` where the typed one can't stand in it.
pub(crate) fn bind_name(template: &str, user: &str) -> Option<String> {
    if is_dn(template) {
        return Some(fill(template, &[(USER, &dn_escape(user))]));
    }
    // A log-in name has no escapes: only what can't end or change it.
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ' | '\'');
    user.chars().all(plain).then(|| fill(template, &[(USER, user)]))
}

/// Whether a template gives a distinguished name, whose entry can be read, or a log-in name.
pub(crate) fn is_dn(template: &str) -> bool {
    template.contains('=')
}

/// Checks a filter of the operator's.
pub(crate) fn check(filter: &str, what: &'static str) -> Result<(), SettingsError> {
    let filled = groups(filter, "x", "x");
    let is_one = filled.starts_with('(') && filled.ends_with(')') && parse_filter(&filled).is_ok();
    if is_one { Ok(()) } else { Err(SettingsError::Filter(what)) }
}

/// Checks the name of an attribute (RFC 4512 2.5, a description without options).
pub(crate) fn check_attribute(name: &str, what: &'static str) -> Result<(), SettingsError> {
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if is_word && !name.is_empty() { Ok(()) } else { Err(SettingsError::Attribute(what)) }
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        let place = values.iter().find_map(|(place, value)| Some((rest.strip_prefix(place)?, value)));
        if let Some((after, value)) = place {
            filled.push_str(value);
            rest = after;
        } else {
            filled.push(next);
            rest = rest.strip_prefix(next).unwrap_or_default();
        }
    }
    filled
}

#[cfg(test)]
mod tests;
