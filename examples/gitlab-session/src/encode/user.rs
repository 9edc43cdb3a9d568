//! A user as the protocol shows it to itself.

use auth_core::{InternalError, Token, User};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::response::json;
use crate::name::GITLAB;

/// The fields in GitLab's order.
#[derive(Serialize)]
struct Fields<'a> {
    id: u64,
    /// Clients count on a name: an account without a user name goes by its e-mail address.
    username: &'a str,
    name: &'a str,
    email: Option<&'a str>,
    /// The services let no other user in than an active one.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_token: Option<&'a str>,
}

/// Shows a user, with the token that a login gave.
///
/// # Errors
/// An [`InternalError`] when the fields can't be written, which is a defect.
pub(crate) fn user(
    status: StatusCode,
    user: &User,
    token: Option<&Token>,
) -> Result<Response<Bytes>, InternalError> {
    let email = user.email().map(|email| email.address);
    let fields = Fields {
        id: user.external_number(GITLAB),
        username: user.user_name().or(email).unwrap_or_default(),
        name: &user.full_name,
        email,
        state: "active",
        private_token: token.map(Token::expose),
    };
    Ok(json(status, serde_json::to_vec(&fields).map_err(InternalError::defect)?))
}

#[cfg(test)]
mod tests {
    use auth_core::NameKind;
    use auth_core::testing::UserBuilder;

    use super::*;

    fn check(shown: &User, token: Option<&Token>, body: &str) {
        let response = user(StatusCode::OK, shown, token).unwrap();
        assert_eq!(response.body(), body);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["content-length"], body.len().to_string());
    }

    #[test]
    fn users_are_shown_to_the_byte() {
        let iago = UserBuilder::new("iago").full_name("Iago \"I\"").email("iago@zulip.com");
        let iago = iago.external_id(GITLAB, 7).build();
        let start =
            r#"{"id":7,"username":"iago","name":"Iago \"I\"","email":"iago@zulip.com","state":"active""#;
        check(&iago, None, &format!("{start}}}"));
        check(&iago, Some(&Token::new("abc")), &format!("{start},\"private_token\":\"abc\"}}"));
    }

    #[test]
    fn user_is_shown_without_a_name_of_either_kind() {
        let bot = UserBuilder::new("bot").external_id(GITLAB, 8).build();
        check(&bot, None, r#"{"id":8,"username":"bot","name":"bot","email":null,"state":"active"}"#);
        let mut nameless = UserBuilder::new("ann").email("ann@zulip.com").build();
        nameless.names.retain(|name| name.kind == NameKind::Email);
        check(
            &nameless,
            None,
            r#"{"id":0,"username":"ann@zulip.com","name":"ann","email":"ann@zulip.com","state":"active"}"#,
        );
    }
}
