//! Logins by password at an application's own page.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Authenticator, Challenge, Clock, CredentialKind, Grant, GrantKind, Identifier, InternalError, Login,
    LoginAttempt, LoginError, LoginMethod, LoginReply, OneTimeCode, Password, Peer, Profile, ProtocolName,
    Realm, RealmName, Realms, SecondStep, SecretInput, Timestamp, Token,
};

use crate::engine::Engine;

/// An outcome that claims to wait longer does not: the clock was set back.
const LONGEST: Duration = Duration::from_secs(10);

/// What became of a login. Nobody may be told before [a moment](Self::not_before), so that the time of an answer doesn't tell
/// which names there are: [`released`](Self::released) waits for it.
#[must_use = "a login is not answered until its outcome is released"]
pub struct LoginAnswer {
    outcome: LoginOutcome,
    not_before: Option<Timestamp>,
    clock: Arc<dyn Clock>,
}

impl LoginAnswer {
    /// Waits until the outcome may be told, and returns it.
    ///
    /// # Panics
    /// Outside a tokio runtime with time.
    pub async fn released(self) -> LoginOutcome {
        if let Some(moment) = self.not_before {
            tokio::time::sleep(moment.since(self.clock.now()).min(LONGEST)).await;
        }
        self.outcome
    }

    /// The moment before which nobody may be told; `None` when the outcome may be told at once.
    #[must_use]
    pub fn not_before(&self) -> Option<Timestamp> {
        self.not_before
    }

    /// Returns the outcome at once, for a server that holds its answers back itself.
    #[must_use]
    pub fn into_outcome(self) -> LoginOutcome {
        self.outcome
    }
}

/// The outcome of a login.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// The user has logged in, and has a session.
    SignedIn(SignedIn),
    /// The name or the password is wrong, or the ticket has ended. More is not told.
    WrongCredentials,
    /// The password is right, and the account has a second factor: ask for a code, and go on with the challenge's ticket
    /// by [`Engine::log_in_with_code`].
    SecondFactorRequired(Challenge),
    /// The code is wrong: ask once more.
    SecondFactorWrong(Challenge),
    /// There were too many wrong codes.
    SecondFactorExhausted,
    /// There were too many attempts; nothing was judged.
    Limited {
        /// The moment after which the next attempt is judged.
        until: Timestamp,
    },
    /// The password is right, and the account or its realm is deactivated.
    Deactivated,
    /// The account may not log in here for another reason, such as a realm without passwords.
    Refused(LoginError),
}

/// A user who has logged in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// The user. Where [`must_change_password`](auth_core::User::must_change_password) is set, ask for a new password first; where
    /// the profile [lacks a second factor](Profile::lacks_second_factor), have one set up.
    pub profile: Profile,
    /// The token of the new session, for a cookie: 32 characters of `[a-z0-9]`. Send it with `HttpOnly`, `Secure` and
    /// `SameSite=Lax`.
    pub session: Token,
    /// When the session ends at the latest.
    pub expires: Option<Timestamp>,
}

impl Engine {
    /// Judges a name and a password, and begins a session where they are right. A name with an `@` is an e-mail address.
    ///
    /// `peer` is the client, by whose address attempts are limited: behind a proxy, it is what the proxy says.
    ///
    /// ```
    /// # use auth_core::Peer;
    /// # async fn example(engine: &auth_engine::Engine, peer: &Peer) -> Result<(), auth_core::InternalError> {
    /// use auth_engine::LoginOutcome;
    ///
    /// match engine.log_in_with_password("main", "ada", "correct-horse-battery-9876", peer).await?.released().await {
    ///     LoginOutcome::SignedIn(login) => println!("Set-Cookie: session={}", login.session.expose()),
    ///     LoginOutcome::SecondFactorRequired(challenge) => println!("a code of {:?}?", challenge.method),
    ///     LoginOutcome::Limited { until } => println!("again at {:?}", until.utc()),
    ///     LoginOutcome::Deactivated => println!("this account is deactivated"),
    ///     _ => println!("wrong name or password"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An [`InternalError`] when the attempt can't be judged now, or there is no realm of that slug.
    pub async fn log_in_with_password(
        &self,
        realm: &str,
        name: &str,
        password: &str,
        peer: &Peer,
    ) -> Result<LoginAnswer, InternalError> {
        let who = if name.contains('@') { Identifier::email(name) } else { Identifier::user_name(name) };
        let secret = SecretInput::Password(Password::new(password));
        self.sign_in(realm, LoginMethod::Password { who, secret }, None, peer).await
    }

    /// Goes on with a login that was asked for a second factor: with the ticket of its challenge, and the code that the user
    /// has typed. Where no code came, a mailed code is sent again.
    ///
    /// # Errors
    /// An [`InternalError`] when the attempt can't be judged now, or there is no realm of that slug.
    pub async fn log_in_with_code(
        &self,
        realm: &str,
        ticket: &Token,
        code: Option<&str>,
        peer: &Peer,
    ) -> Result<LoginAnswer, InternalError> {
        let code = code.map(OneTimeCode::new);
        self.sign_in(realm, LoginMethod::Ticket(ticket.clone()), code, peer).await
    }

    /// The realm of a slug.
    pub(super) async fn realm_named(&self, slug: &str) -> Result<Arc<Realm>, InternalError> {
        let found = self.realm(RealmName::Slug(slug)).await?;
        found.ok_or_else(|| InternalError::defect("the application names a realm that there is not"))
    }

    async fn sign_in(
        &self,
        realm: &str,
        method: LoginMethod,
        code: Option<OneTimeCode>,
        peer: &Peer,
    ) -> Result<LoginAnswer, InternalError> {
        let attempt = LoginAttempt {
            protocol: ProtocolName::WEB,
            realm: self.realm_named(realm).await?,
            method,
            second_step: SecondStep::Offered(code),
            grant: GrantKind::Token(CredentialKind::WEB_SESSION),
            peer: peer.clone(),
        };
        let LoginReply { result, not_before, .. } = self.log_in(attempt).await;
        let outcome = match result {
            Ok(login) => signed_in(*login)?,
            Err(error) => self.refused(error)?,
        };
        Ok(LoginAnswer { outcome, not_before, clock: Arc::clone(&self.clock) })
    }

    fn refused(&self, error: LoginError) -> Result<LoginOutcome, InternalError> {
        Ok(match error {
            LoginError::Internal(error) => return Err(error),
            LoginError::Credentials(_) => LoginOutcome::WrongCredentials,
            LoginError::SecondFactorRequired(challenge) => LoginOutcome::SecondFactorRequired(challenge),
            LoginError::SecondFactorInvalid(challenge) => LoginOutcome::SecondFactorWrong(challenge),
            LoginError::SecondFactorExhausted(_) => LoginOutcome::SecondFactorExhausted,
            LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
                LoginOutcome::Limited { until: self.clock.now() + retry_after }
            }
            LoginError::UserInactive | LoginError::RealmInactive => LoginOutcome::Deactivated,
            error => LoginOutcome::Refused(error),
        })
    }
}

fn signed_in(login: Login) -> Result<LoginOutcome, InternalError> {
    match login.grant {
        Grant::Token { token: session, expires } => {
            Ok(LoginOutcome::SignedIn(SignedIn { profile: login.profile, session, expires }))
        }
        _ => Err(InternalError::defect("a login was granted something else than a session")),
    }
}

impl fmt::Debug for LoginAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAnswer")
            .field("outcome", &self.outcome)
            .field("not_before", &self.not_before)
            .finish_non_exhaustive()
    }
}
