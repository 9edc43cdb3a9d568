//! The dispatcher: matches a path, hands the request to the handler of its route, and renders errors.

use async_trait::async_trait;
use auth_core::{Answer, BodyRule, Peer, Protocol, ProtocolName, RequestError, Route};
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::ForwardError;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::ForwardProtocol;
use crate::{handler, route};

#[async_trait]
impl Protocol for ForwardProtocol {
    fn name(&self) -> ProtocolName {
        ProtocolName::FORWARD
    }

    fn route(&self, path: &str) -> Route {
        route::find(path)
    }

    /// In one dialect the path says what was asked for, so that it must come as it was sent.
    fn merges_slashes(&self) -> bool {
        false
    }

    /// nginx sends the length of the client's body and never the body, unless it is told otherwise.
    fn body_rule(&self, _route: &Route, _method: &Method, _headers: &HeaderMap) -> BodyRule {
        BodyRule::Ignored
    }

    fn refuse(&self, error: RequestError) -> Answer {
        ForwardError::from(error).into_answer()
    }

    async fn answer(&self, route: &Route, request: http::Request<Bytes>, peer: &Peer) -> Answer {
        let request = Request { http: &request, peer };
        let answered = match route::endpoint(route) {
            Endpoint::Auth => handler::auth::answer(self, &request).await,
            Endpoint::SignIn => handler::sign_in::answer(self, &request).await,
            Endpoint::Unknown => Err(ForwardError::NotFound),
        };
        let mut answer = answered.unwrap_or_else(ForwardError::into_answer);
        if request.http.method() == Method::HEAD {
            answer.response.body_mut().clear();
        }
        answer
    }
}
