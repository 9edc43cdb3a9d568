//! The protocol and its rules in front of the real login pipeline, with the clock in the tests' hands.

#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use auth_admin::{Accounts, AppPasswords, Tokens};
use auth_core::{
    Account, Authenticator, CredentialCheck, CredentialKind, Exact, ExternalId, GrantKind, Identifier,
    ImportMode, LoginAttempt, LoginMethod, ManualClock, Password, PresentedCredential, Principal, Protocol,
    ProtocolName, ProtocolRules, Quota, Realm, RealmName, Realms, Revocation, SecondStep, SeededRng, Store,
    Token, TokenError,
};
use auth_engine::testing::{PASSWORD, START, USERS, builder, config, password, peer, result, ring, token};
use auth_engine::{CommonQuotas, Engine};
use auth_store::Sqlite;
use auth_transfer::{import, unwatched};
use bytes::Bytes;
use gitlab_session::{Config, EXACT_POINTS, GITLAB, GITLAB_TOKEN, GitLabProtocol, GitLabRules};
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

/// An engine with GitLab's rules, and the protocol in front of it.
struct World {
    engine: Arc<Engine>,
    protocol: GitLabProtocol,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl World {
    /// A store whose users were imported by a server without the protocol, opened by a server that has it.
    async fn new() -> Self {
        Self::with(Config::new("main"), config()).await
    }

    async fn with(gitlab: Config, engine: auth_engine::Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("auth.db")).unwrap());
        let clock = Arc::new(ManualClock::at(START));
        let builder = || builder(&store, &clock, &ring(), engine.clone(), 2);
        let without = builder().open().await.unwrap();
        import(&without, USERS.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();

        let rules: Arc<dyn ProtocolRules> = Arc::new(GitLabRules::new(&gitlab));
        // With the same random bytes, the second engine would make the ids that the first one has made.
        let rng = Arc::new(SeededRng::new(1));
        let engine = builder().rules(rules).rng(rng).open().await.unwrap();
        let engine = Arc::new(engine);
        let protocol = GitLabProtocol::new(gitlab, Arc::clone(&engine) as _);
        Self { engine, protocol, clock, _folder: folder }
    }

    async fn realm(&self) -> Arc<Realm> {
        self.engine.realm(RealmName::Slug("main")).await.unwrap().unwrap()
    }

    async fn ask(&self, request: http::request::Builder, body: String) -> Response<Bytes> {
        let answer = self.protocol.handle(request.body(body.into()).unwrap(), &peer("192.0.2.1")).await;
        assert!(answer.error.is_none(), "{:?}", answer.error);
        answer.response
    }

    async fn log_in(&self, name: &str, password: &str) -> Response<Bytes> {
        let request = Request::post("/api/v4/session").header("Content-Type", "application/json");
        self.ask(request, json!({ "login": name, "password": password }).to_string()).await
    }

    /// The token of a login that must succeed.
    async fn token(&self, name: &str) -> String {
        let response = self.log_in(name, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{response:?}");
        body(&response)["private_token"].as_str().unwrap().to_owned()
    }

    /// The status of `GET /api/v4/user`, and the answer.
    async fn user(&self, token: &str) -> (u16, Value) {
        let response =
            self.ask(Request::get("/api/v4/user").header("PRIVATE-TOKEN", token), String::new()).await;
        (response.status().as_u16(), body(&response))
    }

    async fn account(&self, name: &str) -> Account {
        Accounts::new(&self.engine).find(Some("main"), name).await.unwrap()
    }

    /// The token of a login at Rocket.Chat.
    async fn rocketchat_token(&self, name: &str) -> String {
        let attempt = LoginAttempt {
            protocol: ProtocolName::ROCKETCHAT,
            realm: self.realm().await,
            method: LoginMethod::Password { who: Identifier::user_name(name), secret: password(PASSWORD) },
            second_step: SecondStep::Offered(None),
            grant: GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN),
            peer: peer("192.0.2.1"),
        };
        let grant = result(self.engine.log_in(attempt).await).unwrap();
        token(&grant).expose().to_owned()
    }

    /// The check of a token at a protocol.
    async fn check(
        &self,
        protocol: ProtocolName,
        kinds: &'static [CredentialKind],
        token: &str,
    ) -> Result<Box<Principal>, TokenError> {
        let check = CredentialCheck {
            protocol,
            realm: Some(self.realm().await),
            credential: PresentedCredential::Token { kinds, owner: None, token: Token::new(token) },
            peer: peer("192.0.2.1"),
        };
        self.engine.check(check).await.result
    }
}

