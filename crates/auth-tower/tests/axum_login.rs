//! Logins by axum-login, with sessions that the engine can end.

#![cfg(test)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    Account, Challenge, CheckReply, CredentialId, CredentialKind, FactorMethod, FailureReason, Grant, Login,
    LoginAttempt, LoginError, LoginMethod, LoginReply, ManualClock, Peer, PresentedCredential, Principal,
    Profile, Realm, SecondStep, SecretInput, Timestamp, Token, TokenError, User,
};
use auth_tower::{LoginBackend, LoginCredentials, SessionKey};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use axum_login::tower_sessions::session::{Id, Record};
use axum_login::tower_sessions::{SessionManagerLayer, SessionStore, session_store};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthnBackend};
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// How long each refusal takes.
const DELAY: Duration = Duration::from_millis(500);

/// The token of the session that a login gives.
const TOKEN: &str = "0123456789abcdefghijklmnopqrstuv";

/// Sessions of axum-login in memory.
#[derive(Clone, Debug, Default)]
struct Sessions(Arc<Mutex<HashMap<Id, Record>>>);

#[async_trait]
impl SessionStore for Sessions {
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.0.lock().unwrap().insert(record.id, record.clone());
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        Ok(self.0.lock().unwrap().get(id).cloned())
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.lock().unwrap().remove(id);
        Ok(())
    }
}

/// Services with one user, who logs in as `ada` with `right`, or with the code `123456` after `halfway`.
struct World {
    services: Arc<FakeServices>,
    is_revoked: Arc<Mutex<bool>>,
    backend: LoginBackend,
}

impl World {
    fn new() -> Self {
        Self::with(UserBuilder::new("ada").build())
    }

    fn with(user: User) -> Self {
        let realm = RealmBuilder::new("main").build();
        let user = User { realm: realm.id, ..user };
        let is_revoked = Arc::new(Mutex::new(false));
        let (revoked, ending) = (Arc::clone(&is_revoked), Arc::clone(&is_revoked));
        let (profile, of_session) = (profile(&user, &realm), profile(&user, &realm));
        let services = FakeServices::new()
            .realm(realm)
            .on_log_in(move |attempt| log_in(attempt, &profile))
            .on_check(move |check| {
                let PresentedCredential::Token { kinds, token, .. } = &check.credential else {
                    panic!("{check:?}")
                };
                assert_eq!(*kinds, [CredentialKind::WEB_SESSION]);
                if token.expose() == TOKEN && !*revoked.lock().unwrap() {
                    CheckReply { result: Ok(Box::new(principal(&of_session))), rate_limit: None }
                } else {
                    CheckReply::refused(TokenError::Invalid)
                }
            })
            .on_revoke(move |_| {
                *ending.lock().unwrap() = true;
                Ok(())
            });
        let services = Arc::new(services);
        let clock = Arc::new(ManualClock::at(NOW));
        let backend = LoginBackend::new(Arc::clone(&services) as _, "main", clock);
        Self { services, is_revoked, backend }
    }

    fn app(&self) -> (Router, Sessions) {
        let sessions = Sessions::default();
        let layer = SessionManagerLayer::new(sessions.clone());
        let layer = AuthManagerLayerBuilder::new(self.backend.clone(), layer).build();
        let app = Router::new()
            .route("/", get(home))
            .route("/login", post(log_in_by_password))
            .route("/logout", post(log_out));
        (app.layer(layer), sessions)
    }
}

fn profile(user: &User, realm: &Realm) -> Profile {
    let account = Account { user: Arc::new(user.clone()), password: None, totp: false };
    Profile::new(account, Arc::new(realm.clone()))
}

fn principal(profile: &Profile) -> Principal {
    Principal {
        profile: profile.clone(),
        credential: Some(CredentialId::from_bytes([1; 16])),
        kind: Some(CredentialKind::WEB_SESSION),
        parent: None,
        issued: NOW,
        expires: None,
        bypass_second_factor: false,
    }
}

fn log_in(attempt: &LoginAttempt, profile: &Profile) -> LoginReply {
    let code = match &attempt.second_step {
        SecondStep::Offered(code) => code.as_ref().map(|code| code.expose().to_owned()),
        SecondStep::NotOffered => panic!("a page can ask for a code"),
    };
    let result = match &attempt.method {
        LoginMethod::Ticket(ticket) if ticket.expose() == "a-ticket" && code.as_deref() == Some("123456") => {
            Ok(())
        }
        LoginMethod::Password { who, secret: SecretInput::Password(password) } if who.typed() == "ada" => {
            match password.expose() {
                "right" => Ok(()),
                "halfway" => Err(LoginError::SecondFactorRequired(Challenge {
                    method: FactorMethod::Totp,
                    available: vec![FactorMethod::Totp],
                    mailed: None,
                    ticket: Some(Token::new("a-ticket")),
                })),
                _ => Err(LoginError::Credentials(FailureReason::WrongPassword)),
            }
        }
        _ => Err(LoginError::Credentials(FailureReason::UnknownUser)),
    };
    let not_before = result.is_err().then(|| NOW + DELAY);
    let grant = Grant::Token { token: Token::new(TOKEN), expires: None };
    let result = result.map(|()| Box::new(Login { profile: profile.clone(), grant }));
    LoginReply { result, rate_limit: None, not_before }
}

