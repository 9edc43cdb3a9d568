//! A browser logs in, is known, and logs out.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use auth_core::Quota;
use auth_crypto::argon2::Params;
use auth_engine::{CommonQuotas, Config, Engine, FailureDelay, PasswordConfig};
use auth_tower::{PeerAddress, Proxies};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

const LOGIN: &str = "name=ada&password=correct-horse-battery-9876";

/// A browser: the application, and the cookie that it has set.
struct Browser {
    app: Router,
    engine: Arc<Engine>,
    cookie: String,
    _folder: tempfile::TempDir,
}

impl Browser {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A hash takes no time, refusals are not delayed, and the third wrong password is one too many.
        let passwords = PasswordConfig {
            params: Params::new(64, 1, 1).unwrap(),
            failure_delay: FailureDelay::Off,
            ..PasswordConfig::default()
        };
        let account = Quota { attempts: 2, window: Duration::from_secs(60) };
        let limits = Some(CommonQuotas { account, ..CommonQuotas::default() });
        let config = Config { passwords, limits, ..Config::default() };
        let engine = login_page::open(folder.path(), config).await.unwrap();
        let app = login_page::app(Arc::clone(&engine), Proxies::default());
        Self { app, engine, cookie: String::new(), _folder: folder }
    }

    /// Sends a form, or asks for a page; gives the status and the page, and keeps the cookie.
    async fn send(&mut self, method: &str, path: &str, form: &str, site: &str) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Cookie", &self.cookie)
            .header("Sec-Fetch-Site", site)
            .extension(PeerAddress(([192, 0, 2, 1], 4000).into()))
            .body(Body::from(form.to_owned()))
            .unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        if let Some(cookie) = answer.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.contains("; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
            cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn home(&mut self) -> String {
        self.send("GET", "/", "", "none").await.1
    }

    async fn log_in(&mut self, form: &str) -> (StatusCode, String) {
        self.send("POST", "/login", form, "same-origin").await
    }
}

#[tokio::test]
async fn a_user_logs_in_and_is_known_until_logging_out() {
    let mut browser = Browser::new().await;
    assert!(browser.home().await.contains("/login"));
    assert_eq!(browser.log_in(LOGIN).await.0, StatusCode::SEE_OTHER);
    assert!(browser.home().await.contains("You are ada."));

    let before = browser.cookie.clone();
    assert_eq!(browser.send("POST", "/logout", "", "same-origin").await.0, StatusCode::SEE_OTHER);
    assert!(browser.home().await.contains("/login"));
    browser.cookie = before;
    assert!(browser.home().await.contains("/login"), "the token is refused, and not only forgotten");
}

#[tokio::test]
async fn a_session_ends_with_the_account() {
    let mut browser = Browser::new().await;
    browser.log_in(LOGIN).await;
    let realm = browser.engine.store().realms().await.unwrap().remove(0);
    let ada = browser.engine.store().users(realm.id, None, 1).await.unwrap().remove(0);
    let revocation = auth_core::Revocation::NOTHING;
    browser.engine.store().set_active(ada.user.id, false, &revocation, None).await.unwrap();
    assert!(browser.home().await.contains("/login"));
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_look_alike_and_are_limited() {
    for form in ["name=ada&password=guess", "name=nobody&password=guess"] {
        let mut browser = Browser::new().await;
        for _ in 0..2 {
            let (status, page) = browser.log_in(form).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert!(page.contains("Wrong name or password"), "{page}");
        }
        assert_eq!(browser.log_in(form).await.0, StatusCode::TOO_MANY_REQUESTS, "{form}");
        assert!(browser.cookie.is_empty());
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_and_names_are_shown_as_text() {
    let mut browser = Browser::new().await;
    for site in ["cross-site", "same-site"] {
        assert_eq!(browser.send("POST", "/login", LOGIN, site).await.0, StatusCode::FORBIDDEN);
    }
    assert!(browser.cookie.is_empty());
    let (_, page) = browser.log_in("name=%22%3E%3Cscript%3E&password=guess").await;
    assert!(!page.contains("<script>"), "{page}");
}
