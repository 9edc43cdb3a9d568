//! What a login name and an address may hold.

use std::fmt;

use super::NameKind;
use crate::{fold, is_invisible};

/// The longest login name, in bytes.
const LONGEST: usize = 320;

/// Why a text can't be a login name. Displayed, it follows the name of the field: `` `email` `` *is empty*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// The text is empty.
    Empty,
    /// The text begins or ends with a space.
    Padded,
    /// The text is longer than 320 bytes.
    TooLong,
    /// The text holds a character that [can't be seen](is_invisible): nobody would know to type it.
    Invisible(char),
    /// The text is no address.
    NotAnAddress,
    /// The user name holds an @ and is no address: Zulip and Rocket.Chat take it for one.
    AtSign,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Padded => f.write_str("begins or ends with a space"),
            Self::TooLong => write!(f, "is longer than {LONGEST} bytes"),
            Self::Invisible(character) => {
                write!(f, "holds U+{:04X}, which can't be seen", u32::from(*character))
            }
            Self::NotAnAddress => f.write_str("is not an address such as ada@example.org"),
            Self::AtSign => f.write_str("holds an @, but is not an address such as ada@example.org"),
        }
    }
}

impl std::error::Error for NameError {}

/// Checks that a user can have a login name of a kind: everything that gives a user a name asks here first.
///
/// User names and addresses consist of characters that can be seen, with plain spaces between them in a user name
/// alone. An address is a bare one, `local@domain`: without a display name, brackets, quotes or comments. Names of
/// directory entries, which nobody types, hold any character but control characters.
///
/// # Errors
/// [`NameError`], which says what the name is or holds.
///
/// ```
/// use auth_core::{NameError, NameKind, check_login_name};
///
/// assert_eq!(check_login_name(NameKind::Email, "ada@example.org"), Ok(()));
/// assert_eq!(check_login_name(NameKind::Email, "Ada L <ada@example.org>"), Err(NameError::NotAnAddress));
/// assert_eq!(check_login_name(NameKind::UserName, "a\u{200b}da"), Err(NameError::Invisible('\u{200b}')));
/// ```
pub fn check_login_name(kind: NameKind, name: &str) -> Result<(), NameError> {
    let is_forbidden = if kind == NameKind::Directory { char::is_control } else { is_invisible };
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > LONGEST || fold(name).len() > 2 * LONGEST {
        return Err(NameError::TooLong);
    }
    if let Some(character) = name.chars().find(|character| is_forbidden(*character)) {
        return Err(NameError::Invisible(character));
    }
    if name.trim() != name {
        return Err(NameError::Padded);
    }
    match kind {
        NameKind::Email if !is_address(name) => Err(NameError::NotAnAddress),
        NameKind::UserName if name.contains('@') && !is_address(name) => Err(NameError::AtSign),
        _ => Ok(()),
    }
}

/// Whether a text is a bare address.
fn is_address(text: &str) -> bool {
    // RFC 5322, section 3.2.3, but the full stop; an @ separates only once.
    let is_special = |character| " @()<>[]:;,\\\"".contains(character);
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && ![local, domain].iter().any(|part| part.contains(is_special))
        && domain.split('.').all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_of_each_kind_may_hold() {
        use NameError::{AtSign, Empty, Invisible, NotAnAddress, Padded, TooLong};
        use NameKind::{Directory, Email, UserName};
        let long = "x".repeat(LONGEST + 1);
        for (name, user_name, email) in [
            ("ada", Ok(()), Err(NotAnAddress)),
            ("Ada Lovelace", Ok(()), Err(NotAnAddress)),
            ("Désirée-אבג_日本", Ok(()), Err(NotAnAddress)),
            ("EXAMPLE\\ada", Ok(()), Err(NotAnAddress)),
            ("ada@example.org", Ok(()), Ok(())),
            ("o'hara+x/y=z@localhost", Ok(()), Ok(())),
            ("désirée@exämple.org", Ok(()), Ok(())),
            ("ada.@my_host.example", Ok(()), Ok(())),
            ("", Err(Empty), Err(Empty)),
            (" ", Err(Padded), Err(Padded)),
            (" ada@example.org", Err(Padded), Err(Padded)),
            ("ada ", Err(Padded), Err(Padded)),
            (long.as_str(), Err(TooLong), Err(TooLong)),
            ("Ada L <ada@example.org>", Err(AtSign), Err(NotAnAddress)),
            ("<ada@example.org>", Err(AtSign), Err(NotAnAddress)),
            ("ada@example.org (Ada)", Err(AtSign), Err(NotAnAddress)),
            ("mailto:ada@example.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@example.org,bob@example.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@example.org;", Err(AtSign), Err(NotAnAddress)),
            ("\"ada l\"@example.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@[192.0.2.1]", Err(AtSign), Err(NotAnAddress)),
            ("ada l@example.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@exam ple.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@b@example.org", Err(AtSign), Err(NotAnAddress)),
            ("ada@", Err(AtSign), Err(NotAnAddress)),
            ("@ada", Err(AtSign), Err(NotAnAddress)),
            ("ada@example..org", Err(AtSign), Err(NotAnAddress)),
            ("ada@example.org.", Err(AtSign), Err(NotAnAddress)),
            ("ada@.org", Err(AtSign), Err(NotAnAddress)),
        ] {
            assert_eq!(check_login_name(UserName, name), user_name, "{name:?}");
            assert_eq!(check_login_name(Email, name), email, "{name:?}");
        }
        for character in [
            '\0',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{9f}',
            '\u{a0}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{3000}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            for name in [
                format!("{character}ada@example.org"),
                format!("ada@example.org{character}"),
                format!("a{character}da@example.org"),
            ] {
                assert_eq!(check_login_name(UserName, &name), Err(Invisible(character)), "{name:?}");
                assert_eq!(check_login_name(Email, &name), Err(Invisible(character)), "{name:?}");
            }
        }
        assert_eq!(check_login_name(Directory, "cn=a\u{200b}@b,dc=example"), Ok(()));
        assert_eq!(check_login_name(Directory, "cn=a\0"), Err(Invisible('\0')));
        assert_eq!(check_login_name(Directory, ""), Err(Empty));
    }

    #[test]
    fn the_reason_names_the_character_by_its_number() {
        let told = check_login_name(NameKind::UserName, "a\u{ad}da").unwrap_err().to_string();
        assert_eq!(told, "holds U+00AD, which can't be seen");
    }
}
