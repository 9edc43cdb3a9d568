//! A backend of axum-login that asks the login pipeline.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Authenticator, Clock, CredentialCheck, CredentialKind, FailureReason, Grant, GrantKind, Identifier,
    InternalError, LoginAttempt, LoginError, LoginMethod, LoginReply, OneTimeCode, Password, Peer,
    PresentedCredential, Principal, Profile, ProtocolName, Realm, RealmName, Realms, SecondStep, SecretInput,
    Token, TokenError,
};
use axum_login::{AuthUser, AuthnBackend};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::answer::until;

/// The kinds of tokens that are sessions.
const SESSIONS: &[CredentialKind] = &[CredentialKind::WEB_SESSION];

/// The services that the backend asks, which are an engine's.
pub trait LoginServices: Authenticator + Realms {}

impl<T: Authenticator + Realms + ?Sized> LoginServices for T {}

/// A backend for `axum-login`: it logs users of a realm in, and finds the user of a session. Clones share it.
///
/// A login gives a session of the engine, whose token is what axum-login keeps in its own session as the user's id. So a
/// session ends at once, on whichever server, when the engine revokes it: after a change of password, at a deactivation, or
/// by an operator. The store of axum-login's sessions holds these tokens: guard it as a store of secrets.
///
/// A refusal of name and password is `Ok(None)`. What a page must tell apart is an error: a second factor that is asked for
/// ([`LoginError::SecondFactorRequired`], with a ticket to go on with [`LoginCredentials::code`]), too many attempts, a
/// deactivated account. Both wait for the moment before which the answer must not be sent.
///
/// Accounts that must change their password first, or lack a second factor that their realm demands, are not logged in:
/// their owners do that at the pages of `auth-proto-web`.
///
/// ```
/// use std::sync::Arc;
///
/// use auth_core::testing::{FakeServices, RealmBuilder};
/// use auth_core::{ManualClock, Peer};
/// use auth_tower::{LoginBackend, LoginCredentials};
/// use axum_login::AuthnBackend as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // In a server, the services are the engine's. These refuse every login.
/// let services = FakeServices::new().realm(RealmBuilder::new("main").build());
/// let backend = LoginBackend::new(Arc::new(services), "main", Arc::new(ManualClock::default()));
///
/// let peer = Peer::new([127, 0, 0, 1].into());
/// let credentials = LoginCredentials::password("ada", "guess", peer);
/// assert!(backend.authenticate(credentials).await.unwrap().is_none());
/// # }
/// ```
#[derive(Clone)]
pub struct LoginBackend {
    services: Arc<dyn LoginServices>,
    realm: Arc<str>,
    clock: Arc<dyn Clock>,
}

/// What a login is tried with.
#[derive(Clone, Debug)]
pub struct LoginCredentials {
    method: LoginMethod,
    code: Option<OneTimeCode>,
    peer: Peer,
}

impl LoginCredentials {
    /// A name and a password, as typed. A name with an `@` is an e-mail address. `peer` is the client, by whose address
    /// attempts are limited.
    #[must_use]
    pub fn password(name: &str, password: &str, peer: Peer) -> Self {
        let name = name.trim();
        let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
        let secret = SecretInput::Password(Password::new(password));
        Self { method: LoginMethod::Password { who, secret }, code: None, peer }
    }

    /// The ticket of a [`Challenge`](auth_core::Challenge) and the code of the second factor.
    #[must_use]
    pub fn code(ticket: Token, code: &str, peer: Peer) -> Self {
        Self { method: LoginMethod::Ticket(ticket), code: Some(OneTimeCode::new(code)), peer }
    }
}

/// A user who has logged in, as axum-login hands it to handlers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoggedIn {
    /// The user.
    pub profile: Profile,
    /// The session, by which axum-login finds the user again.
    pub session: SessionKey,
}

/// The token of a session. It is shown nowhere, but axum-login writes it into the store of its sessions.
#[derive(Clone)]
pub struct SessionKey(Token);

impl LoginBackend {
    /// Logs users of a realm in, by its slug. The services are those of an engine, and `clock` is its clock.
    #[must_use]
    pub fn new(services: Arc<dyn LoginServices>, realm: &str, clock: Arc<dyn Clock>) -> Self {
        Self { services, realm: realm.into(), clock }
    }

    /// Ends a session with the engine. Call it beside `logout` of axum-login, which ends its own alone.
    ///
    /// # Errors
    /// An [`InternalError`] when the session may not have been ended.
    pub async fn end(&self, session: &SessionKey) -> Result<(), InternalError> {
        match self.find(session).await? {
            Some(principal) => self.services.revoke(&principal).await,
            None => Ok(()),
        }
    }

    async fn realm(&self) -> Result<Arc<Realm>, InternalError> {
        let realm = self.services.realm(RealmName::Slug(&self.realm)).await?;
        realm.ok_or_else(|| InternalError::defect("the realm of the login backend is not there"))
    }

    /// The owner of a session; `None` where it is over.
    async fn find(&self, session: &SessionKey) -> Result<Option<Principal>, InternalError> {
        let token = session.0.clone();
        let check = CredentialCheck {
            protocol: ProtocolName::WEB,
            realm: Some(self.realm().await?),
            credential: PresentedCredential::Token { kinds: SESSIONS, owner: None, token },
            peer: Peer::new(std::net::Ipv4Addr::UNSPECIFIED.into()),
        };
        match self.services.check(check).await.result {
            Ok(principal) => Ok(Some(*principal)),
            Err(TokenError::Internal(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

impl AuthnBackend for LoginBackend {
    type User = LoggedIn;
    type Credentials = LoginCredentials;
    type Error = LoginError;

    async fn authenticate(&self, credentials: LoginCredentials) -> Result<Option<LoggedIn>, LoginError> {
        let LoginCredentials { method, code, peer } = credentials;
        let attempt = LoginAttempt {
            protocol: ProtocolName::WEB,
            realm: self.realm().await?,
            method,
            second_step: SecondStep::Offered(code),
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            peer,
        };
        let LoginReply { result, not_before, .. } = self.services.log_in(attempt).await;
        until(not_before, &*self.clock).await;
        let login = match result {
            Ok(login) => login,
            Err(LoginError::Credentials(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        match login.grant {
            _ if login.profile.user.must_change_password => Err(LoginError::PasswordResetRequired),
            _ if login.profile.lacks_second_factor() => {
                Err(LoginError::Credentials(FailureReason::NoSecondFactor))
            }
            Grant::Token { token, .. } => {
                Ok(Some(LoggedIn { profile: login.profile, session: SessionKey(token) }))
            }
            _ => Err(InternalError::defect("a login was granted something else than a session").into()),
        }
    }

    async fn get_user(&self, session: &SessionKey) -> Result<Option<LoggedIn>, LoginError> {
        let found = self.find(session).await?.map(|principal| principal.profile);
        let found = found.filter(|at| !(at.user.must_change_password || at.lacks_second_factor()));
        Ok(found.map(|profile| LoggedIn { profile, session: session.clone() }))
    }
}

impl AuthUser for LoggedIn {
    type Id = SessionKey;

    fn id(&self) -> SessionKey {
        self.session.clone()
    }

    /// The user's id: the engine says whether the session is still good, and it is good for one user.
    fn session_auth_hash(&self) -> &[u8] {
        self.profile.user.id.as_bytes()
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Token::new(text)))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// A placeholder: axum-login writes ids into its traces.
impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Debug for LoginBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginBackend").field("realm", &self.realm).finish_non_exhaustive()
    }
}
