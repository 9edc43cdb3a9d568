//! An application with a log-in page of its own: users, passwords, second factors, limits and sessions are the engine's,
//! kept in SQLite; pages and cookie are the application's.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /` | the application, for whoever has signed in; else a link to the log-in page |
//! | `GET /login` | the form |
//! | `POST /login` | signs in, or asks for a code, or shows the form once more |
//! | `POST /login/code` | signs in with the code of the second factor |
//! | `POST /logout` | ends the session |
//!
//! Three things are easy to forget, and each is one line here:
//!
//! * A refusal waits for its moment ([`LoginAnswer::released`]), so that its time doesn't tell which names there are.
//! * The client's address comes from the connection or a trusted proxy ([`Client`]), so that limits count the right one.
//! * A form that another site had the browser send is refused ([`is_foreign`]), also the one that would sign somebody in.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use auth_core::{InternalError, Peer, Principal, Token};
use auth_engine::{AccountError, Config, Engine, LoginAnswer, LoginOutcome, NewAccount, SignedIn};
use auth_store::Sqlite;
use auth_tower::{Client, Proxies};
use axum::extract::{FromRef, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;

/// The slug of the one realm.
pub const REALM: &str = "main";

/// The cookie with the session's token. The prefix has browsers refuse one that another host has set.
const SESSION: &str = "__Host-session";

/// What handlers need.
#[derive(Clone)]
struct App {
    engine: Arc<Engine>,
    proxies: Proxies,
}

impl FromRef<App> for Proxies {
    fn from_ref(app: &App) -> Self {
        app.proxies.clone()
    }
}

/// Opens the accounts in a folder, and makes the first one where there is none.
///
/// # Errors
/// When the store can't be opened, or the account can't be made.
pub async fn open(folder: &Path, config: Config) -> anyhow::Result<Arc<Engine>> {
    let store = Sqlite::open(&folder.join("accounts.db"))?;
    let engine =
        Engine::builder(Arc::new(store)).key_file(folder.join("keys.toml")).config(config).open().await?;
    engine.ensure_realm(REALM).await?;
    match engine.create_account(REALM, &NewAccount::new("ada", "correct-horse-battery-9876")).await {
        Ok(_) | Err(AccountError::Taken) => Ok(Arc::new(engine)),
        Err(error) => Err(error.into()),
    }
}

/// The application.
pub fn app(engine: Arc<Engine>, proxies: Proxies) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(form).post(log_in))
        .route("/login/code", post(log_in_with_code))
        .route("/logout", post(log_out))
        .layer(from_fn(refuse_foreign_forms))
        .with_state(App { engine, proxies })
}

#[derive(Template)]
#[template(
    source = r#"<!doctype html><title>Home</title>
{% match user %}
{% when Some(name) %}<p>You are {{ name }}.</p><form method="post" action="/logout"><button>Log out</button></form>
{% when None %}<p><a href="/login">Log in</a></p>
{% endmatch %}"#,
    ext = "html"
)]
struct HomePage<'a> {
    user: Option<&'a str>,
}

#[derive(Default, Template)]
#[template(
    source = r#"<!doctype html><title>Log in</title>
<p role="alert">{{ problem }}</p>
<form method="post" action="/login">
<label>Name <input name="name" autocomplete="username" value="{{ name }}" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Log in</button></form>"#,
    ext = "html"
)]
struct LoginPage<'a> {
    name: &'a str,
    problem: &'a str,
}

#[derive(Template)]
#[template(
    source = r#"<!doctype html><title>Code</title>
<p role="alert">{{ problem }}</p>
<form method="post" action="/login/code">
<input type="hidden" name="ticket" value="{{ ticket }}">
<label>Code <input name="code" autocomplete="one-time-code" inputmode="numeric" required></label>
<button>Go on</button></form>"#,
    ext = "html"
)]
struct CodePage<'a> {
    ticket: &'a str,
    problem: &'a str,
}

/// Why a page can't be shown.
struct Failure(InternalError);

impl<E: Into<InternalError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    /// The cause is for the log alone.
    fn into_response(self) -> Response {
        tracing::error!(cause = self.0.cause(), "request failed");
        (StatusCode::SERVICE_UNAVAILABLE, "Try again in a moment\n").into_response()
    }
}

