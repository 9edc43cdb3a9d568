//! A protocol as a Service of tower.

use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use auth_core::{
    BodyRule, BodyTooLarge, Clock, InternalError, Protocol, RequestError, RequestId, merge_slashes,
};
use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Extensions, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service;
use tracing::Instrument;

use crate::answer::{ask, until};
use crate::body::{ReadBody, Unbounded, read_body};
use crate::host::settle_host;
use crate::log::log;
use crate::mount::strip_prefix;
use crate::origin::{Origin, Proxies};

/// How long a body may take, unless [`ProtocolService::body_timeout`] says otherwise.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// When a client may try again for whose body there was no room.
const BUSY: Duration = Duration::from_secs(1);

/// The address at the other end of a request's connection, as an extension of the request.
///
/// The server puts it there; under axum with the feature `axum`, `into_make_service_with_connect_info::<SocketAddr>()`
/// does. Limits count clients by it, so a request without it is refused. Behind a Unix socket, where there is none, put the
/// address there under which the proxy at its other end is [trusted](Proxies).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an address and nothing else")]
pub struct PeerAddress(pub SocketAddr);

impl PeerAddress {
    /// The address among a request's extensions.
    pub(crate) fn of(extensions: &Extensions) -> Option<SocketAddr> {
        let own = extensions.get::<Self>().map(|Self(address)| *address);
        #[cfg(feature = "axum")]
        let own = own
            .or_else(|| extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|of_axum| of_axum.0));
        own
    }
}

/// A [`Protocol`] as a [`Service`] of tower: requests of [`http`] in, responses out, and never an error. Clones share it.
///
/// The service reads the body within the protocol's limit, finds the client behind trusted proxies, has the protocol answer,
/// and sends the answer no sooner than the protocol allows. It answers whatever the path. See the front page of the crate for
/// an example, and for what stays with the server around it.
#[derive(Clone)]
pub struct ProtocolService {
    mounted: Arc<Mounted>,
}

/// A protocol with what the service knows of its surroundings.
#[derive(Clone)]
struct Mounted {
    protocol: Arc<dyn Protocol>,
    clock: Arc<dyn Clock>,
    proxies: Proxies,
    prefix: String,
    body_timeout: Duration,
    bans: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl ProtocolService {
    /// Creates the service of a protocol. `clock` is the clock by which the protocol's services tell when an answer may be
    /// sent.
    #[must_use]
    pub fn new(protocol: Arc<dyn Protocol>, clock: Arc<dyn Clock>) -> Self {
        let mounted = Mounted {
            protocol,
            clock,
            proxies: Proxies::default(),
            prefix: String::new(),
            body_timeout: BODY_TIMEOUT,
            bans: Arc::new(|_| false),
        };
        Self { mounted: Arc::new(mounted) }
    }

    /// Trusts these proxies to name clients. Without any, the address of the connection is the client's.
    #[must_use]
    pub fn trusting(self, proxies: Proxies) -> Self {
        self.with(|mounted| mounted.proxies = proxies)
    }

    /// Takes the prefix of paths below which the protocol is mounted, such as `/auth`, off a request's path. A request for
    /// another path is answered 404 without a body.
    ///
    /// Where the router around the service takes the prefix off itself, as `nest_service` of axum does, leave this out. A
    /// protocol that writes addresses of its own has the prefix in its configuration, such as Zettelstore's `url_prefix`: it
    /// takes the prefix off itself, so leave this out there as well.
    #[must_use]
    pub fn below(self, prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        self.with(|mounted| mounted.prefix = prefix)
    }

    /// Waits for a request's body for so long in place of a minute.
    #[must_use]
    pub fn body_timeout(self, timeout: Duration) -> Self {
        self.with(|mounted| mounted.body_timeout = timeout)
    }

    /// Refuses clients whose address is banned, such as by `engine.limits().network_rules().bans(address)` of `auth-engine`.
    #[must_use]
    pub fn banning(self, bans: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.with(|mounted| mounted.bans = Arc::new(bans))
    }

    fn with(mut self, change: impl FnOnce(&mut Mounted)) -> Self {
        change(Arc::make_mut(&mut self.mounted));
        self
    }
}

impl<B> Service<Request<B>> for ProtocolService
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !strip_prefix(&self.mounted.prefix, &mut request) {
            let mut elsewhere = Response::new(Full::default());
            *elsewhere.status_mut() = StatusCode::NOT_FOUND;
            return Box::pin(ready(Ok(elsewhere)));
        }
        let mounted = Arc::clone(&self.mounted);
        Box::pin(async move { Ok(mounted.answer(request).await.map(Full::new)) })
    }
}

