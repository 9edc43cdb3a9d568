//! The door: finds the route, the user and the limit, lets the route answer.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Answer, BodyTooLarge, Caller, CheckRefusal, Claim, Door, DoorKind, ExactPoint, Inside, Peer, Permission,
    Presentation, Principal, Realm, RealmName, Standing,
};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::decode::{agent, body, presented, second_factor_proof};
use crate::encode::{self, Failure, tell_standing, text};
use crate::route::{
    Audience, Endpoint, Route, info, login, method, password, second_factor, session, settings, tokens,
};

/// Rocket.Chat's API for one realm.
pub struct RocketChatDoor {
    pub(crate) config: Config,
    pub(crate) inside: Arc<dyn Inside>,
}

impl RocketChatDoor {
    /// The largest body that is read, in bytes: every form with the longest password fits several times over.
    pub const BODY_LIMIT: usize = 64 * 1024;

    /// A door with these settings to what is inside.
    #[must_use]
    pub fn new(config: Config, inside: Arc<dyn Inside>) -> Self {
        Self { config, inside }
    }

    /// The realm of the door.
    pub(crate) async fn realm(&self) -> Result<Arc<Realm>, Failure> {
        self.inside.realm(RealmName::Slug(&self.config.realm)).await?.ok_or(Failure::INTERNAL)
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
        let standing = self.admit(route, principal.as_deref(), peer);
        let refused = standing.filter(|standing| standing.retry_after.is_some());
        let answer = match refused {
            Some(standing) => Err(Failure::Limited(standing)),
            None => self.dispatch(route, request, principal.as_deref(), peer).await,
        };
        let mut answer = answer.unwrap_or_else(|failure| failure.response().into());
        if let Some(standing) = &standing {
            tell_standing(answer.response.headers_mut(), standing);
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
        let presentation = Presentation { door: DoorKind::RocketChat, realm, credential, peer: peer.clone() };
        let reply = self.inside.check(presentation).await?;
        match (reply.outcome, reply.standing) {
            (Ok(principal), _) => Ok(Some(principal)),
            (Err(CheckRefusal::Limited), Some(standing)) => Err(Failure::Limited(standing)),
            (Err(_), _) => Ok(None),
        }
    }

    /// Counts the call. Roles with the permission `api-bypass-rate-limit` are let off (rocketchat.md 4.1).
    fn admit(&self, route: &Route, principal: Option<&Principal>, peer: &Peer) -> Option<Standing> {
        let exempt = |principal: &Principal| principal.profile.user.may(Permission::BypassRateLimit);
        // Methods have the sockets' own limit, which is the engine's for log-ins.
        if route.endpoint == Endpoint::Method || principal.is_some_and(exempt) {
            return None;
        }
        self.inside.admit(DoorKind::RocketChat, route.name, peer)
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

    /// The answer to a path or method that the door doesn't know.
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
impl Door for RocketChatDoor {
    fn kind(&self) -> DoorKind {
        DoorKind::RocketChat
    }

    fn claim(&self, path: &str) -> Claim {
        if Route::knows(path) {
            Claim::Owned
        } else if path == "/api" || path.starts_with("/api/") {
            Claim::Prefix
        } else {
            Claim::None
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

impl fmt::Debug for RocketChatDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketChatDoor").field("config", &self.config).finish_non_exhaustive()
    }
}
