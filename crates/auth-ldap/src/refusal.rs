//! Why a server refused a bind.

use std::fmt;

use auth_core::{FailureReason, is_control};

use crate::result_code::INVALID_CREDENTIALS;

/// The longest text of a server that is shown, in letters.
const MOST_LETTERS: usize = 200;

/// A bind that a server refused because of the name, the password, or the state of the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BindRefusal {
    code: u32,
    state: Option<EntryState>,
    text: String,
}

/// A state of an entry that Active Directory refuses a bind for. It sends the result code of a wrong password for all of
/// them, and the state as a number in its text: `…, data 773, v4563`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EntryState {
    NoSuchUser,
    WrongPassword,
    Restricted,
    PasswordExpired,
    Disabled,
    Expired,
    MustChangePassword,
    Locked,
}

impl BindRefusal {
    /// The refusal of an LDAP result: its code (RFC 4511, A.1), and its text for people.
    pub(crate) fn new(code: u32, text: &str) -> Self {
        let state = (code == INVALID_CREDENTIALS).then(|| EntryState::of(text)).flatten();
        let shown = text.chars().map(|letter| if is_control(letter) { ' ' } else { letter });
        Self { code, state, text: shown.take(MOST_LETTERS).collect::<String>().trim().to_owned() }
    }

    /// The reason for the log. A server that tells no more than a code has found the password wrong.
    pub(crate) fn reason(&self) -> FailureReason {
        match self.state {
            None | Some(EntryState::NoSuchUser | EntryState::WrongPassword) => FailureReason::WrongPassword,
            Some(EntryState::Restricted) => FailureReason::EntryRestricted,
            Some(EntryState::PasswordExpired) => FailureReason::PasswordExpired,
            Some(EntryState::Disabled) => FailureReason::EntryDisabled,
            Some(EntryState::Expired) => FailureReason::EntryExpired,
            Some(EntryState::MustChangePassword) => FailureReason::PasswordMustChange,
            Some(EntryState::Locked) => FailureReason::EntryLocked,
        }
    }

    /// The refusal without the server's own text, which may hold names.
    pub(crate) fn in_brief(&self) -> String {
        match self.state {
            Some(state) => format!("error {}: {}", self.code, state.in_words()),
            None => format!("error {} (RFC 4511, A.1)", self.code),
        }
    }
}

/// The refusal with what the server says of it, for the operator.
impl fmt::Display for BindRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, self.text.as_str()) {
            (Some(state), text) => {
                write!(f, "refused with code {}: {} ({text})", self.code, state.in_words())
            }
            (None, "") => write!(f, "refused with code {} (RFC 4511, A.1)", self.code),
            (None, text) => write!(f, "refused with code {} (RFC 4511, A.1): {text}", self.code),
        }
    }
}

impl EntryState {
    fn of(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("data ")?;
        let end = rest.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(rest.len());
        Some(match rest.get(..end)?.to_ascii_lowercase().as_str() {
            "525" => Self::NoSuchUser,
            "52e" => Self::WrongPassword,
            "52f" | "530" | "531" | "534" => Self::Restricted,
            "532" => Self::PasswordExpired,
            "533" => Self::Disabled,
            "701" => Self::Expired,
            "773" => Self::MustChangePassword,
            "775" => Self::Locked,
            _ => return None,
        })
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::NoSuchUser => "there is no such user",
            Self::WrongPassword => "the password is wrong",
            Self::Restricted => "the password is right, and the account may not log in now or from here",
            Self::PasswordExpired => "the password is right, and has expired",
            Self::Disabled => "the password is right, and the account is disabled",
            Self::Expired => "the password is right, and the account has expired",
            Self::MustChangePassword => "the password is right, and must be changed before the next login",
            Self::Locked => "the account is locked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_active_directory_says_of_an_entry_is_told() {
        let of = |data: &str| {
            format!(
                "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563\0"
            )
        };
        for (data, reason, words) in [
            ("525", FailureReason::WrongPassword, "no such user"),
            ("52e", FailureReason::WrongPassword, "the password is wrong"),
            ("52E", FailureReason::WrongPassword, "the password is wrong"),
            ("530", FailureReason::EntryRestricted, "may not log in now or from here"),
            ("531", FailureReason::EntryRestricted, "may not log in now or from here"),
            ("532", FailureReason::PasswordExpired, "right, and has expired"),
            ("533", FailureReason::EntryDisabled, "right, and the account is disabled"),
            ("701", FailureReason::EntryExpired, "right, and the account has expired"),
            ("773", FailureReason::PasswordMustChange, "right, and must be changed"),
            ("775", FailureReason::EntryLocked, "the account is locked"),
            ("0", FailureReason::WrongPassword, "refused with code 49 (RFC 4511, A.1): 80090308"),
        ] {
            let refusal = BindRefusal::new(INVALID_CREDENTIALS, &of(data));
            let shown = refusal.to_string();
            assert_eq!(refusal.reason(), reason, "{data}");
            assert!(shown.contains(words) && shown.contains("DSID") && !shown.contains('\0'), "{shown}");
            assert!(!refusal.in_brief().contains("DSID"), "{}", refusal.in_brief());
        }
        // Only with the code of a wrong password, and only where it is said.
        for (code, text) in [(53, of("773")), (49, String::new()), (49, "data".into()), (49, "data x".into())]
        {
            assert_eq!(BindRefusal::new(code, &text).reason(), FailureReason::WrongPassword, "{text}");
        }
        assert_eq!(
            BindRefusal::new(53, "Account inactivated.").to_string(),
            "refused with code 53 (RFC 4511, A.1): Account inactivated."
        );
        assert_eq!(BindRefusal::new(19, "").to_string(), "refused with code 19 (RFC 4511, A.1)");
    }
}