impl Mounted {
    /// Answers a request whose path is the protocol's.
    async fn answer<B: Body>(&self, mut request: Request<B>) -> Response<Bytes> {
        let protocol = &*self.protocol;
        settle_host(&mut request);
        if protocol.merges_slashes() {
            merge_slashes(&mut request);
        }
        let route = protocol.route(request.uri().path());
        let Some(address) = PeerAddress::of(request.extensions()) else {
            return self.refuse(InternalError::defect("the request has no PeerAddress").into());
        };
        let origin = Origin::of(address, request.headers(), &self.proxies);
        if let Some(doubt) = &origin.doubt {
            let peer = origin.connection;
            tracing::debug!(target: "auth::forwarding", %peer, ?doubt, "many clients may count as one");
        }
        let id = id_of(&request, &origin);
        let peer = origin.peer(request.headers(), id);
        if (self.bans)(peer.address) {
            return self.refuse(RequestError::Banned);
        }
        // The route's pattern, never the path, which may hold a secret.
        let span =
            tracing::info_span!("request", %id, protocol = protocol.name().as_str(), route = route.pattern);
        let answered = async {
            let (parts, body) = request.into_parts();
            let read = match protocol.body_rule(&route, &parts.method, &parts.headers) {
                BodyRule::Ignored => Ok(ReadBody::Whole(Bytes::new())),
                BodyRule::UpTo(limit) => {
                    let mut room = Unbounded;
                    tokio::time::timeout(self.body_timeout, read_body(body, limit, &mut room)).await
                }
            };
            let (body, is_too_large) = match read {
                Ok(ReadBody::Whole(body)) => (body, false),
                Ok(ReadBody::TooLarge) => (Bytes::new(), true),
                Ok(ReadBody::Broken) => return self.refuse(RequestError::BodyBroken),
                Ok(ReadBody::NoRoom) => return self.refuse(InternalError::busy(BUSY).into()),
                Err(_) => return self.refuse(RequestError::BodyTooSlow),
            };
            let mut request = Request::from_parts(parts, body);
            if is_too_large {
                request.extensions_mut().insert(BodyTooLarge);
            }
            let answer = ask(protocol, &route, request, &peer).await;
            if let Some(error) = &answer.error {
                log(error);
            }
            until(answer.not_before, &*self.clock).await;
            if is_too_large { closing(answer.response) } else { answer.response }
        };
        answered.instrument(span).await
    }

    /// The last answer of a connection, to a request that is kept from the protocol.
    fn refuse(&self, error: RequestError) -> Response<Bytes> {
        let answer = self.protocol.refuse(error);
        if let Some(error) = &answer.error {
            log(error);
        }
        closing(answer.response)
    }
}

/// The id that the server around the service gave to a request as an extension, or else a trusted proxy in
/// `X-Request-Id`. Otherwise it is empty.
fn id_of<B>(request: &Request<B>, origin: &Origin) -> RequestId {
    let of_proxy = || RequestId::given(request.headers().get("x-request-id")?.to_str().ok()?);
    let given = request.extensions().get::<RequestId>().copied();
    given.or_else(|| origin.is_trusted.then(of_proxy).flatten()).unwrap_or_default()
}

/// The response as the last one of its connection: what is left of the request is not read.
fn closing(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl fmt::Debug for ProtocolService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mounted { protocol, proxies, prefix, body_timeout, .. } = &*self.mounted;
        f.debug_struct("ProtocolService")
            .field("protocol", &protocol.name())
            .field("proxies", proxies)
            .field("prefix", prefix)
            .field("body_timeout", body_timeout)
            .finish_non_exhaustive()
    }
}
