//! A request on its way to a handler, with the user who sent it.

use std::sync::OnceLock;

use auth_core::{Caller, Peer, PresentedFactor, Principal, ProtocolName, Token, TokenError};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use serde_json::Value;

use crate::decode::{self, DecodeError, Fields};
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// A request that is answered by a handler.
pub(crate) struct Call<'a> {
    request: &'a Request<Bytes>,
    pub(crate) peer: &'a Peer,
    /// The user whose credentials came along, where they are good.
    pub(crate) principal: Option<Box<Principal>>,
    /// The second factor in the headers, read when a handler first asks for it.
    factor: OnceLock<PresentedFactor>,
}

impl<'a> Call<'a> {
    /// A call whose credentials are ignored.
    pub(crate) fn anonymous(request: &'a Request<Bytes>, peer: &'a Peer) -> Self {
        Self { request, peer, principal: None, factor: OnceLock::new() }
    }

    /// A call whose credentials are checked. Bad credentials are like none, unless they are bad because of
    /// too many calls.
    pub(crate) async fn authenticated(
        state: &RocketChatProtocol,
        request: &'a Request<Bytes>,
        peer: &'a Peer,
    ) -> Result<Self, ApiError> {
        let call = Self::anonymous(request, peer);
        let Some((id, token)) = decode::user_and_token(call.headers()) else { return Ok(call) };
        let reply = state.check(id.into(), Token::new(token), peer).await;
        match (reply.result, reply.rate_limit) {
            (Ok(principal), _) => Ok(Self { principal: Some(principal), ..call }),
            (Err(TokenError::Internal(error)), _) => Err(ApiError::Internal(error)),
            (Err(TokenError::Limited), Some(status)) => Err(ApiError::Limited(status)),
            (Err(_), _) => Ok(call),
        }
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &'a HeaderMap {
        self.request.headers()
    }

    /// The method.
    pub(crate) fn method(&self) -> &'a Method {
        self.request.method()
    }

    /// The path.
    pub(crate) fn path(&self) -> &'a str {
        self.request.uri().path()
    }

    /// The query; empty where there is none.
    pub(crate) fn query(&self) -> &'a str {
        self.request.uri().query().unwrap_or_default()
    }

    /// The parameters in the body, whatever they are.
    pub(crate) fn body(&self) -> Value {
        let content_type = self.headers().get(CONTENT_TYPE);
        decode::body(content_type.map(|value| value.as_bytes()).unwrap_or_default(), self.request.body())
    }

    /// The parameters in the body, of which `known` are those that the call takes.
    pub(crate) fn fields(&self, known: &[&str]) -> Result<Fields, DecodeError> {
        Fields::of(self.body(), known)
    }

    /// The signed-in user.
    pub(crate) fn principal(&self) -> Result<&Principal, ApiError> {
        self.principal.as_deref().ok_or(ApiError::NotLoggedIn)
    }

    /// The signed-in user with the program and the second factor that came along.
    pub(crate) fn caller(&self) -> Result<Caller<'_>, ApiError> {
        Ok(Caller {
            principal: self.principal()?,
            peer: self.peer,
            protocol: ProtocolName::ROCKETCHAT,
            factor: self.factor(),
        })
    }

    /// The second factor in the headers.
    pub(crate) fn factor(&self) -> &PresentedFactor {
        self.factor.get_or_init(|| decode::presented_factor(self.headers()))
    }
}
