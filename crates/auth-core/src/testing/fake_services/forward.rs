//! The fake of what forward authentication asks.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ActionKind, ActionResult, FakeServices};
use crate::{
    ActionError, Caller, FailureReason, ForwardSessions, Grant, InternalError, LoginError, Memberships,
    NamedSecrets, SecretCheck, SecretReply, UserId,
};

#[async_trait]
impl Memberships for FakeServices {
    async fn groups_of(&self, user: UserId) -> Result<Arc<[String]>, InternalError> {
        self.groups.as_ref().map_or_else(|| Ok(Arc::default()), |answer| answer(user))
    }
}

#[async_trait]
impl ForwardSessions for FakeServices {
    async fn forward_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        let asked = self.act(Some(caller), ActionKind::ForwardSession);
        expect_result!(asked, ActionResult::Grant(grant) => grant)
    }
}

#[async_trait]
impl NamedSecrets for FakeServices {
    async fn check_secret(&self, check: SecretCheck) -> SecretReply {
        let refused = || SecretReply {
            result: Err(LoginError::Credentials(FailureReason::UnknownToken)),
            not_before: None,
        };
        let reply = self.secret.as_ref().map_or_else(refused, |answer| answer(&check));
        self.asked().secrets.push(check);
        reply
    }
}
