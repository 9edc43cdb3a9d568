//! The present password, shown once more by whoever is signed in. It counts as an attempt to log in: the same limits, the
//! same log.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, ActionError, Caller, Challenge, Clock, FactorMethod, FailureReason, GrantKind, Identifier,
    LoginAttempt, LoginError, LoginMethod, NameKind, Password, PasswordReply, ProtocolName, SecondStep,
    SecretInput, User, VerifyRequest,
};

use crate::login::attempt_log::{AttemptLog, RefusedBy};
use crate::login::backends::BackendChain;
use crate::login::second_factor::active_factors;
use crate::rate_limit::reservation::Limited;
use crate::rate_limit::shared::AttemptLimits;

/// Judges present passwords.
pub(crate) struct PresentPassword {
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) backends: Arc<BackendChain>,
    pub(crate) log: Arc<AttemptLog>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl PresentPassword {
    /// Judges the password of a caller's account, as the store or its directory has it.
    pub(crate) async fn verify(
        &self,
        caller: &Caller<'_>,
        account: &Account,
        password: &Password,
    ) -> Result<(), ActionError> {
        self.judge(caller, account, password).await.result
    }

    /// Does the same, and tells the status of the protocol's limit.
    pub(crate) async fn judge(
        &self,
        caller: &Caller<'_>,
        account: &Account,
        password: &Password,
    ) -> PasswordReply {
        let (who, secret) =
            (name_of(&account.user, caller.protocol), SecretInput::Password(password.clone()));
        let attempt = LoginAttempt {
            protocol: caller.protocol,
            realm: Arc::clone(&caller.principal.profile.realm),
            method: LoginMethod::Password { who: who.clone(), secret: secret.clone() },
            second_step: SecondStep::NotOffered,
            grant: GrantKind::ApiKey,
            peer: caller.peer.clone(),
        };
        let (user, started) = (account.user.id, self.clock.now());
        let mut reservation = match self.limits.reserve(&attempt, started).await {
            Ok(reservation) => reservation,
            Err(Limited { error, status, by }) => {
                if let Some(by) = by {
                    let (counter, window) = *by;
                    let by = RefusedBy::Limit(counter, window);
                    if let Some(first) = self.log.refused(&attempt, error.as_str(), by, started) {
                        self.log.write_refused(first, Some(user));
                    }
                }
                let result = Err(refusal(error, account));
                return PasswordReply { result, rate_limit: status.map(|status| *status) };
            }
        };
        let rate_limit = reservation.status;
        let judged = match self.limits.identify(&mut reservation, &attempt, account).await {
            Err(error) => Err(error.into()),
            Ok(false) => Err(LoginError::Credentials(FailureReason::TooManyAttempts)),
            Ok(true) => {
                let request = VerifyRequest {
                    realm: &attempt.realm,
                    who: &who,
                    account: Some(account),
                    secret: &secret,
                    demand: None,
                    peer: &attempt.peer,
                };
                match self.backends.accepts(&request).await {
                    Ok(true) if attempt.realm.password_login => Ok(()),
                    Ok(_) => Err(LoginError::Credentials(FailureReason::WrongPassword)),
                    Err(error) => Err(error.into()),
                }
            }
        };
        match &judged {
            Ok(()) => self.limits.succeeded(reservation).await,
            Err(LoginError::Internal(_)) => self.limits.give_back(&mut reservation).await,
            Err(error) => {
                self.log.record(&attempt, Some(user), account.password.as_ref(), Some(error), started);
            }
        }
        PasswordReply { result: judged.map_err(|error| refusal(error, account)), rate_limit }
    }

    /// What asks for the password.
    pub(crate) fn challenge(account: &Account) -> Challenge {
        Challenge {
            method: FactorMethod::Password,
            available: active_factors(account),
            mailed: None,
            ticket: None,
        }
    }
}

/// The name under which an account's attempts count at a protocol: the one that its clients send.
fn name_of(user: &User, protocol: ProtocolName) -> Identifier {
    let name = |kind| user.name(kind).map(|name| Identifier::Name { kind, typed: name.exact.clone() });
    let kinds = match protocol {
        ProtocolName::ZULIP => [NameKind::Email, NameKind::UserName],
        _ => [NameKind::UserName, NameKind::Email],
    };
    let found = kinds.into_iter().find_map(name);
    found.unwrap_or_else(|| Identifier::user_name(String::new()))
}

fn refusal(error: LoginError, account: &Account) -> ActionError {
    match error {
        LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
            ActionError::TooManyAttempts(retry_after)
        }
        LoginError::Internal(error) => error.into(),
        _ => ActionError::SecondFactorInvalid(PresentPassword::challenge(account)),
    }
}

impl fmt::Debug for PresentPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentPassword").finish_non_exhaustive()
    }
}
