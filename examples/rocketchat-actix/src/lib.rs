//! Rocket.Chat's login API under actix-web, which is no framework of tower: a protocol is a pure function, and [`answer`]
//! does what its server has to do around it.
//!
//! 1. Find the client: the connection's address, or what a trusted proxy says ([`Origin`]).
//! 2. Match the path, and read as much of the body as the protocol wants ([`read_body`]).
//! 3. Have the protocol answer ([`ask`]), and log the cause of an internal error, which the answer doesn't tell.
//! 4. Wait for the moment before which the answer must not be sent ([`until`]).
//!
//! Only the types differ: actix-web has an `http` of its own version, so heads are copied name by name.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode as ActixStatus;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use anyhow::Context as _;
use auth_core::{
    BodyRule, BodyTooLarge, Clock, InternalError, Protocol, RequestError, RequestId, merge_slashes,
};
use auth_tower::{Origin, Proxies, ReadBody, Unbounded, ask, read_body, settle_host, until};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::Request;
use http_body::Frame;
use http_body_util::StreamBody;

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The protocol, and what its server knows.
#[expect(clippy::exhaustive_structs, reason = "a program builds it")]
pub struct Login {
    /// The protocol.
    pub protocol: Arc<dyn Protocol>,
    /// The clock of the protocol's services.
    pub clock: Arc<dyn Clock>,
    /// The proxies that are trusted to name clients.
    pub proxies: Proxies,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

/// Answers a request: a handler for `App::default_service`, or for a scope.
pub async fn answer(login: Data<Login>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let Login { protocol, clock, proxies } = &**login;
    let refuse = |error: RequestError| respond(protocol.refuse(error).response);
    let (Ok(mut head), Some(address)) = (head(&request), request.peer_addr()) else {
        return refuse(InternalError::defect("a request without a head or an address").into());
    };
    settle_host(&mut head);
    if protocol.merges_slashes() {
        merge_slashes(&mut head);
    }
    let peer = Origin::of(address, head.headers(), proxies).peer(head.headers(), RequestId::default());
    let route = protocol.route(head.uri().path());

    let body = match protocol.body_rule(&route, head.method(), head.headers()) {
        BodyRule::Ignored => Ok(ReadBody::Whole(Bytes::new())),
        BodyRule::UpTo(limit) => {
            let body = StreamBody::new(payload.map_ok(Frame::data));
            tokio::time::timeout(BODY_TIMEOUT, read_body(body, limit, &mut Unbounded)).await
        }
    };
    let body = match body {
        Ok(ReadBody::Whole(body)) => body,
        Ok(ReadBody::TooLarge) => {
            head.extensions_mut().insert(BodyTooLarge);
            Bytes::new()
        }
        Ok(ReadBody::Broken | ReadBody::NoRoom) => return refuse(RequestError::BodyBroken),
        Err(_) => return refuse(RequestError::BodyTooSlow),
    };

    let answer = ask(&**protocol, &route, head.map(|()| body), &peer).await;
    if let Some(error) = &answer.error {
        tracing::error!(cause = error.cause(), route = route.pattern, "request failed");
    }
    until(answer.not_before, &**clock).await;
    respond(answer.response)
}

/// The head of a request, in the types of `http` 1.
fn head(request: &HttpRequest) -> anyhow::Result<Request<()>> {
    let version = match request.version() {
        actix_web::http::Version::HTTP_10 => http::Version::HTTP_10,
        actix_web::http::Version::HTTP_2 => http::Version::HTTP_2,
        _ => http::Version::HTTP_11,
    };
    let mut head =
        Request::builder().method(request.method().as_str()).uri(request.uri().to_string()).version(version);
    for (name, value) in request.headers() {
        head = head.header(name.as_str(), value.as_bytes());
    }
    head.body(()).context("a head that http 1 doesn't know")
}

/// A response, in the types of actix-web.
fn respond(response: http::Response<Bytes>) -> HttpResponse {
    let (parts, body) = response.into_parts();
    let status = ActixStatus::from_u16(parts.status.as_u16()).unwrap_or(ActixStatus::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        answer.append_header((name.as_str(), value.as_bytes()));
    }
    answer.body(body)
}
