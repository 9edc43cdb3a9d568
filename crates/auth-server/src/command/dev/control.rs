//! The control endpoints of a demo server: what tests do to it from outside, beside the protocols.
//!
//! They are at a port of their own and ask for a random token that only the line of `--ready-json` tells. A request that a
//! browser sends for a page is refused in any case.

mod query;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use auth_admin::view::Moment;
use auth_admin::{Accounts, AdminError};
use auth_admin_api::Problem;
use auth_core::{ClientKey, Clock, CredentialKind, ImportMode, Timestamp, Token, User};
use auth_crypto::totp;
use auth_engine::Engine;
use auth_tower::settle_host;
use auth_transfer::{ImportError, import, unwatched};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use self::query::{CodesOf, Wanted};
use super::clock::LeadingClock;
use crate::admin::bearers::bearer;
use crate::host;
use crate::mail::{KeptMail, KeptMails};
use crate::side_listener::{Service, whole_body};

/// The header by which browsers say from where a request comes (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The longest body: import lines.
const MAX_BODY: usize = 1 << 20;

/// As far as the clock goes: to the year 3000.
const LATEST: Timestamp = Timestamp::from_secs(32_503_680_000);

/// Resets that wait for their turn.
const WAITING_RESETS: usize = 8;

/// What a request without the token is told.
const CHALLENGE: &str = "Bearer realm=\"auth-server dev\"";

/// A demo server as it is between two resets.
pub(super) struct Stage {
    pub(super) engine: Arc<Engine>,
    pub(super) mails: Arc<KeptMails>,
}

/// Somebody asks for a reset, and waits until it is done.
pub(super) type Reset = oneshot::Sender<()>;

/// Does what the control endpoints are asked for.
pub(super) struct Control {
    token: Token,
    clock: Arc<LeadingClock>,
    stage: ArcSwap<Stage>,
    /// `None` where the data is kept, which no reset may throw away.
    resets: Option<mpsc::Sender<Reset>>,
}

/// What can be asked for.
#[derive(Clone, Copy)]
enum Endpoint {
    Reset,
    Clock,
    MoveClock,
    Mails,
    Codes,
    AddUsers,
}

/// The body of a request to move the clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    /// By so many seconds.
    seconds: Option<f64>,
    /// To a moment.
    to: Option<Moment>,
}

impl Endpoint {
    const ALL: [(Method, &str, Self); 6] = [
        (Method::POST, "/reset", Self::Reset),
        (Method::GET, "/clock", Self::Clock),
        (Method::POST, "/clock", Self::MoveClock),
        (Method::GET, "/mails", Self::Mails),
        (Method::GET, "/codes", Self::Codes),
        (Method::POST, "/users", Self::AddUsers),
    ];

    /// The endpoint at a path; else the methods that there are.
    fn find(method: &Method, path: &str) -> Result<Self, Vec<&'static str>> {
        let here = || Self::ALL.iter().filter(|(_, own, _)| *own == path);
        let found = here().find(|(own, _, _)| own == method);
        found.map(|(_, _, endpoint)| *endpoint).ok_or_else(|| {
            const METHODS: [(Method, &str); 2] = [(Method::GET, "GET"), (Method::POST, "POST")];
            let is_here = |method: &Method| here().any(|(own, _, _)| own == method);
            METHODS.iter().filter(|(method, _)| is_here(method)).map(|(_, name)| *name).collect()
        })
    }
}

impl Control {
    /// The control of what is on the stage. The receiver gets the resets that are asked for: none where data is kept.
    pub(super) fn new(
        token: Token,
        clock: Arc<LeadingClock>,
        stage: Stage,
        keeps_data: bool,
    ) -> (Self, mpsc::Receiver<Reset>) {
        let (resets, asked) = mpsc::channel(WAITING_RESETS);
        let resets = (!keeps_data).then_some(resets);
        (Self { token, clock, stage: ArcSwap::from_pointee(stage), resets }, asked)
    }

    /// Takes over what is on the stage after a reset.
    pub(super) fn show(&self, stage: Stage) {
        self.stage.store(Arc::new(stage));
    }

