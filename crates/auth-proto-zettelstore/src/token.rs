//! `/a`: log in with POST, renew with PUT.

use auth_core::{
    Answer, DoorKind, Fault, Grant, GrantKind, Identifier, LoginAttempt, LoginOutcome, Peer, Presentation,
    Proof, Refusal, SecondStep,
};
use bytes::Bytes;
use http::{Request, Response};

use crate::decode::{self, Sent};
use crate::{ZettelstoreDoor, encode};

impl ZettelstoreDoor {
    /// POST (zettelstore.md 2). Without a name it is refused at once, and nobody is asked.
    pub(crate) async fn log_in(&self, request: &Request<Bytes>, peer: &Peer) -> Result<Answer, Fault> {
        if !self.config.authentication {
            return Ok(encode::free_access(self.config.answer).into());
        }
        let login = match decode::login(request) {
            Sent::Login(login) => login,
            Sent::Nothing => return Ok(encode::login_refused().into()),
            Sent::Malformed => return Ok(encode::bad_request().into()),
        };
        let attempt = LoginAttempt {
            door: DoorKind::Zettelstore,
            realm: self.realm().await?,
            proof: Proof::Password { who: Identifier::user_name(login.user_name), password: login.password },
            second_step: SecondStep::NotOffered,
            grant: GrantKind::ZettelstoreToken(self.config.answer.token_form()),
            peer: peer.clone(),
        };
        let reply = self.inside.log_in(attempt).await?;
        let response = match &reply.outcome {
            LoginOutcome::Granted(granted) => self.granted(&granted.grant)?,
            LoginOutcome::Refused(refusal) => refused(refusal),
        };
        Ok(Answer { response, not_before: reply.not_before })
    }

    /// PUT (zettelstore.md 3). A token is all that counts.
    pub(crate) async fn renew(&self, request: &Request<Bytes>, peer: &Peer) -> Result<Answer, Fault> {
        if !self.config.authentication {
            return Ok(encode::free_access(self.config.answer).into());
        }
        let Some(presentation) = self.presentation(request, peer).await? else {
            return Ok(encode::not_renewed().into());
        };
        let response = match self.inside.renew(presentation, self.config.answer.token_form()).await? {
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
    ) -> Result<Option<Presentation>, Fault> {
        let Some(credential) = decode::presented(request.headers()) else {
            return Ok(None);
        };
        let realm = self.realm().await?;
        Ok(Some(Presentation { door: DoorKind::Zettelstore, realm, credential, peer: peer.clone() }))
    }

    fn granted(&self, grant: &Grant) -> Result<Response<Bytes>, Fault> {
        match grant {
            Grant::ZettelstoreToken { token, lifetime } => {
                Ok(encode::token(self.config.answer, token, *lifetime))
            }
            _ => Err(Fault::internal("something else was granted than a Zettelstore token")),
        }
    }
}

/// This API has one refusal for all; limits are told apart, since waiting helps there.
fn refused(refusal: &Refusal) -> Response<Bytes> {
    match refusal {
        Refusal::Credentials(_)
        | Refusal::PasswordLoginDisabled
        | Refusal::RealmInactive
        | Refusal::UserInactive
        | Refusal::PasswordResetRequired
        | Refusal::AppAccount
        | Refusal::NoRoles
        | Refusal::EmailUnverified
        | Refusal::SecondFactorRequired(_)
        | Refusal::SecondFactorInvalid(_)
        | Refusal::SecondFactorExhausted(_)
        | Refusal::OtherRealm
        | Refusal::Forbidden
        | Refusal::AssertionDisabled
        | Refusal::AssertionInvalid
        | Refusal::AssertionWithoutSubject
        | Refusal::AssertionMalformed => encode::login_refused(),
        Refusal::AccountLimited { retry_after } | Refusal::NetworkLimited { retry_after } => {
            encode::limited(*retry_after)
        }
        _ => encode::login_refused(),
    }
}
