//! The commands of POST `/x`.

use super::form::first;

/// A command of POST `/x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Tell whether the request is authenticated.
    Authenticated,
}

impl Command {
    /// The command that a query names, as `cmd`, or as `_cmd`, its name up to Zettelstore 0.6. Malformed fields are
    /// skipped.
    ///
    /// ```
    /// use auth_proto_zettelstore::decode::command::Command;
    ///
    /// assert_eq!(Command::of("cmd=authenticated"), Some(Command::Authenticated));
    /// assert_eq!(Command::of("cmd=refresh"), None);
    /// ```
    #[must_use]
    pub fn of(query: &str) -> Option<Self> {
        let is_named = |field| first(query.as_bytes(), field).is_some_and(|name| name == "authenticated");
        (is_named("cmd") || is_named("_cmd")).then_some(Self::Authenticated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_has_two_parameter_names_and_forgives_other_fields() {
        for (query, known) in [
            ("cmd=authenticated", true),
            ("_cmd=authenticated", true),
            ("x=%zz&a;b&cmd=%61uthenticated", true),
            ("cmd=authenticated&cmd=other", true),
            ("cmd=other&cmd=authenticated", false),
            ("cmd=Authenticated", false),
            ("cmd=refresh", false),
            ("cmd=", false),
            ("", false),
            ("authenticated", false),
        ] {
            assert_eq!(Command::of(query).is_some(), known, "{query}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_query_is_read(query in ".*") {
            let _ = Command::of(&query);
        }
    }
}