async fn home(session: AuthSession<LoginBackend>) -> String {
    let name = session.user.as_ref().and_then(|user| user.profile.user.user_name());
    name.unwrap_or("nobody").to_owned()
}

async fn log_in_by_password(mut session: AuthSession<LoginBackend>, password: String) -> StatusCode {
    let credentials = LoginCredentials::password("ada", &password, peer());
    match session.authenticate(credentials).await {
        Ok(Some(user)) => {
            session.login(&user).await.unwrap();
            StatusCode::OK
        }
        _ => StatusCode::FORBIDDEN,
    }
}

async fn log_out(mut session: AuthSession<LoginBackend>) -> StatusCode {
    let backend = session.backend.clone();
    if let Some(user) = session.logout().await.unwrap() {
        backend.end(&user.session).await.unwrap();
    }
    StatusCode::OK
}

fn peer() -> Peer {
    Peer::new([192, 0, 2, 1].into())
}

async fn ask(app: &Router, method: &str, path: &str, body: &'static str, cookie: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).header("Cookie", cookie);
    app.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
}

async fn home_of(app: &Router, cookie: &str) -> String {
    let body = ask(app, "GET", "/", "", cookie).await.into_body();
    String::from_utf8(axum::body::to_bytes(body, 1024).await.unwrap().to_vec()).unwrap()
}

/// Logs in, and gives the cookie.
async fn cookie_of(app: &Router) -> String {
    let answer = ask(app, "POST", "/login", "right", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_ends_when_the_engine_revokes_it_and_at_a_logout_for_the_engine_too() {
    let world = World::new();
    let (app, _) = world.app();
    let cookie = cookie_of(&app).await;
    assert_eq!(home_of(&app, &cookie).await, "ada");
    assert_eq!(home_of(&app, "").await, "nobody");
    *world.is_revoked.lock().unwrap() = true;
    assert_eq!(home_of(&app, &cookie).await, "nobody");

    *world.is_revoked.lock().unwrap() = false;
    let cookie = cookie_of(&app).await;
    ask(&app, "POST", "/logout", "", &cookie).await;
    assert_eq!(world.services.revoked().len(), 1);
    assert_eq!(home_of(&app, &cookie).await, "nobody");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_waits_for_its_moment_whether_it_is_none_or_an_error() {
    let world = World::new();
    for (name, password) in [("ada", "wrong"), ("bob", "right"), ("ada", "halfway")] {
        let trying = world.backend.authenticate(LoginCredentials::password(name, password, peer()));
        tokio::pin!(trying);
        let too_early = DELAY - Duration::from_millis(1);
        assert!(tokio::time::timeout(too_early, &mut trying).await.is_err(), "{name} {password}");
        let result = tokio::time::timeout(Duration::from_millis(10), trying).await.unwrap();
        assert_eq!(matches!(result, Ok(None)), password != "halfway", "{result:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_factor_is_asked_for_with_a_ticket_to_go_on() {
    let world = World::new();
    let credentials = LoginCredentials::password(" ada ", "halfway", peer());
    let Err(LoginError::SecondFactorRequired(challenge)) = world.backend.authenticate(credentials).await
    else {
        panic!("no second factor");
    };
    let ticket = challenge.ticket.unwrap();
    let wrong = LoginCredentials::code(ticket.clone(), "000000", peer());
    assert!(world.backend.authenticate(wrong).await.unwrap().is_none());
    let user =
        world.backend.authenticate(LoginCredentials::code(ticket, "123456", peer())).await.unwrap().unwrap();
    assert_eq!(user.profile.user.user_name(), Some("ada"));
}

#[tokio::test]
async fn accounts_that_must_change_their_password_first_are_not_logged_in() {
    let world = World::with(User { must_change_password: true, ..UserBuilder::new("ada").build() });
    let credentials = LoginCredentials::password("ada", "right", peer());
    let refused = world.backend.authenticate(credentials).await;
    assert!(matches!(refused, Err(LoginError::PasswordResetRequired)), "{refused:?}");
    let session: SessionKey = serde_json::from_str(&format!("\"{TOKEN}\"")).unwrap();
    assert!(world.backend.get_user(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn tokens_are_in_the_store_of_sessions_and_shown_nowhere() {
    let world = World::new();
    let (app, sessions) = world.app();
    cookie_of(&app).await;
    let stored = sessions.0.lock().unwrap().values().next().unwrap().clone();
    assert!(serde_json::to_string(&stored.data).unwrap().contains(TOKEN));
    let credentials = LoginCredentials::password("ada", "right", peer());
    let shown = format!("{credentials:?}");
    assert!(!shown.contains("right"), "{shown}");
    let user = world.backend.authenticate(credentials).await.unwrap().unwrap();
    for shown in [format!("{user:?}"), format!("{:?}", user.session), user.session.to_string()] {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
}
