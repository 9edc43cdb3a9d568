//! POST `/x`: commands, of which a log-in server has one.

use auth_core::{Answer, InternalError, Peer};
use bytes::Bytes;
use http::{Request, StatusCode};

use crate::decode::{self, Command};
use crate::{ZettelstoreProtocol, encode};

impl ZettelstoreProtocol {
    /// Runs the command that the query names.
    pub(crate) async fn run_command(
        &self,
        request: &Request<Bytes>,
        peer: &Peer,
    ) -> Result<Answer, InternalError> {
        match decode::command(request.uri().query().unwrap_or_default()) {
            Some(Command::Authenticated) => self.tell_authenticated(request, peer).await,
            None => Ok(encode::unknown_command().into()),
        }
    }

    /// Tells whether the request is authenticated, by its status alone (zettelstore.md 5).
    async fn tell_authenticated(
        &self,
        request: &Request<Bytes>,
        peer: &Peer,
    ) -> Result<Answer, InternalError> {
        if !self.config.authentication {
            return Ok(encode::empty(StatusCode::OK).into());
        }
        let known = match self.presentation(request, peer).await? {
            Some(presentation) => self.services.check(presentation).await?.outcome.is_ok(),
            None => false,
        };
        let status = if known { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED };
        Ok(encode::empty(status).into())
    }
}
