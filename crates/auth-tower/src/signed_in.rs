//! Extractors of axum: the client of a request, and the user whose credential came with it.

use std::fmt;
use std::sync::Arc;

use auth_core::{Clock, InternalError, InternalErrorKind, Peer, Profile, RequestId, retry_after_seconds};
use auth_proto_forward::ForwardServices;
use auth_proto_forward::decode::cookies::Cookies;
use auth_proto_forward::owner::{OwnerError, Wanted, find_owner};
use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::answer::until;
use crate::log::log;
use crate::origin::{Origin, Proxies};
use crate::service::PeerAddress;

/// The header that every browser sends, and hardly any program.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Asks for a name and a secret. A browser opens a window for it.
const BASIC: &str = "Basic realm=\"auth-server\", charset=\"UTF-8\"";

/// Says that something is asked for, without a window.
const BEARER: &str = "Bearer realm=\"auth-server\"";

/// An extractor for the client of a request, as far as it can be known: what a login asks for.
///
/// The state of the router has the [`Proxies`] that are trusted. The address comes from [`PeerAddress`], or from the
/// `ConnectInfo` of axum. An application with a state of its own says how the proxies are found in it:
///
/// ```
/// use std::sync::Arc;
///
/// use auth_tower::{Client, PeerAddress, Proxies};
/// use axum::Router;
/// use axum::extract::{FromRef, State};
/// use axum::routing::get;
/// use tower::ServiceExt as _;
///
/// /// What the handlers need.
/// #[derive(Clone)]
/// struct App {
///     greeting: Arc<str>,
///     proxies: Proxies,
/// }
///
/// impl FromRef<App> for Proxies {
///     fn from_ref(app: &App) -> Self {
///         app.proxies.clone()
///     }
/// }
///
/// async fn home(State(app): State<App>, Client(peer): Client) -> String {
///     format!("{} from {}", app.greeting, peer.address)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse()?], ..Proxies::default() };
/// let app = Router::new().route("/", get(home)).with_state(App { greeting: "Hello".into(), proxies });
///
/// // A request that a trusted proxy passed on. `into_make_service_with_connect_info` gives the address of the connection.
/// let request = http::Request::get("/")
///     .extension(PeerAddress(([10, 0, 0, 1], 4000).into()))
///     .header("X-Forwarded-For", "192.0.2.7")
///     .body(axum::body::Body::empty())?;
/// let answer = app.oneshot(request).await?;
/// let body = axum::body::to_bytes(answer.into_body(), 1024).await?;
/// assert_eq!(body, "Hello from 192.0.2.7");
/// # Ok(())
/// # }
/// ```
///
/// A state that has [`Proxies`] and a [`SignInCheck`] serves handlers of both extractors: write [`FromRef`] for each.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a handler takes it apart")]
pub struct Client(pub Peer);

impl<S: Send + Sync> FromRequestParts<S> for Client
where
    Proxies: FromRef<S>,
{
    type Rejection = SignInError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SignInError> {
        client(parts, &Proxies::from_ref(state)).map(Self).map_err(|error| SignInError::of(parts, error))
    }
}

/// The client of a request behind these proxies.
fn client(parts: &Parts, proxies: &Proxies) -> Result<Peer, OwnerError> {
    let address = PeerAddress::of(&parts.extensions)
        .ok_or_else(|| OwnerError::Internal(InternalError::defect("the request has no PeerAddress")))?;
    let id = parts.extensions.get::<RequestId>().copied().unwrap_or_default();
    Ok(Origin::of(address, &parts.headers, proxies).peer(&parts.headers, id))
}

/// Finds out whose a request is, for [`SignedIn`]. Clones share it.
#[derive(Clone)]
pub struct SignInCheck {
    services: Arc<dyn ForwardServices>,
    realm: Arc<str>,
    takes_passwords: bool,
    clock: Arc<dyn Clock>,
    proxies: Proxies,
}

impl SignInCheck {
    /// Takes the credentials of users of a realm, by its slug. The services are those of an engine, and `clock` is its clock.
    #[must_use]
    pub fn new(services: Arc<dyn ForwardServices>, realm: &str, clock: Arc<dyn Clock>) -> Self {
        Self { services, realm: realm.into(), takes_passwords: false, clock, proxies: Proxies::default() }
    }

    /// Takes the passwords of accounts as well, by HTTP Basic authentication. Each is judged as a login.
    #[must_use]
    pub fn taking_passwords(self) -> Self {
        Self { takes_passwords: true, ..self }
    }