fn body(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn unauthorized() -> Value {
    json!({ "message": "401 Unauthorized" })
}

fn blocked() -> Value {
    json!({ "message": "403 Forbidden - Your account has been blocked." })
}

#[tokio::test]
async fn login_gives_a_token_that_shows_the_user() {
    let world = World::new().await;
    let iago =
        json!({ "id": 1, "username": "iago", "name": "", "email": "iago@zulip.com", "state": "active" });
    for name in ["iago", "IAGO", "iago@zulip.com"] {
        let response = world.log_in(name, PASSWORD).await;
        let mut shown = body(&response);
        let token = shown.as_object_mut().unwrap().remove("private_token").unwrap();
        assert_eq!((response.status().as_u16(), &shown), (201, &iago));
        assert_eq!(world.user(token.as_str().unwrap()).await, (200, shown));
    }
}

#[tokio::test]
async fn wrong_password_and_unknown_names_are_refused_alike() {
    let world = World::new().await;
    for (name, password) in [
        ("iago", "wrong"),
        ("iago", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("iago", "another-horse-battery-1234"),
        ("ghost", PASSWORD),
        ("cordelia", "wrong"),
    ] {
        let response = world.log_in(name, password).await;
        assert_eq!((response.status().as_u16(), body(&response)), (401, unauthorized()), "{name}");
    }
    assert_eq!(world.user("guess").await, (401, unauthorized()));
}

#[tokio::test]
async fn deactivated_account_is_told_after_the_password_unless_the_exact_point_is_on() {
    let exact = Config { exact: Exact::only(EXACT_POINTS), ..Config::new("main") };
    for (gitlab, wrong) in [(Config::new("main"), (401, unauthorized())), (exact, (403, blocked()))] {
        let world = World::with(gitlab, config()).await;
        let right = world.log_in("cordelia", PASSWORD).await;
        assert_eq!((right.status().as_u16(), body(&right)), (403, blocked()));
        let response = world.log_in("cordelia", "wrong").await;
        assert_eq!((response.status().as_u16(), body(&response)), wrong);
        assert_eq!(world.log_in("iago", "wrong").await.status(), 401);
    }
}

#[tokio::test]
async fn token_of_a_deactivated_account_is_refused_at_once() {
    let world = World::new().await;
    let token = world.token("iago").await;
    assert_eq!(world.user(&token).await.0, 200);
    let iago = world.account("iago").await.user.id;
    world.engine.store().set_active(iago, false, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(world.user(&token).await, (403, blocked()));
    world.engine.store().set_active(iago, true, &Revocation::NOTHING, None).await.unwrap();
    assert_eq!(world.user(&token).await.0, 200);
}

#[tokio::test]
async fn tokens_are_revoked_with_the_password_and_with_the_account_and_operators_see_them() {
    let world = World::new().await;
    let (accounts, tokens) = (Accounts::new(&world.engine), Tokens::new(&world.engine));
    let iago = world.account("iago").await;

    let token = world.token("iago").await;
    assert_eq!(world.user(&token).await.0, 200);
    let listed = tokens.list(&iago).await.unwrap();
    assert_eq!(listed.iter().filter(|token| token.kind == GITLAB_TOKEN).count(), 1);
    accounts.set_password(&iago, &Password::new(PASSWORD), true).await.unwrap();
    assert_eq!(world.user(&token).await, (401, unauthorized()));

    let token = world.token("iago").await;
    accounts.set_active(&iago, false).await.unwrap();
    accounts.set_active(&iago, true).await.unwrap();
    assert_eq!(world.user(&token).await, (401, unauthorized()));

    let token = world.token("iago").await;
    tokens.revoke_all(&iago).await.unwrap();
    assert_eq!(world.user(&token).await, (401, unauthorized()));
}

#[tokio::test]
async fn user_made_before_the_protocol_gets_an_id_at_the_first_login_and_keeps_it() {
    let world = World::new().await;
    let second = r#"{"kind":"user","realm":"main","username":"puck","password":"correct-horse-battery-9876","external_ids":{"gitlab":40}}
{"kind":"user","realm":"main","username":"hamlet","password":"correct-horse-battery-9876"}"#;
    import(&world.engine, second.as_bytes(), ImportMode::Write, &mut unwatched).await.unwrap();
    let id = async |name| world.account(name).await.user.external_ids.get(GITLAB).cloned();
    assert_eq!(id("iago").await, None);
    assert_eq!(id("puck").await, Some(ExternalId::Number(40)), "given by the import");
    assert_eq!(id("hamlet").await, Some(ExternalId::Number(41)), "assigned by the import");

    for _ in 0..2 {
        let token = world.token("iago").await;
        assert_eq!(world.user(&token).await.1["id"], 42);
        assert_eq!(id("iago").await, Some(ExternalId::Number(42)));
    }
    assert_eq!(id("cordelia").await, None);
}

#[tokio::test]
async fn tokens_of_one_protocol_are_refused_by_the_other() {
    const GITLAB_KINDS: &[CredentialKind] = &[GITLAB_TOKEN];
    const ROCKETCHAT_KINDS: &[CredentialKind] =
        &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN];
    let world = World::new().await;
    let (own, foreign) = (world.token("iago").await, world.rocketchat_token("iago").await);
    // The second round finds what the first one has left in the cache.
    for _ in 0..2 {
        let at_rocketchat = async |token| {
            world.check(ProtocolName::ROCKETCHAT, ROCKETCHAT_KINDS, token).await.map(|found| found.kind)
        };
        let at_gitlab = async |token| world.check(GITLAB, GITLAB_KINDS, token).await.map(|found| found.kind);
        assert_eq!(at_rocketchat(&own).await, Err(TokenError::Invalid));
        assert_eq!(at_gitlab(&foreign).await, Err(TokenError::Invalid));
        assert_eq!(world.user(&foreign).await, (401, unauthorized()));
        assert_eq!(at_rocketchat(&foreign).await, Ok(Some(CredentialKind::ROCKETCHAT_TOKEN)));
        assert_eq!(at_gitlab(&own).await, Ok(Some(GITLAB_TOKEN)));
        world.engine.refresh_caches().await.unwrap();
    }
}

#[tokio::test]
async fn revoked_token_is_refused_and_no_other() {
    let world = World::new().await;
    let (first, second) = (world.token("iago").await, world.token("iago").await);
    world.engine.refresh_caches().await.unwrap();
    assert_eq!((world.user(&first).await.0, world.user(&second).await.0), (200, 200));
    let revoke = Request::delete("/api/v4/personal_access_tokens/self")
        .header("Authorization", format!("Bearer {first}"));
    let response = world.ask(revoke, String::new()).await;
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (204, &b""[..]));
    assert_eq!(world.user(&first).await, (401, unauthorized()));
    assert_eq!(world.user(&second).await.0, 200);
}

#[tokio::test]
async fn tokens_end_and_the_oldest_makes_room() {
    let lifetime = Duration::from_secs(3600);
    let gitlab = Config { token_lifetime: lifetime, max_tokens: 2, ..Config::new("main") };
    let world = World::with(gitlab, config()).await;
    let first = world.token("iago").await;
    let mut others = Vec::new();
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(1));
        others.push(world.token("iago").await);
    }
    assert_eq!(world.user(&first).await, (401, unauthorized()));
    assert_eq!(world.user(&others[0]).await.0, 200);
    world.clock.advance(lifetime - Duration::from_millis(500));
    assert_eq!(world.user(&others[0]).await.0, 401);
    assert_eq!(world.user(&others[1]).await.0, 200);
}

