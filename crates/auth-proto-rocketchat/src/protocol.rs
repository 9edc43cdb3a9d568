//! The protocol: finds the route, the user and the limit, lets the route answer.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Answer, BodyTooLarge, Caller, CredentialCheck, ExactPoint, Peer, Permission, Principal, Protocol,
    ProtocolName, RateLimitStatus, Realm, RealmName, RouteMatch, Services, TokenError,
};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::decode::{agent, body, presented, second_factor_proof};
use crate::encode::{self, Failure, tell_rate_limit, text};
use crate::route::{
    Audience, Endpoint, Route, info, login, method, password, second_factor, session, settings, tokens,
};

/// Rocket.Chat's API for one realm.
pub struct RocketChatProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn Services>,
}

impl RocketChatProtocol {
    /// The largest body that is read, in bytes: every form with the longest password fits several times over.
    pub const BODY_LIMIT: usize = 64 * 1024;

    /// A protocol with these settings to what is services.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn Services>) -> Self {
        Self { config, services }
    }

    /// The realm of the protocol.
    pub(crate) async fn realm(&self) -> Result<Arc<Realm>, Failure> {
        self.services.realm(RealmName::Slug(&self.config.realm)).await?.ok_or(Failure::INTERNAL)
    }

    async fn respond(&self, request: &Request<Bytes>, peer: &Peer) -> Answer {
        if request.method() == Method::OPTIONS {
            return options(request.headers()).into();
        }
        let Some(route) = Route::find(request.method(), request.uri().path()) else {
            return self.unknown().into();
        };
        let principal = match self.principal(route.audience, request.headers(), peer).await {
            Ok(principal) => principal,
            Err(failure) => return failure.response().into(),
        };
        let rate_limit = self.admit(route, principal.as_deref(), peer);
        let refused = rate_limit.filter(|rate_limit| rate_limit.retry_after.is_some());
        let answer = match refused {
            Some(rate_limit) => Err(Failure::Limited(rate_limit)),
            None => self.dispatch(route, request, principal.as_deref(), peer).await,
        };
        let mut answer = answer.unwrap_or_else(|failure| failure.response().into());
        if let Some(rate_limit) = &rate_limit {
            tell_rate_limit(answer.response.headers_mut(), rate_limit);
        }
        answer
    }

    /// Who asks, where the route wants to know and good credentials came along.
    async fn principal(
        &self,
        audience: Audience,
        headers: &HeaderMap,
        peer: &Peer,
    ) -> Result<Option<Box<Principal>>, Failure> {
        if audience == Audience::Anybody {
            return Ok(None);
        }
        let Some(credential) = presented(headers) else { return Ok(None) };
        let realm = self.realm().await?.id;
        let presentation =
            CredentialCheck { protocol: ProtocolName::RocketChat, realm, credential, peer: peer.clone() };
        let reply = self.services.check(presentation).await?;
        match (reply.outcome, reply.rate_limit) {
            (Ok(principal), _) => Ok(Some(principal)),
            (Err(TokenError::Limited), Some(rate_limit)) => Err(Failure::Limited(rate_limit)),
            (Err(_), _) => Ok(None),
        }
    }

    /// Counts the call. Roles with the permission `api-bypass-rate-limit` are let off (rocketchat.md 4.1).
    fn admit(&self, route: &Route, principal: Option<&Principal>, peer: &Peer) -> Option<RateLimitStatus> {
        let exempt = |principal: &Principal| principal.profile.user.may(Permission::BypassRateLimit);
        // Methods have the sockets' own limit, which is the engine's for log-ins.
        if route.endpoint == Endpoint::Method || principal.is_some_and(exempt) {
            return None;
        }
        self.services.admit(ProtocolName::RocketChat, route.name, peer)
    }

    async fn dispatch(
        &self,
        route: &Route,
        request: &Request<Bytes>,
        principal: Option<&Principal>,
        peer: &Peer,
    ) -> Result<Answer, Failure> {
        if request.extensions().get::<BodyTooLarge>().is_some() {
            return Err(Failure::BodyTooLarge);
        }
        let headers = request.headers();
        let has_name = |principal: &&Principal| principal.profile.user.user_name().is_some();
        let user = principal
            .filter(|user| route.audience != Audience::NamedUser || has_name(user))
            .ok_or(Failure::NotLoggedIn);
        let proof = second_factor_proof(headers);
        let caller = |principal| Caller { principal, peer, agent: agent(headers), proof: &proof };
        let response = match route.endpoint {
            Endpoint::LogIn => return login::log_in(self, request, peer).await,
            Endpoint::ForgotPassword => return password::forgot(self, fields(request)).await,
            Endpoint::SendEmailCode => return second_factor::send_email_code(self, fields(request)).await,
            Endpoint::Method => {
                let signed_in =
                    if route.audience == Audience::User { user.map(|_| true)? } else { user.is_ok() };
                return method::call(self, headers, signed_in, fields(request), peer).await;
            }
            Endpoint::Token(call) => {
                tokens::answer(call, self, &caller(user?), headers, fields(request)).await?
            }
            Endpoint::Factor(call) => {
                second_factor::answer(call, self, &caller(user?), fields(request)).await?
            }
            Endpoint::Instances => info::instances(user?)?,
            Endpoint::LogOut => session::log_out(self, user?).await?,
            Endpoint::Me => session::me(self, user?),
            Endpoint::Info => info::info(self, principal),
            Endpoint::PublicSettings => settings::public(self, request.uri().query().unwrap_or("")).await?,
            Endpoint::OauthSettings => settings::oauth(),
            Endpoint::ServiceConfigurations => settings::service_configurations(),
            Endpoint::PasswordPolicy => settings::password_policy(self.config.password_policy.as_ref()),
        };
        Ok(response.into())
    }

    /// The answer to a path or method that the protocol doesn't know.
    fn unknown(&self) -> Response<Bytes> {
        #[derive(Serialize)]
        struct Unknown {
            status: &'static str,
            message: &'static str,
        }
        if self.config.exact.has(ExactPoint::UnknownPathText) {
            return text(StatusCode::NOT_FOUND, "404 Not Found");
        }
        let body = Unknown { status: "error", message: "API endpoint does not exist" };
        encode::json(StatusCode::NOT_FOUND, &body)
    }
}

