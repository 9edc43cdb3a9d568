//! A name and a password.

use auth_core::Password;

/// The user name and the password of a login request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a login request holds no more than this")]
pub struct Credentials {
    /// The user name; never empty.
    pub user_name: String,
    /// The password as sent; may be empty.
    pub password: Password,
}
