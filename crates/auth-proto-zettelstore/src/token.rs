//! `/a`: log in with POST, renew with PUT.

use auth_core::{
    Answer, CredentialCheck, Grant, GrantKind, Identifier, InternalError, LoginAttempt, LoginError,
    LoginMethod, LoginOutcome, Peer, ProtocolName, SecondStep,
};
use bytes::Bytes;
use http::{Request, Response};

use crate::decode::{self, Sent};
use crate::{ZettelstoreProtocol, encode};

impl ZettelstoreProtocol {
    /// POST (zettelstore.md 2). Without a name it is refused at once, and nobody is asked.
    pub(crate) async fn log_in(
        &self,
        request: &Request<Bytes>,
        peer: &Peer,
    ) -> Result<Answer, InternalError> {
        if !self.config.authentication {
            return Ok(encode::free_access(self.config.answer).into());
        }
        let login = match decode::login(request) {
            Sent::Login(login) => login,
            Sent::Nothing => return Ok(encode::login_refused().into()),
            Sent::Malformed => return Ok(encode::bad_request().into()),
        };
        let attempt = LoginAttempt {
            protocol: ProtocolName::Zettelstore,
            realm: self.realm().await?,
            proof: LoginMethod::Password {
                who: Identifier::user_name(login.user_name),
                password: login.password,
            },
            second_step: SecondStep::NotOffered,
            grant: GrantKind::ZettelstoreToken(self.config.answer.token_form()),
            peer: peer.clone(),
        };
        let reply = self.services.log_in(attempt).await?;
        let response = match &reply.outcome {
            LoginOutcome::Granted(granted) => self.granted(&granted.grant)?,
            LoginOutcome::Refused(refusal) => refused(refusal),
        };
        Ok(Answer { response, not_before: reply.not_before })
    }

    /// PUT (zettelstore.md 3). A token is all that counts.
    pub(crate) async fn renew(&self, request: &Request<Bytes>, peer: &Peer) -> Result<Answer, InternalError> {
        if !self.config.authentication {
            return Ok(encode::free_access(self.config.answer).into());
        }
        let Some(presentation) = self.presentation(request, peer).await? else {
            return Ok(encode::not_renewed().into());
        };
        let response = match self.services.renew(presentation, self.config.answer.token_form()).await? {
            Ok(grant) => self.granted(&grant)?,
            // This API tells nothing more.
            Err(_) => encode::not_renewed(),
        };
        Ok(response.into())
    }

    /// The token that a request presents, as the engine is asked about it.
    pub(crate) async fn presentation(
        &self,
        request: &Request<Bytes>,
        peer: &Peer,
    ) -> Result<Option<CredentialCheck>, InternalError> {
        let Some(credential) = decode::presented(request.headers()) else {
            return Ok(None);
        };
        let realm = self.realm().await?;
        Ok(Some(CredentialCheck {
            protocol: ProtocolName::Zettelstore,
            realm,
            credential,
            peer: peer.clone(),
        }))
    }

    fn granted(&self, grant: &Grant) -> Result<Response<Bytes>, InternalError> {
        match grant {
            Grant::ZettelstoreToken { token, lifetime } => {
                Ok(encode::token(self.config.answer, token, *lifetime))
            }
            _ => Err(InternalError::internal("something else was granted than a Zettelstore token")),
        }
    }
}

/// This API has one refusal for all; limits are told apart, since waiting helps there.
fn refused(refusal: &LoginError) -> Response<Bytes> {
    match refusal {
        LoginError::Credentials(_)
        | LoginError::PasswordLoginDisabled
        | LoginError::RealmInactive
        | LoginError::UserInactive
        | LoginError::PasswordResetRequired
        | LoginError::AppAccount
        | LoginError::NoRoles
        | LoginError::EmailUnverified
        | LoginError::SecondFactorRequired(_)
        | LoginError::SecondFactorInvalid(_)
        | LoginError::SecondFactorExhausted(_)
        | LoginError::OtherRealm
        | LoginError::Forbidden
        | LoginError::AssertionDisabled
        | LoginError::AssertionInvalid
        | LoginError::AssertionWithoutSubject
        | LoginError::AssertionMalformed => encode::login_refused(),
        LoginError::AccountLimited { retry_after } | LoginError::NetworkLimited { retry_after } => {
            encode::limited(*retry_after)
        }
        _ => encode::login_refused(),
    }
}