/// The parameters in a request's body.
fn fields(request: &Request<Bytes>) -> Value {
    let content_type = request.headers().get(CONTENT_TYPE);
    body(content_type.map(|value| value.as_bytes()).unwrap_or_default(), request.body())
}

/// The answer to OPTIONS: calls from pages of other origins that need a preflight are not served, as is
/// Rocket.Chat's default.
fn options(headers: &HeaderMap) -> Response<Bytes> {
    if headers.contains_key(ORIGIN) || headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let refusal = "CORS not enabled. Go to \"Admin > General > REST Api\" to enable it.";
        return text(StatusCode::METHOD_NOT_ALLOWED, refusal);
    }
    text(StatusCode::OK, "OK")
}

#[async_trait]
impl Protocol for RocketChatProtocol {
    fn kind(&self) -> ProtocolName {
        ProtocolName::RocketChat
    }

    fn claim(&self, path: &str) -> RouteMatch {
        if Route::knows(path) {
            RouteMatch::Owned
        } else if path == "/api" || path.starts_with("/api/") {
            RouteMatch::Prefix
        } else {
            RouteMatch::None
        }
    }

    fn body_limit(&self) -> usize {
        Self::BODY_LIMIT
    }

    async fn answer(&self, request: Request<Bytes>, peer: &Peer) -> Answer {
        let mut answer = self.respond(&request, peer).await;
        encode::finish(request.method(), &mut answer.response);
        answer
    }
}

impl fmt::Debug for RocketChatProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketChatProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}
