//! The error of a configuration that can't be used.

use std::fmt;

/// Why a configuration can't be used, in one line.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Keys whose values may be secrets or hold one. Their values are never shown. Neither is what is given in place of a file's
/// name: it may be the secret itself.
const SECRET_KEYS: [&str; 6] = ["url", "password", "smtp", "create_token_secret", "key", "bind_password"];

/// Where a value is in the file: its keys, from the section's on.
pub(super) struct KeyPath(Vec<String>);

impl KeyPath {
    pub(super) fn new(path: &serde_path_to_error::Path) -> Self {
        let keys = path.iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        Self(keys.collect())
    }

    /// Whether the value is that of this key, or within it.
    pub(super) fn is_within(&self, key: &[String]) -> bool {
        self.0.starts_with(key)
    }

    fn may_be_secret(&self) -> bool {
        let last = self.0.last().map(String::as_str).unwrap_or_default();
        SECRET_KEYS.contains(&last) || last.ends_with("file")
    }

    /// Whether the value should be a section.
    fn is_section(&self) -> bool {
        self.0.len() <= self.section_length()
    }

    /// The number of keys that name the section.
    fn section_length(&self) -> usize {
        let second = self.0.get(1).map(String::as_str).unwrap_or_default();
        match (self.0.first().map(String::as_str), second) {
            (Some("ldap"), _) | (Some("rocketchat"), "password_policy") => 2,
            (Some("zulip"), "jwt") => 3,
            _ => 1,
        }
    }
}

impl fmt::Display for KeyPath {
    /// Writes `[section] key`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (section, key) = self.0.split_at(self.section_length().min(self.0.len()));
        write!(f, "[{}]", section.join("."))?;
        if !key.is_empty() {
            write!(f, " {}", key.join("."))?;
        }
        Ok(())
    }
}

/// A mistake in a file, at its line where that is known.
pub(super) fn located(file: &impl fmt::Display, line: Option<usize>, mistake: &str) -> ConfigError {
    ConfigError::new(match line {
        Some(line) => format!("{file}, line {line}: {mistake}"),
        None => format!("{file}: {mistake}"),
    })
}

/// What the parser of the configuration says of a value, in a line that names the key, the value, and the form of such
/// values. `name` is what the key is called where it isn't in the file.
pub(super) fn mistake(path: &KeyPath, name: Option<&str>, message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let unknown = line.starts_with("unknown field ");
    let path = if unknown {
        // The last key is the one that is unknown.
        &KeyPath(path.0.split_last().map(|(_, parents)| parents.to_vec()).unwrap_or_default())
    } else {
        path
    };
    let text = words(line, path.may_be_secret() || path.is_section());
    match name {
        Some(name) => format!("{name}: {text}"),
        None if path.0.is_empty() => text,
        None if unknown || line.starts_with("missing field ") => format!("{path} {text}"),
        None => format!("{path}: {text}"),
    }
}

/// The words of the parser as a sentence on the value, which is left out where it may be a secret.
fn words(line: &str, hide_value: bool) -> String {
    let wrong = ["invalid type: ", "invalid value: "].iter().find_map(|wrong| line.strip_prefix(wrong));
    if let Some((found, expected)) = wrong.and_then(|said| said.rsplit_once(", expected ")) {
        // The value is quoted after its kind. What was expected is text of ours, and the last part.
        let found = found.strip_suffix(" as i128").unwrap_or(found);
        let (kind, value) = found.split_at(found.find(['`', '"']).unwrap_or(found.len()));
        let value = value.trim_matches('`');
        let form = form(expected);
        return if hide_value || value.is_empty() {
            format!("{} is not {form}", with_article(kind.trim_end()))
        } else {
            format!("{value} is not {form}")
        };
    }
    let variant = line.strip_prefix("unknown variant `").and_then(|said| said.split_once("`, expected "));
    match variant {
        Some((_, expected)) if hide_value => format!("a string is not {}", expected.replace('`', "\"")),
        Some((value, expected)) => format!("{value:?} is not {}", expected.replace('`', "\"")),
        None => line.to_owned(),
    }
}

/// The form of values of Rust's types, as an operator knows it. Types of ours say it themselves.
fn form(expected: &str) -> &str {
    match expected {
        "a string" | "a borrowed string" | "path string" => "text in quotation marks",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0 on",
        "any valid TOML value" => "a whole number of 64 bits",
        _ if expected.starts_with("struct ") => "a section with keys",
        own => own,
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "sequence" => "a list".to_owned(),
        "map" => "a table".to_owned(),
        "integer" => "an integer".to_owned(),
        _ => format!("a {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(keys: &str) -> KeyPath {
        KeyPath(keys.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect())
    }

    #[test]
    fn a_mistake_names_key_value_and_form() {
        for (keys, said, shown) in [
            (
                "server.max_connections",
                "invalid type: string \"many\", expected u32",
                "[server] max_connections: \"many\" is not a whole number from 0 to 4294967295",
            ),
            (
                "zulip.password_login",
                "invalid type: string \"a, expected b\", expected a boolean",
                "[zulip] password_login: \"a, expected b\" is not true or false",
            ),
            (
                "rocketchat.password_policy.min_length",
                "invalid type: floating point `1.5`, expected u32",
                "[rocketchat.password_policy] min_length: 1.5 is not a whole number from 0 to 4294967295",
            ),
            (
                "zulip.login_limit.attempts",
                "invalid value: integer `0`, expected a number greater than zero",
                "[zulip] login_limit.attempts: 0 is not a number greater than zero",
            ),
            (
                "ldap.corp.servers",
                "invalid type: map, expected a sequence",
                "[ldap.corp] servers: a table is not a list in brackets",
            ),
            (
                "mail.from",
                "unknown variant `x`, expected `a` or `b`",
                "[mail] from: \"x\" is not \"a\" or \"b\"",
            ),
            (
                "server.liste",
                "unknown field `liste`, expected `a`\nmore",
                "[server] unknown field `liste`, expected `a`",
            ),
            ("servre", "unknown field `servre`, expected `a`", "unknown field `servre`, expected `a`"),
            (
                "server.max_connections",
                "invalid type: integer `99998725309999999999999` as i128, expected any valid TOML value",
                "[server] max_connections: 99998725309999999999999 is not a whole number of 64 bits",
            ),
            ("zulip.jwt.main", "missing field `algorithms`", "[zulip.jwt.main] missing field `algorithms`"),
        ] {
            assert_eq!(mistake(&path(keys), None, said), shown);
        }
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown() {
        for (keys, said, shown) in [
            (
                "store.password",
                "invalid type: integer `12345`, expected a string",
                "[store] password: an integer is not text in quotation marks",
            ),
            (
                "mail.password_file",
                "invalid type: integer `12345`, expected path string",
                "[mail] password_file: an integer is not text in quotation marks",
            ),
            (
                "ldap.corp",
                "invalid type: string \"12345\", expected struct Ldap",
                "[ldap.corp]: a string is not a section with keys",
            ),
            (
                "zulip.jwt.main.key",
                "unknown variant `12345`, expected `a`",
                "[zulip.jwt.main] key: a string is not \"a\"",
            ),
        ] {
            assert_eq!(mistake(&path(keys), None, said), shown);
        }
    }
}
