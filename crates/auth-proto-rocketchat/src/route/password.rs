//! `POST users.forgotPassword` (rocketchat.md 5).

use auth_core::{Answer, Denial};
use serde_json::Value;

use crate::decode::Fields;
use crate::door::RocketChatDoor;
use crate::encode::{Failure, GENERAL, done};

/// The same answer whether anybody has the address or not.
pub(crate) async fn forgot(door: &RocketChatDoor, body: Value) -> Result<Answer, Failure> {
    let fields = Fields::of(body, &["email"])?;
    let address = fields.text("email")?;
    let realm = door.realm().await?.id;
    match door.inside.forgot_password(realm, address).await? {
        Err(Denial::NotOffered) => Err(Failure::BadRequest("Password reset is not enabled")),
        posted => {
            let not_before = Some(GENERAL.unless_denied(posted)?);
            Ok(Answer { response: done(), not_before })
        }
    }
}