#[tokio::test]
async fn protocol_has_a_limit_of_its_own() {
    let quota = Quota { attempts: 3, window: Duration::from_secs(600) };
    let world = World::with(Config { login_limit: Some(quota), ..Config::new("main") }, config()).await;
    for _ in 0..3 {
        assert_eq!(world.log_in("iago", "wrong").await.status(), 401);
    }
    let limited = world.log_in("iago", PASSWORD).await;
    assert_eq!(
        (limited.status().as_u16(), &limited.headers()["retry-after"]),
        (429, &"600".parse().unwrap())
    );
    // Other accounts and other protocols go on.
    assert_eq!(world.log_in("nobody", PASSWORD).await.status(), 401);
    world.rocketchat_token("iago").await;
    world.clock.advance(Duration::from_secs(601));
    world.token("iago").await;
}

#[tokio::test]
async fn limits_of_all_protocols_hold_here_too() {
    let account = Quota { attempts: 2, window: Duration::from_secs(60) };
    let limits = Some(CommonQuotas { account, ..CommonQuotas::default() });
    let engine = auth_engine::Config { limits, ..config() };
    let world = World::with(Config { login_limit: None, ..Config::new("main") }, engine).await;
    for (status, password) in [(401, "wrong"), (401, "wrong"), (429, PASSWORD)] {
        assert_eq!(world.log_in("iago", password).await.status(), status);
    }
}

#[tokio::test]
async fn account_with_a_second_factor_logs_in_with_an_app_password() {
    let world = World::new().await;
    assert_eq!(world.log_in("totp", PASSWORD).await.status(), 401);
    let passwords = AppPasswords::new(&world.engine);
    let totp = world.account("totp").await;
    let made = passwords.add(&totp, "gitlab", vec![GITLAB], None).await.unwrap().unwrap();
    let response = world.log_in("totp", made.expose()).await;
    assert_eq!((response.status().as_u16(), body(&response)["username"].as_str()), (201, Some("totp")));
}
