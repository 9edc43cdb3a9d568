//! The fake of what users change about their own accounts.

use async_trait::async_trait;

use super::{ActionKind, ActionResult, FakeServices};
use crate::{
    ActionError, AddressVerification, Caller, InternalError, OwnAccount, OwnChange, Password, PasswordReply,
    Peer, Profile, ProtocolName, RealmId, Timestamp, Token,
};

#[async_trait]
impl OwnAccount for FakeServices {
    async fn suggest_user_name(&self, caller: &Caller<'_>) -> Result<String, ActionError> {
        let asked = self.act(Some(caller), ActionKind::SuggestUserName);
        expect_result!(asked, ActionResult::UserName(name) => name)
    }

    async fn change_own_account(
        &self,
        caller: &Caller<'_>,
        change: &OwnChange<'_>,
    ) -> Result<Profile, ActionError> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let kind = ActionKind::ChangeOwnAccount {
            user_name: own(change.user_name),
            full_name: own(change.full_name),
            address: own(change.address),
            password: change.password.cloned(),
            language: change.language,
        };
        expect_result!(self.act(Some(caller), kind), ActionResult::Profile(profile) => profile)
    }

    async fn show_password(&self, caller: &Caller<'_>, password: &Password) -> PasswordReply {
        let kind = ActionKind::ShowPassword { password: password.clone() };
        match self.act(Some(caller), kind) {
            Ok(ActionResult::PasswordReply(reply)) => reply,
            Ok(_) => PasswordReply { result: Ok(()), rate_limit: None },
            Err(error) => PasswordReply { result: Err(error), rate_limit: None },
        }
    }
}

#[async_trait]
impl AddressVerification for FakeServices {
    async fn mail_address_proof(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError> {
        let kind = ActionKind::MailAddressProof { realm, address: address.to_owned() };
        expect_result!(self.act(None, kind), ActionResult::NotBefore(moment) => moment)
    }

    async fn verify_address(
        &self,
        realm: RealmId,
        token: &Token,
        _peer: &Peer,
        _protocol: ProtocolName,
    ) -> Result<(), ActionError> {
        let kind = ActionKind::VerifyAddress { realm, token: token.clone() };
        expect_result!(self.act(None, kind), ActionResult::Done => ())
    }
}
