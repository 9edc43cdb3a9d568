//! `POST users.forgotPassword` (rocketchat.md 5).

use auth_core::{ActionError, Answer};
use serde_json::Value;

use crate::decode::Fields;
use crate::encode::{Failure, GENERAL, done};
use crate::protocol::RocketChatProtocol;

/// The same answer whether anybody has the address or not.
pub(crate) async fn forgot(protocol: &RocketChatProtocol, body: Value) -> Result<Answer, Failure> {
    let fields = Fields::of(body, &["email"])?;
    let address = fields.text("email")?;
    let realm = protocol.realm().await?.id;
    match protocol.services.forgot_password(realm, address).await? {
        Err(ActionError::NotOffered) => Err(Failure::BadRequest("Password reset is not enabled")),
        posted => {
            let not_before = Some(GENERAL.unless_denied(posted)?);
            Ok(Answer { response: done(), not_before })
        }
    }
}
