//! Search filters and bind names made from typed text, escaped (RFC 4515, RFC 4514).

use ldap3::{dn_escape, ldap_escape, parse_filter};

use crate::error::ConfigError;

/// The placeholder for the user name in a template.
pub(crate) const USER: &str = "{user}";

/// The placeholder for an entry's distinguished name in a template.
pub(crate) const DN: &str = "{dn}";

/// A filter for entries that match `base_filter` (empty matches all) and have `value` in one of the attributes.
pub(crate) fn any_equals(base_filter: &str, attributes: &[String], value: &str) -> String {
    let value = ldap_escape(value);
    let each: String = attributes.iter().map(|attribute| format!("({attribute}={value})")).collect();
    match (attributes.len(), base_filter.is_empty()) {
        (1, true) => each,
        (1, false) => format!("(&{base_filter}{each})"),
        (_, true) => format!("(|{each})"),
        (_, false) => format!("(&{base_filter}(|{each}))"),
    }
}

/// A filter for all entries that match `base_filter`; empty matches all.
pub(crate) fn all(base_filter: &str) -> &str {
    if base_filter.is_empty() { "(objectClass=*)" } else { base_filter }
}

/// A filter for the groups of the entry `dn`, whose user name is `user`.
pub(crate) fn groups(template: &str, dn: &str, user: &str) -> String {
    fill(template, &[(DN, &ldap_escape(dn)), (USER, &ldap_escape(user))])
}

/// A filter for groups that anyone is in: a value in place of each placeholder is enough. Where the template asks by a rule
/// of its own, such as Active Directory's for nested groups, a value can't be left open, and any entry matches.
pub(crate) fn groups_of_anyone(template: &str) -> String {
    if template.contains(":=") {
        return all("").to_owned();
    }
    fill(template, &[(DN, "*"), (USER, "*")])
}

/// The name to bind as, made from the typed user name; `None` if the template can't hold that name.
pub(crate) fn bind_name(template: &str, user: &str) -> Option<String> {
    if is_dn(template) {
        return Some(fill(template, &[(USER, &dn_escape(user))]));
    }
    // Login names such as `user@example.org` have no escapes: allow only letters that can't end or change one.
    let is_safe = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ' | '\'');
    user.chars().all(is_safe).then(|| fill(template, &[(USER, user)]))
}

/// Whether a template makes a distinguished name, whose entry can be read, rather than a login name.
pub(crate) fn is_dn(template: &str) -> bool {
    template.contains('=')
}

/// Checks a filter from the configuration; `what` names it in the error.
pub(crate) fn check(filter: &str, what: &'static str) -> Result<(), ConfigError> {
    let filled = groups(filter, "x", "x");
    let is_one = filled.starts_with('(') && filled.ends_with(')') && parse_filter(&filled).is_ok();
    if is_one { Ok(()) } else { Err(ConfigError::InvalidFilter(what)) }
}

/// Checks an attribute name (RFC 4512, section 2.5, without options); `what` names it in the error.
pub(crate) fn check_attribute(name: &str, what: &'static str) -> Result<(), ConfigError> {
    let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if is_word && !name.is_empty() { Ok(()) } else { Err(ConfigError::InvalidAttribute(what)) }
}

/// Replaces placeholders in one pass, so that a value that looks like a placeholder is not replaced in turn.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        let replaced =
            values.iter().find_map(|(placeholder, value)| Some((rest.strip_prefix(placeholder)?, value)));
        if let Some((after, value)) = replaced {
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
