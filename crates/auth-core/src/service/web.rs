//! What pages ask beyond what the wire protocols do: sealed texts, sessions, and the list of an account's credentials.

use async_trait::async_trait;

use super::{ActionError, Caller};
use crate::{
    ApiKey, ClientKey, CredentialId, CredentialKind, Grant, InternalError, Password, ProtocolName, RealmId,
    Timestamp, Token,
};

/// Seals what forms and links carry: nobody else can make or read it, and it serves one purpose and one holder.
///
/// A form that is sent out is kept nowhere: whoever never answers it has cost nothing.
#[async_trait]
pub trait SealedTexts: Send + Sync {
    /// Returns the moment by which texts end. Pages have no other clock.
    fn now(&self) -> Timestamp;

    /// Makes a random token of 43 characters of `[A-Za-z0-9_-]`, such as a cookie for whoever has no session yet.
    fn new_token(&self) -> Token;

    /// Seals `data` until a moment, for a purpose and for whoever presents `holder`, such as a cookie's value. Returns a
    /// text of `[A-Za-z0-9_-]`, which is never the same twice, so that each is [spent](Self::spend) by itself.
    fn seal(&self, purpose: TextPurpose, holder: &str, data: &str, until: Timestamp) -> Token;

    /// Opens a sealed text; `None` when it was made for another purpose or holder, has ended, or was not made here.
    fn open(&self, purpose: TextPurpose, holder: &str, text: &Token) -> Option<String>;

    /// Uses a sealed text up, at all servers of the store together; `false` when it was used before.
    ///
    /// # Errors
    /// An [`InternalError`] when that can't be stored.
    async fn spend(&self, text: &Token) -> Result<bool, InternalError>;
}

/// What a sealed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextPurpose {
    /// A form: whoever sends it was given it by this server.
    Form,
    /// An attempt to log in whose password was right, and whose second factor is to come.
    LoginTicket,
    /// A notice that the next page shows.
    Notice,
}

/// The web session of a caller, and what else the account of the caller is signed in with.
#[async_trait]
pub trait OwnCredentials: Send + Sync {
    /// Gives a new web session in place of the one presented, once its holder has shown a second factor anew, or the
    /// password where the account has no factor: for 15 minutes it may add ways to log in.
    ///
    /// # Errors
    /// [`ActionError::SecondFactorRequired`] with what is asked for, or an [`ActionError`] when it is wrong or the session may
    /// not have been stored.
    async fn renew_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError>;

    /// Gives the web session of the caller a new token in place of the one presented. Its end stays, and so does the moment at
    /// which the caller signed in.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller has no web session, or the new token may not have been stored.
    async fn rotate_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError>;

    /// Whether the caller has signed in, or shown a second factor anew, within the last 15 minutes.
    fn is_fresh(&self, caller: &Caller<'_>) -> bool;

    /// The sessions, tokens, keys and app passwords of the caller's account, the newest first.
    ///
    /// # Errors
    /// An [`ActionError`] when the store can't be read.
    async fn own_credentials(&self, caller: &Caller<'_>) -> Result<Vec<OwnCredential>, ActionError>;

    /// Ends one of them.
    ///
    /// # Errors
    /// [`ActionError::NoSuchToken`] when the account has none of that id, or an [`ActionError`] when it may not have been
    /// ended.
    async fn end_credential(&self, caller: &Caller<'_>, id: CredentialId) -> Result<(), ActionError>;

    /// The protocols that an app password of the caller's account can be for.
    fn app_password_protocols(&self, caller: &Caller<'_>) -> Vec<ProtocolName>;

    /// Makes an app password; asks for a second factor unless the caller [is fresh](Self::is_fresh).
    ///
    /// # Errors
    /// An [`ActionError`] when the name can't be used, or the password may not have been stored.
    async fn create_app_password(
        &self,
        caller: &Caller<'_>,
        new: &NewAppPassword<'_>,
    ) -> Result<Password, ActionError>;

    /// The Zulip API key of the caller's account, made now where it has none; asks for a second factor unless the caller [is
    /// fresh](Self::is_fresh).
    ///
    /// # Errors
    /// An [`ActionError`] when the factor is missing, or the key can't be read.
    async fn api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError>;

    /// Whether a mailed link for a new password would be taken now. Nothing is used up.
    ///
    /// # Errors
    /// An [`ActionError`] when the store can't be read.
    async fn is_reset_link_good(&self, realm: RealmId, token: &Token) -> Result<bool, ActionError>;
}

/// A session, token, key or app password as its owner is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct OwnCredential {
    /// The stored credential.
    pub id: CredentialId,
    /// Its kind.
    pub kind: CredentialKind,
    /// The name that its owner gave it.
    pub name: Option<String>,
    /// The protocols that take it; empty for all that take its kind.
    pub protocols: Vec<ProtocolName>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// Where it was made from.
    pub client: Option<ClientKey>,
    /// The program that it was made for, as the program named itself.
    pub agent: Option<String>,
    /// Whether it is the one that the caller presented.
    pub is_presented: bool,
}

/// An app password that is to be made.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, the engine takes it apart")]
pub struct NewAppPassword<'a> {
    /// Its name.
    pub name: &'a str,
    /// The protocols that are to take it; empty for all that [it can be for](OwnCredentials::app_password_protocols).
    pub protocols: &'a [ProtocolName],
    /// When it ends.
    pub expires: Option<Timestamp>,
}