    /// Trusts these proxies to name clients.
    #[must_use]
    pub fn trusting(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// The user whose credential came along.
    async fn owner(&self, parts: &Parts) -> Result<Profile, OwnerError> {
        let peer = client(parts, &self.proxies)?;
        let wanted = Wanted { realm: &self.realm, takes_passwords: self.takes_passwords };
        let cookies = Cookies::of(&parts.headers);
        let found = find_owner(&*self.services, wanted, &parts.headers, &cookies, &peer).await;
        if let Err(OwnerError::Unknown { not_before }) = &found {
            until(*not_before, &*self.clock).await;
        }
        found
    }
}

impl fmt::Debug for SignInCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInCheck")
            .field("realm", &self.realm)
            .field("takes_passwords", &self.takes_passwords)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

/// An extractor for the user whose credential came with a request: any that the protocols issue.
///
/// | credential | where |
/// | --- | --- |
/// | a Zulip key, an app password, or a [password](SignInCheck::taking_passwords) | HTTP Basic authentication, with a name |
/// | a token of Rocket.Chat | `X-Auth-Token` and `X-User-Id` |
/// | a token of Zettelstore | `Authorization: Bearer` |
/// | a session of the pages, or of forward authentication | their cookies |
///
/// The state of the router has a [`SignInCheck`]. A request without a good credential is answered 401, not before the
/// engine lets it; see [`SignInError`]. A cookie tells who uses the browser, and not that they meant the request: a handler
/// that changes something on behalf of browsers needs a guard against forged requests beside this.
///
/// ```
/// use std::sync::Arc;
///
/// use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
/// use auth_core::{Account, ManualClock, Profile, SecretReply};
/// use auth_tower::{PeerAddress, SignInCheck, SignedIn};
/// use axum::routing::get;
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // In a server, the services are the engine's. These take every name and secret for Ada's.
/// let realm = RealmBuilder::new("main").build();
/// let services = FakeServices::new().realm(realm.clone()).on_secret(move |_| {
///     let user = Arc::new(UserBuilder::new("ada").realm(realm.id).build());
///     let account = Account { user, password: None, totp: false };
///     SecretReply { result: Ok(Profile::new(account, Arc::new(realm.clone()))), not_before: None }
/// });
/// let check = SignInCheck::new(Arc::new(services), "main", Arc::new(ManualClock::default()));
///
/// let greet = async |SignedIn(profile): SignedIn| format!("Hello, {}!", profile.user.user_name().unwrap_or("you"));
/// let app = axum::Router::new().route("/", get(greet)).with_state(check);
///
/// let request = |authorization: Option<&str>| {
///     let mut request = http::Request::get("/").extension(PeerAddress(([127, 0, 0, 1], 4000).into()));
///     if let Some(authorization) = authorization {
///         request = request.header("Authorization", authorization);
///     }
///     request.body(axum::body::Body::empty()).unwrap()
/// };
/// let answer = app.clone().oneshot(request(None)).await.unwrap();
/// assert_eq!(answer.status(), 401);
/// let answer = app.oneshot(request(Some("Basic YWRhOnNlY3JldA=="))).await.unwrap();
/// let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
/// assert_eq!(body, "Hello, ada!");
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a handler takes it apart")]
pub struct SignedIn(pub Profile);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    SignInCheck: FromRef<S>,
{
    type Rejection = SignInError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, SignInError> {
        let check = SignInCheck::from_ref(state);
        check.owner(parts).await.map(Self).map_err(|error| SignInError::of(parts, error))
    }
}

/// Why a request has no user or no client.
///
/// As a response it is 401 where no good credential came along, 400 where several did, 429 with `Retry-After` after too
/// many attempts, and 500 or 503 where nothing could be known. The cause of an internal error is logged and not told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignInError {
    /// The reason.
    pub reason: OwnerError,
    /// Whether a browser asked, which would show a window of its own for HTTP Basic authentication.
    pub is_browser: bool,
}

impl SignInError {
    fn of(parts: &Parts, reason: OwnerError) -> Self {
        Self { reason, is_browser: parts.headers.contains_key(SEC_FETCH_SITE) }
    }
}

impl IntoResponse for SignInError {
    fn into_response(self) -> Response {
        match self.reason {
            OwnerError::Unknown { .. } => {
                let challenge = if self.is_browser { BEARER } else { BASIC };
                let challenge = (WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
                (StatusCode::UNAUTHORIZED, [challenge], "Sign in first\n").into_response()
            }
            OwnerError::Several => {
                (StatusCode::BAD_REQUEST, "More than one credential came along\n").into_response()
            }
            OwnerError::Limited { retry_after } => {
                let wait = (RETRY_AFTER, retry_after_seconds(retry_after).to_string());
                (StatusCode::TOO_MANY_REQUESTS, [wait], "Too many attempts\n").into_response()
            }
            OwnerError::Internal(error) => {
                log(&error);
                match error.kind() {
                    InternalErrorKind::Busy { retry_after } => {
                        let wait = (RETRY_AFTER, retry_after_seconds(retry_after).to_string());
                        (StatusCode::SERVICE_UNAVAILABLE, [wait], "Busy\n").into_response()
                    }
                    InternalErrorKind::Unavailable => {
                        (StatusCode::SERVICE_UNAVAILABLE, "Unavailable\n").into_response()
                    }
                    _ => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error\n").into_response(),
                }
            }
        }
    }
}
