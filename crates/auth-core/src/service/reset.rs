//! Lost passwords: tokens by mail, and what a browser does with one.

use std::fmt;

use async_trait::async_trait;

use super::ActionError;
use crate::{
    Language, Password, Peer, Profile, ProtocolName, RateLimitStatus, Realm, RealmId, Timestamp, Token, User,
};

/// Resets lost passwords by mail.
#[async_trait]
pub trait PasswordReset: Send + Sync {
    /// Mails a token for a new password to the owner of that address. The answer is the same for addresses that an
    /// account has and for those that none has, and must not be sent before the moment given. `language` is that of the
    /// request: the mail is in it where the account has none.
    ///
    /// # Errors
    /// An [`ActionError`] when resets are not offered, or the mail may not have been queued.
    async fn forgot_password(
        &self,
        realm: RealmId,
        address: &str,
        language: Option<Language>,
    ) -> Result<Timestamp, ActionError>;

    /// Mails a link for a new password to whoever typed an address, or else why there is none: one mail for each request, so
    /// that the answer is the same for all addresses. It must not be sent before the moment in it.
    ///
    /// Several links of an account are good at a time, for three days each, until one of them is used, the password changes or
    /// somebody signs in to the account at a browser.
    ///
    /// # Errors
    /// [`ActionError::TooManyAttempts`] when mails to the address or for the client were asked for too often, or an
    /// [`ActionError`] when resets are not offered or the mail may not have been queued.
    async fn mail_reset_link(&self, asked: &ResetLinkRequest<'_>) -> Result<ResetLinkReply, ActionError>;

    /// Has the cookie of a browser stand for a token that was mailed, so that the token need not stay in the browser's
    /// address. Gives the cookie: the one that the browser has, or a new one of 32 letters and digits. `None` when the token is
    /// not good. Nothing is used up.
    ///
    /// # Errors
    /// An [`ActionError`] when that may not have been stored.
    async fn open_reset_link(
        &self,
        token: &Token,
        cookie: Option<&Token>,
    ) -> Result<Option<Token>, ActionError>;

    /// The account whose password a mailed token, or a cookie that stands for one, would set now. Nothing is used up.
    ///
    /// # Errors
    /// An [`ActionError`] when the store can't be read.
    async fn owner_of_reset_link(&self, token: &Token) -> Result<Option<Profile>, ActionError>;

    /// Whether a password is strong enough for an account. Nothing is set, and no link is used up.
    ///
    /// # Errors
    /// [`ActionError::WeakPassword`] when it is not.
    fn judge_new_password(&self, owner: &Profile, new: &Password) -> Result<(), ActionError>;

    /// Sets a new password for a token that was mailed, or a cookie that stands for one, once, and ends what was signed in
    /// before; gives the account's profile.
    ///
    /// # Errors
    /// An [`ActionError`] when the token is wrong or the password too weak, or the password may not have been stored.
    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<Profile, ActionError>;
}

/// A request for a link by which a lost password is set anew.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, the engine takes it apart")]
pub struct ResetLinkRequest<'a> {
    /// The realm that the request is for.
    pub realm: &'a Realm,
    /// The address as typed.
    pub address: &'a str,
    /// The client that asks.
    pub peer: &'a Peer,
    /// The protocol by which the request comes.
    pub protocol: ProtocolName,
    /// The addresses that the mail names.
    pub links: &'a dyn ResetLinks,
}

/// The addresses of a protocol's pages, as mails about lost passwords name them.
pub trait ResetLinks: Send + Sync {
    /// The host of the server, by which mails name their sender.
    fn host(&self) -> &str;

    /// The address of a realm.
    fn realm(&self, realm: &Realm) -> String;

    /// The address at which the user of a realm sets a new password with a token.
    fn reset(&self, realm: &Realm, user: &User, token: &Token) -> String;
}

/// The answer to a [`ResetLinkRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct ResetLinkReply {
    /// The client's limit after this request; `None` where nothing was counted.
    pub rate_limit: Option<RateLimitStatus>,
    /// The answer must not be sent before this moment.
    pub not_before: Timestamp,
}

impl fmt::Debug for ResetLinkRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetLinkRequest").field("peer", &self.peer).finish_non_exhaustive()
    }
}
