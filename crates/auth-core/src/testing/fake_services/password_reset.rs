//! The fake of resets of passwords.

use async_trait::async_trait;

use super::{ActionKind, ActionResult, FakeServices};
use crate::{
    ActionError, InternalError, Language, Password, PasswordReset, Peer, Profile, ProtocolName, RealmId,
    ResetLinkReply, ResetLinkRequest, Timestamp, Token,
};

#[async_trait]
impl PasswordReset for FakeServices {
    async fn forgot_password(
        &self,
        realm: RealmId,
        address: &str,
        language: Option<Language>,
    ) -> Result<Timestamp, ActionError> {
        let kind = ActionKind::ForgotPassword { realm, address: address.to_owned(), language };
        expect_result!(self.act(None, kind), ActionResult::NotBefore(moment) => moment)
    }

    async fn mail_reset_link(&self, asked: &ResetLinkRequest<'_>) -> Result<ResetLinkReply, ActionError> {
        let kind = ActionKind::MailResetLink { realm: asked.realm.id, address: asked.address.to_owned() };
        expect_result!(self.act(None, kind), ActionResult::ResetLink(reply) => reply)
    }

    async fn open_reset_link(
        &self,
        token: &Token,
        cookie: Option<&Token>,
    ) -> Result<Option<Token>, ActionError> {
        let kind = ActionKind::OpenResetLink { token: token.clone(), cookie: cookie.cloned() };
        expect_result!(self.act(None, kind), ActionResult::OptionalToken(cookie) => cookie)
    }

    async fn owner_of_reset_link(&self, token: &Token) -> Result<Option<Profile>, ActionError> {
        let kind = ActionKind::OwnerOfResetLink { token: token.clone() };
        expect_result!(self.act(None, kind), ActionResult::OptionalProfile(owner) => owner.map(|owner| *owner))
    }

    fn judge_new_password(&self, _owner: &Profile, new: &Password) -> Result<(), ActionError> {
        let kind = ActionKind::JudgeNewPassword { new: new.clone() };
        expect_result!(self.act(None, kind), ActionResult::Done => ())
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        _peer: &Peer,
        _protocol: ProtocolName,
    ) -> Result<Profile, ActionError> {
        let kind = ActionKind::ResetPassword { realm, token: token.clone(), new: new.clone() };
        expect_result!(self.act(None, kind), ActionResult::Profile(profile) => profile)
    }
}
