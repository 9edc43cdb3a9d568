//! Which stored passwords may be taken over from other systems.

use auth_core::PasswordString;

use super::{MAX_ZETTELSTORE_NAME, NameContext, StoredPassword, Unreadable, input::Subject};

/// Why a stored password is not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefusal {
    /// Nobody here knows its tag, or it is empty.
    #[error("the password hash has no known scheme")]
    UnknownScheme,
    /// It is not what its tag promises.
    #[error("the password hash is malformed")]
    Malformed,
    /// Verifying it would cost more than this server spends on one log-in.
    #[error("the password hash has parameters that are too costly")]
    TooCostly,
    /// A Zettelstore hash of a user without a user name: nothing could verify against it.
    #[error("a zettelstore hash needs the user's name")]
    NameMissing,
    /// A Zettelstore hash of a user whose name leaves bcrypt too little of the password.
    #[error("a zettelstore hash protects nothing with a user name longer than {MAX_ZETTELSTORE_NAME} bytes")]
    NameTooLong,
}

/// Checks a tagged string before it is stored. What [`StoredPassword::parse`] reads is taken over, and so is
/// Django's `!…` for no password.
///
/// `context` names the user where it has a user name: a Zettelstore hash covers it.
///
/// # Errors
/// Why it is not taken over.
pub fn check_import(text: &str, context: Option<&NameContext>) -> Result<PasswordString, ImportRefusal> {
    let string = PasswordString::new(text);
    match StoredPassword::parse(&string) {
        Ok(stored) if stored.subject == Subject::NamedPassword => check_name(context)?,
        Ok(_) => {}
        Err(Unreadable::Unusable) if !text.is_empty() => {}
        Err(Unreadable::Unusable | Unreadable::UnknownScheme) => return Err(ImportRefusal::UnknownScheme),
        Err(Unreadable::Malformed) => return Err(ImportRefusal::Malformed),
        Err(Unreadable::TooCostly) => return Err(ImportRefusal::TooCostly),
    }
    Ok(string)
}

fn check_name(context: Option<&NameContext>) -> Result<(), ImportRefusal> {
    match context.map(|context| context.user_name.len()) {
        None | Some(0) => Err(ImportRefusal::NameMissing),
        Some(length) if length > MAX_ZETTELSTORE_NAME => Err(ImportRefusal::NameTooLong),
        Some(_) => Ok(()),
    }
}
