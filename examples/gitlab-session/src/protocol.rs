//! The dispatcher: matches a path, hands the request to the handler of its route, and renders errors.

use async_trait::async_trait;
use auth_core::{Answer, BodyRule, Peer, Protocol, ProtocolName, RequestError, Route};
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::ApiError;
use crate::name::GITLAB;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::GitLabProtocol;
use crate::{handler, route};

#[async_trait]
impl Protocol for GitLabProtocol {
    fn name(&self) -> ProtocolName {
        GITLAB
    }

    fn route(&self, path: &str) -> Route {
        route::find(path)
    }

    fn body_rule(&self, _: &Route, method: &Method, _: &HeaderMap) -> BodyRule {
        if method == Method::POST { BodyRule::UpTo(route::BODY_LIMIT) } else { BodyRule::Ignored }
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

async fn dispatch(state: &GitLabProtocol, route: &Route, request: &Request<'_>) -> Result<Answer, ApiError> {
    match (route::endpoint(route), request.http.method()) {
        (Endpoint::Session, &Method::POST) => handler::session::log_in(state, request).await,
        (Endpoint::User, &Method::GET | &Method::HEAD) => handler::user::show(state, request).await,
        (Endpoint::OwnToken, &Method::DELETE) => handler::own_token::revoke(state, request).await,
        (Endpoint::Session, _) => Err(ApiError::MethodNotAllowed { allowed: "POST" }),
        (Endpoint::User, _) => Err(ApiError::MethodNotAllowed { allowed: "GET, HEAD" }),
        (Endpoint::OwnToken, _) => Err(ApiError::MethodNotAllowed { allowed: "DELETE" }),
        (Endpoint::Nothing, _) => Err(ApiError::NotFound),
    }
}