    /// Why a request is refused, whatever it asks for: its sender has no token, or is a browser.
    fn refusal<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        let refuse = |status, code, title: &str| Some(Problem::new(status, code, title).into_response());
        if host::is_foreign(request) {
            let title = "requests for this machine only: call it 127.0.0.1";
            return refuse(StatusCode::MISDIRECTED_REQUEST, "foreign-host", title);
        }
        let headers = request.headers();
        if headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE) {
            return refuse(StatusCode::FORBIDDEN, "browser", "browsers are refused");
        }
        if bearer(headers).is_some_and(|given| Token::new(given) == self.token) {
            return None;
        }
        let title = "present the token of --ready-json: Authorization: Bearer TOKEN";
        let mut refused = Problem::new(StatusCode::UNAUTHORIZED, "no-token", title).into_response();
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        Some(refused)
    }

    /// Reads the body of a request, and does what it asks for; gives the content of the answer.
    async fn reply(&self, endpoint: Endpoint, request: Request<Incoming>) -> Result<Value, Problem> {
        let (head, body) = request.into_parts();
        let body = whole_body(body, MAX_BODY).await?;
        self.act(endpoint, head.uri.query().unwrap_or_default(), &body).await
    }

    async fn act(&self, endpoint: Endpoint, query: &str, body: &[u8]) -> Result<Value, Problem> {
        match endpoint {
            Endpoint::Reset => self.reset().await,
            Endpoint::Clock => Ok(self.now()),
            Endpoint::MoveClock => self.move_clock(body),
            Endpoint::Mails => self.mails(&Wanted::read(query)?).await,
            Endpoint::Codes => self.codes(&CodesOf::read(query)?).await,
            Endpoint::AddUsers => self.add_users(body).await,
        }
    }

    async fn reset(&self) -> Result<Value, Problem> {
        let Some(resets) = &self.resets else {
            let title = "the data of --data is kept: no reset throws it away";
            return Err(Problem::new(StatusCode::CONFLICT, "kept-data", title));
        };
        let ended = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "the server ends");
        let (asked, done) = oneshot::channel();
        resets.send(asked).await.map_err(|_| ended())?;
        done.await.map_err(|_| ended())?;
        Ok(json!({}))
    }

    fn now(&self) -> Value {
        json!({ "now": Moment(self.clock.now()) })
    }

    fn move_clock(&self, body: &[u8]) -> Result<Value, Problem> {
        let bad = |title: &str| Problem::new(StatusCode::BAD_REQUEST, "bad-body", title);
        let now = self.clock.now();
        let by = match serde_json::from_slice(body) {
            Ok(Move { seconds: Some(seconds), to: None }) => Duration::try_from_secs_f64(seconds).ok(),
            Ok(Move { seconds: None, to: Some(Moment(to)) }) => (to >= now).then(|| to.since(now)),
            _ => {
                return Err(bad(
                    "either {\"seconds\": NUMBER} or {\"to\": TIME}, a time like 2030-01-31T12:00:00Z",
                ));
            }
        };
        let by = by.filter(|by| now + *by <= LATEST);
        let by = by.ok_or_else(|| bad("the clock goes forward only, and not beyond the year 3000"))?;
        self.clock.advance(by);
        Ok(self.now())
    }

    async fn mails(&self, wanted: &Wanted) -> Result<Value, Problem> {
        let mails = Arc::clone(&self.stage.load().mails);
        mails.wait_for(|mail| wanted.is(mail), wanted.wait).await;
        let found = mails.all();
        let found: Result<Vec<Value>, Problem> =
            found.iter().rev().filter(|mail| wanted.is(mail)).map(shown).collect();
        Ok(json!({ "mails": found? }))
    }

    async fn codes(&self, of: &CodesOf) -> Result<Value, Problem> {
        let stage = self.stage.load_full();
        let engine = &stage.engine;
        let refused = |error: AdminError| Problem::from(&error);
        let account = Accounts::new(engine).find(of.realm.as_deref(), &of.user).await.map_err(refused)?;
        let devices = engine.store().of_user(account.user.id, CredentialKind::TOTP).await;
        let device = devices.map_err(|error| refused(error.into()))?.pop();
        let now = self.clock.now();
        let secret = device.map(|device| engine.credentials().totp_secret(&device)).transpose();
        let secret = secret.map_err(|error| internal(&error))?;
        let device = secret.map(|secret| {
            let ends = totp::STEP_SECONDS - now.as_secs().rem_euclid(totp::STEP_SECONDS);
            (totp::code(&secret, totp::step_at(now)), ends)
        });
        Ok(json!({
            "totp": device.as_ref().map(|(code, _)| code.expose()),
            "totp_seconds": device.as_ref().map(|(_, ends)| ends),
            "mailed": mailed_code(&stage.mails.all(), &account.user),
        }))
    }

    async fn add_users(&self, lines: &[u8]) -> Result<Value, Problem> {
        let stage = self.stage.load_full();
        match import(&stage.engine, lines, ImportMode::Write, &mut unwatched).await {
            Ok(report) => Ok(json!({ "realms": report.imported.realms, "users": report.imported.users })),
            Err(error @ ImportError::Lines { .. }) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "bad-lines", error.to_string()))
            }
            Err(error) => Err(internal(&error)),
        }
    }
}

#[async_trait]
impl Service for Control {
    async fn answer(&self, _: ClientKey, mut request: Request<Incoming>) -> Response<Bytes> {
        settle_host(&mut request);
        if let Some(refusal) = self.refusal(&request) {
            return refusal;
        }
        let endpoint = match Endpoint::find(request.method(), request.uri().path()) {
            Ok(endpoint) => endpoint,
            Err(methods) => return misses(&methods),
        };
        match self.reply(endpoint, request).await {
            Ok(content) => {
                let mut response = Response::new(Bytes::from(format!("{content}\n")));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            Err(problem) => problem.into_response(),
        }
    }
}

/// The answer at a path with other methods, or none.
fn misses(methods: &[&str]) -> Response<Bytes> {
    if methods.is_empty() {
        let title = "no such endpoint: see docs/testing-clients.md";
        return Problem::new(StatusCode::NOT_FOUND, "no-endpoint", title).into_response();
    }
    let allowed = methods.join(", ");
    let title = format!("this endpoint takes {allowed}");
    let mut refused = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other-method", title).into_response();
    refused.headers_mut().extend(HeaderValue::try_from(allowed).ok().map(|allowed| (ALLOW, allowed)));
    refused
}

fn internal(error: &dyn fmt::Display) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
}

/// A mail as tests get it.
fn shown(mail: &KeptMail) -> Result<Value, Problem> {
    Ok(json!({
        "number": mail.number,
        "to": mail.to,
        "subject": mail.subject,
        "language": mail.language.tag(),
        "text": *mail.text,
        "html": mail.html().map_err(|error| internal(&error))?,
        "links": mail.links(),
        "codes": mail.codes(),
    }))
}

/// The latest code that was mailed to a user. The latest mails come first.
fn mailed_code(mails: &[KeptMail], user: &User) -> Option<String> {
    let address = user.email()?.address;
    let own = mails.iter().filter(|mail| mail.to.eq_ignore_ascii_case(address));
    own.flat_map(KeptMail::codes).next()
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}