async fn home(State(app): State<App>, Client(peer): Client, headers: HeaderMap) -> Result<Response, Failure> {
    let session = session(&app, &headers, &peer).await?;
    let user = session.as_ref().and_then(|session| session.profile.user.user_name());
    Ok(page(StatusCode::OK, &HomePage { user }))
}

async fn form() -> Response {
    page(StatusCode::OK, &LoginPage::default())
}

#[derive(Deserialize)]
struct LoginForm {
    name: String,
    password: String,
}

async fn log_in(
    State(app): State<App>,
    Client(peer): Client,
    Form(form): Form<LoginForm>,
) -> Result<Response, Failure> {
    let name = form.name.trim();
    let answer = app.engine.log_in_with_password(REALM, name, &form.password, &peer).await?;
    Ok(answered(answer, name).await)
}

#[derive(Deserialize)]
struct CodeForm {
    ticket: String,
    code: String,
}

async fn log_in_with_code(
    State(app): State<App>,
    Client(peer): Client,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    let ticket = Token::new(form.ticket);
    let answer = app.engine.log_in_with_code(REALM, &ticket, Some(form.code.trim()), &peer).await?;
    Ok(answered(answer, "").await)
}

/// The answer to a login, at its moment.
async fn answered(answer: LoginAnswer, name: &str) -> Response {
    let again = |status, problem| page(status, &LoginPage { name, problem });
    let code = |challenge: &auth_core::Challenge, problem| match &challenge.ticket {
        Some(ticket) => page(StatusCode::OK, &CodePage { ticket: ticket.expose(), problem }),
        None => again(StatusCode::FORBIDDEN, "Log in once more"),
    };
    match answer.released().await {
        LoginOutcome::SignedIn(login) => welcome(&login),
        LoginOutcome::SecondFactorRequired(challenge) => code(&challenge, ""),
        LoginOutcome::SecondFactorWrong(challenge) => code(&challenge, "That code is wrong"),
        LoginOutcome::SecondFactorExhausted => again(StatusCode::FORBIDDEN, "Too many wrong codes"),
        LoginOutcome::Limited { .. } => {
            again(StatusCode::TOO_MANY_REQUESTS, "Too many attempts: wait a while")
        }
        LoginOutcome::Deactivated => again(StatusCode::FORBIDDEN, "This account is deactivated"),
        _ => again(StatusCode::FORBIDDEN, "Wrong name or password"),
    }
}

/// Gives the browser its session. An application that lets owners change passwords and set up second factors sends those
/// who have to there; this one turns them away.
fn welcome(login: &SignedIn) -> Response {
    if login.profile.user.must_change_password || login.profile.lacks_second_factor() {
        let problem = "Change your password or set up a second factor first";
        return page(StatusCode::FORBIDDEN, &LoginPage { name: "", problem });
    }
    let cookie = format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Lax", login.session.expose());
    ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

async fn log_out(
    State(app): State<App>,
    Client(peer): Client,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if let Some(session) = session(&app, &headers, &peer).await? {
        app.engine.end_session(&session).await?;
    }
    let gone = format!("{SESSION}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok(([(SET_COOKIE, gone)], Redirect::to("/")).into_response())
}

/// The session that a request's cookie names; `None` where there is none that is good. The engine judges it each time, so
/// that it ends at once when the password is changed or the account is deactivated.
async fn session(app: &App, headers: &HeaderMap, peer: &Peer) -> Result<Option<Principal>, InternalError> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let Some((_, token)) = pairs.find(|(name, _)| *name == SESSION) else { return Ok(None) };
    app.engine.check_session(REALM, &Token::new(token), peer).await
}

/// Refuses forms that another site had the browser send.
async fn refuse_foreign_forms(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_foreign(request.headers()) {
        return (StatusCode::FORBIDDEN, "This form comes from another site\n").into_response();
    }
    next.run(request).await
}

/// Whether a browser says that another site made it send a request. Every browser of today says so; programs don't, and
/// have no cookies of a browser.
#[must_use]
pub fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// A page that no proxy and no browser keeps.
fn page(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, [("cache-control", "no-store")], Html(html)).into_response(),
        Err(error) => Failure(InternalError::defect(error)).into_response(),
    }
}
