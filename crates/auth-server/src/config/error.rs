//! The error of a configuration that can't be used.

use std::fmt;

/// Why a configuration can't be used, in one line.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// The first line of what the parser of the configuration says, without the value that it quotes: any may be a secret, if
/// only a password that was put down without quotation marks.
pub(super) fn without_value(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    for wrong in ["invalid type: ", "invalid value: "] {
        // The value is quoted after its kind. What was expected is text of ours, and the last part.
        if let Some((kind, rest)) = line.strip_prefix(wrong).and_then(|said| said.split_once(['`', '"'])) {
            let expected = rest.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
            return format!("{wrong}{}, expected {expected}", kind.trim_end());
        }
    }
    line.to_owned()
}

/// The message of an I/O error, without the system's error number.
pub(crate) fn plain_io(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(plain, _)| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_a_wrong_type_is_not_quoted() {
        for (said, shown) in [
            ("invalid type: integer `12345`, expected a string", "invalid type: integer, expected a string"),
            (
                "invalid type: floating point `1.5`, expected u32",
                "invalid type: floating point, expected u32",
            ),
            ("invalid type: string \"a, expected b\", expected u32", "invalid type: string, expected u32"),
            ("invalid value: string \"x`\", expected \"off\"", "invalid value: string, expected \"off\""),
            ("invalid type: map, expected a string", "invalid type: map, expected a string"),
            ("invalid type: string \"x\"", "invalid type: string, expected something else"),
            ("unknown field `liste`, expected `a`\nmore", "unknown field `liste`, expected `a`"),
        ] {
            assert_eq!(without_value(said), shown);
        }
    }
}
