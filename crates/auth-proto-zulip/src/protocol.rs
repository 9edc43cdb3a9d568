//! The dispatcher: matches a path, decodes the request, hands it to the handler of its route, and renders errors.

use async_trait::async_trait;
use auth_core::{Answer, BodyRule, Peer, Protocol, ProtocolName, RequestError, Route};
use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::ApiError;
use crate::exact::SLASHES;
use crate::handler::{account, compatibility, development, login, pages, session, settings, take_over};
use crate::request::{Request, has_form};
use crate::route::{self, Endpoint};
use crate::state::ZulipProtocol;

#[async_trait]
impl Protocol for ZulipProtocol {
    fn name(&self) -> ProtocolName {
        ProtocolName::ZULIP
    }

    fn route(&self, path: &str) -> Route {
        route::find(&self.config, path)
    }

    fn merges_slashes(&self) -> bool {
        !self.config.exact.has(SLASHES)
    }

    /// Django reads the forms of POST requests alone.
    fn body_rule(&self, _: &Route, method: &Method, _: &HeaderMap) -> BodyRule {
        if has_form(method) { BodyRule::UpTo(route::BODY_LIMIT) } else { BodyRule::Ignored }
    }

    fn refuse(&self, error: RequestError) -> Answer {
        ApiError::from(error).into_answer(&self.config)
    }

    async fn answer(&self, route: &Route, request: http::Request<Bytes>, peer: &Peer) -> Answer {
        let result = match Request::decode(&self.config, route::row_of(route), &request, peer) {
            Ok(request) if request.is_for_page(&self.config) => Ok(pages::answer(self, &request).await),
            Ok(request) => dispatch(self, &request).await,
            Err(error) => Err(error.into()),
        };
        let mut answer = result.unwrap_or_else(|error| error.into_answer(&self.config));
        if request.method() == Method::HEAD {
            answer.response.body_mut().clear();
        }
        answer
    }
}

async fn dispatch(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    match request.route.endpoint {
        Endpoint::FetchApiKey => login::by_password(state, request).await,
        Endpoint::JwtFetchApiKey => login::by_assertion(state, request).await,
        Endpoint::DevFetchApiKey => development::log_in(state, request).await,
        Endpoint::DevListUsers => development::list_users(state, request).await,
        Endpoint::ServerSettings => settings::show(state, request).await,
        Endpoint::Compatibility => compatibility::judge(state, request).await,
        Endpoint::OwnUser | Endpoint::RegenerateApiKey | Endpoint::OwnSettings => {
            account::call(state, request).await
        }
        Endpoint::SessionOwnUser | Endpoint::SessionFetchApiKey | Endpoint::SessionSettings => {
            session::call(state, request).await
        }
        Endpoint::DesktopSession => Err(take_over::refuse(request)),
        _ => Err(ApiError::UnknownPath),
    }
}
