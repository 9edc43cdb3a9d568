//! The dispatcher: matches a path, hands the request to the handler of its route, and renders errors.

use async_trait::async_trait;
use auth_core::{Answer, BodyRule, Peer, Protocol, ProtocolName, RequestError, Route};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Method, Version};

use crate::decode::login::is_form;
use crate::decode::path::Destination;
use crate::encode::answer;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZettelstoreProtocol;
use crate::{handler, route};

#[async_trait]
impl Protocol for ZettelstoreProtocol {
    fn name(&self) -> ProtocolName {
        ProtocolName::ZETTELSTORE
    }

    fn route(&self, path: &str) -> Route {
        route::find(path, &self.base)
    }

    /// Zettelstore itself leads to the clean spelling of a path.
    fn merges_slashes(&self) -> bool {
        false
    }

    /// Zettelstore reads the form of a login alone.
    fn body_rule(&self, route: &Route, method: &Method, headers: &HeaderMap) -> BodyRule {
        let is_login = route::destination(route) == Destination::Token && method == Method::POST;
        if is_login && is_form(headers) {
            BodyRule::UpTo(self.config.body_limit())
        } else {
            BodyRule::Ignored
        }
    }

    fn refuse(&self, error: RequestError) -> Answer {
        ApiError::from(error).into_answer()
    }

    async fn answer(&self, route: &Route, request: http::Request<Bytes>, peer: &Peer) -> Answer {
        let request = Request { http: &request, peer };
        let mut answer = dispatch(self, route, &request).await.unwrap_or_else(ApiError::into_answer);
        if request.http.method() == Method::HEAD {
            answer.response.body_mut().clear();
        }
        answer
    }
}

async fn dispatch(
    state: &ZettelstoreProtocol,
    route: &Route,
    request: &Request<'_>,
) -> Result<Answer, ApiError> {
    if request.http.version() == Version::HTTP_11 && !request.http.headers().contains_key(HOST) {
        return Err(ApiError::NoHost);
    }
    match (route::destination(route), request.http.method()) {
        (Destination::Token, &Method::POST) => handler::token::log_in(state, request).await,
        (Destination::Token, &Method::PUT) => handler::token::renew(state, request).await,
        (Destination::Command, &Method::GET) => Ok(answer::version(state.config.answer).into()),
        (Destination::Command, &Method::POST) => handler::command::run(state, request).await,
        (Destination::Token | Destination::Command | Destination::Zettel, _) => {
            Err(ApiError::MethodNotAllowed)
        }
        (Destination::Moved, _) => handler::redirect::redirect(state, request).await,
        (Destination::Unknown, _) => Err(ApiError::UnknownPath),
        (Destination::Outside, _) => Err(ApiError::OutsidePrefix),
        (Destination::Malformed, _) => Err(ApiError::Malformed),
    }
}
