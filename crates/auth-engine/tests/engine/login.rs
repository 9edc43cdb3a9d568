//! Logins by password, at every protocol.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Accepted, AttemptFilter, Authenticator, BackendAnswer, Credential, CredentialId, CredentialKind, Exact,
    FailureReason, Grant, Identifier, InternalError, LogPage, LoginAttempt, LoginError, LoginMethod,
    PasswordBackend, PasswordDigest, ProtocolName, Revocation, Scope, SecretInput, Store, Timestamp,
    VerifyRequest,
};

use auth_engine::Config;

use auth_engine::rules::{ASSERTION_WITHOUT_END, LIMIT_BY_TYPED_NAME, STATE_BEFORE_PASSWORD};
use auth_engine::testing::{PASSWORD, World, config, result};

use crate::world;

const PROTOCOLS: [ProtocolName; 3] =
    [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE];

fn name_at(protocol: ProtocolName, name: &str) -> String {
    if protocol == ProtocolName::ZULIP { format!("{name}@zulip.com") } else { name.to_owned() }
}

#[tokio::test]
async fn right_password_is_let_in_at_every_protocol() {
    let world = world::new().await;
    for protocol in PROTOCOLS {
        let grant = world.log_in(protocol, &name_at(protocol, "iago"), PASSWORD).await.unwrap();
        match (protocol, grant) {
            (ProtocolName::ZULIP, Grant::ApiKey(key)) => {
                assert_eq!(key.expose(), "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv");
            }
            (ProtocolName::ROCKETCHAT, Grant::Token { token, .. }) => {
                assert_eq!(token.expose().len(), 43);
            }
            (ProtocolName::ZETTELSTORE, Grant::SignedToken { lifetime, .. }) => {
                assert_eq!(lifetime.as_secs(), 600);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn every_other_account_gets_the_ordinary_refusal_for_a_wrong_password() {
    let world = world::new().await;
    for protocol in PROTOCOLS {
        for (name, cause) in [
            ("iago", FailureReason::WrongPassword),
            ("cordelia", FailureReason::WrongPassword),
            ("othello", FailureReason::NoPassword),
            ("nobody", FailureReason::UnknownUser),
            ("totp", FailureReason::WrongPassword),
        ] {
            let refused = world.log_in(protocol, &name_at(protocol, name), "wrong").await.unwrap_err();
            assert_eq!(refused, LoginError::Credentials(cause), "{name} at {protocol:?}");
        }
    }
}

#[tokio::test]
async fn account_state_is_told_only_after_a_right_password() {
    let world = world::new().await;
    for protocol in PROTOCOLS {
        let name = name_at(protocol, "cordelia");
        assert_eq!(world.log_in(protocol, &name, PASSWORD).await.unwrap_err(), LoginError::UserInactive);
    }
    let ghost = world.attempt("closed", ProtocolName::ZULIP, "ghost@zulip.com", PASSWORD).await;
    assert_eq!(result(world.ask(ghost).await).unwrap_err(), LoginError::RealmInactive);
    let ghost = world.attempt("closed", ProtocolName::ZULIP, "ghost@zulip.com", "wrong").await;
    assert_eq!(
        result(world.ask(ghost).await).unwrap_err(),
        LoginError::Credentials(FailureReason::WrongPassword)
    );
}

#[tokio::test]
async fn exact_zulip_tells_account_state_before_the_password_but_not_for_an_empty_one() {
    let mut exact = config();
    exact.zulip.exact = Exact::only([STATE_BEFORE_PASSWORD, LIMIT_BY_TYPED_NAME, ASSERTION_WITHOUT_END]);
    let world = world::with(exact).await;
    for (who, password, refusal) in [
        ("cordelia@zulip.com", "wrong", LoginError::UserInactive),
        ("cordelia@zulip.com", "", LoginError::Credentials(FailureReason::WrongPassword)),
        ("nobody@zulip.com", "wrong", LoginError::Credentials(FailureReason::UnknownUser)),
    ] {
        assert_eq!(world.log_in(ProtocolName::ZULIP, who, password).await.unwrap_err(), refusal, "{who}");
    }
    let at_other_protocols = world.log_in(ProtocolName::ROCKETCHAT, "cordelia", "wrong").await.unwrap_err();
    assert_eq!(at_other_protocols, LoginError::Credentials(FailureReason::WrongPassword));
}

/// A backend that can't judge.
struct Outage;

#[async_trait]
impl PasswordBackend for Outage {
    fn name(&self) -> &str {
        "outage"
    }

    async fn verify(&self, _: &VerifyRequest<'_>) -> BackendAnswer {
        BackendAnswer::Unavailable(InternalError::unavailable("for a test"))
    }
}

#[tokio::test]
async fn exact_zulip_tells_no_state_where_the_password_could_not_be_judged() {
    let mut exact = config();
    exact.zulip.exact = Exact::only([STATE_BEFORE_PASSWORD]);
    let world = world::built(exact, |builder| builder.backend(Arc::new(Outage))).await;
    let realm = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["outage"]}"#;
    let user = r#"{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","active":false}"#;
    world::import(&world, &format!("{realm}\n{user}")).await;
    for who in ["iago@zulip.com", "nobody@zulip.com"] {
        let attempt = world.attempt("main", ProtocolName::ZULIP, who, PASSWORD).await;
        let told = result(world.engine.log_in(attempt).await);
        assert!(matches!(told, Err(LoginError::Internal(_))), "{told:?}");
    }
    assert_eq!(
        world.store.attempts(&AttemptFilter::default(), LogPage::newest(10)).await.unwrap(),
        [],
        "what could not be judged is no attempt"
    );
}

#[tokio::test]
async fn names_are_found_without_case_and_per_realm() {
    let world = world::new().await;
    for who in ["IAGO@zulip.com", " iago@zulip.com ", "Iago@Zulip.Com"] {
        assert!(world.log_in(ProtocolName::ZULIP, who, PASSWORD).await.is_ok(), "{who}");
    }
    let other = world.attempt("other", ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await;
    assert!(result(world.ask(other).await).is_err(), "the other realm's iago has another password");
}

#[tokio::test]
async fn rocketchat_rules_come_after_the_password() {
    let world = world::new().await;
    for (who, refusal) in [("app", LoginError::AppAccount), ("noroles", LoginError::NoRoles)] {
        let wrong = world.log_in(ProtocolName::ROCKETCHAT, who, "wrong").await.unwrap_err();
        assert_eq!(wrong, LoginError::Credentials(FailureReason::WrongPassword));
        assert_eq!(world.log_in(ProtocolName::ROCKETCHAT, who, PASSWORD).await.unwrap_err(), refusal);
    }
}

#[tokio::test]
async fn unverified_addresses_are_refused_where_the_operator_says_so() {
    let mut strict = config();
    strict.rocketchat.email_verification = true;
    let world = world::with(strict).await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"unverified","email":"u@zulip.com","password":"correct-horse-battery-9876"}"#)
        .await;
    let refused = world.log_in(ProtocolName::ROCKETCHAT, "unverified", PASSWORD).await.unwrap_err();
    assert_eq!(refused, LoginError::EmailUnverified);
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn digest_is_taken_where_the_realm_says_so_and_refused_elsewhere() {
    let world = world::new().await;
    let digest = |password: &str| {
        let hash = auth_crypto::opaque::digest(password);
        let hex: String = hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        PasswordDigest::new(hex)
    };
    for (realm, digest, accepted) in [
        ("main", digest(PASSWORD), true),
        ("main", digest("wrong"), false),
        ("other", digest("another-horse-battery-1234"), false),
    ] {
        let attempt = world.attempt(realm, ProtocolName::ROCKETCHAT, "iago", "").await;
        let method =
            LoginMethod::Password { who: Identifier::user_name("iago"), secret: SecretInput::Digest(digest) };
        let told = result(world.ask(LoginAttempt { method, ..attempt }).await);
        assert_eq!(told.is_ok(), accepted, "{realm}");
    }
}

#[tokio::test]
async fn weak_password_on_an_old_hash_must_be_reset_at_zulip_and_is_hashed_anew_elsewhere() {
    let world = world::new().await;
    let stored = async || {
        let account = world.account("weak").await;
        world.store.user(account.user.id).await.unwrap().unwrap().password.unwrap().expose().to_owned()
    };
    let refused = world.log_in(ProtocolName::ZULIP, "weak@zulip.com", "abcd1234").await.unwrap_err();
    assert_eq!(refused, LoginError::PasswordResetRequired);
    assert!(stored().await.starts_with("pbkdf2_sha256$"), "unchanged");

    assert!(world.log_in(ProtocolName::ZETTELSTORE, "weak", "abcd1234").await.is_ok());
    assert!(stored().await.contains("$argon2id$"), "brought up to date");
    assert!(world.log_in(ProtocolName::ZULIP, "weak@zulip.com", "abcd1234").await.is_ok());
}

#[tokio::test]
async fn passwords_longer_than_any_are_refused_like_wrong_ones() {
    let world = world::new().await;
    let long = "x".repeat(3_000_000);
    let refused = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", &long).await.unwrap_err();
    assert_eq!(refused, LoginError::Credentials(FailureReason::WrongPassword));
}

#[tokio::test]
async fn realm_without_passwords_refuses_before_looking() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"realm","realm":"other","subdomain":"other","password_login":false}"#)
        .await;
    let attempt =
        world.attempt("other", ProtocolName::ZULIP, "iago@zulip.com", "another-horse-battery-1234").await;
    assert_eq!(result(world.ask(attempt).await).unwrap_err(), LoginError::PasswordLoginDisabled);
}

#[tokio::test]
async fn every_attempt_leaves_a_row() {
    let world = world::new().await;
    let _ = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await;
    let _ = world.log_in(ProtocolName::ROCKETCHAT, &"x".repeat(1000), "wrong").await;
    let store: &dyn Store = &*world.store;
    let rows = store.attempts(&AttemptFilter::default(), LogPage::newest(10)).await.unwrap();
    let told: Vec<(&str, &str)> =
        rows.iter().map(|row| (row.record.protocol.as_str(), row.record.outcome.as_ref())).collect();
    assert_eq!(told, [("rocketchat", "unknown-user"), ("zulip", "granted")]);
    // What was typed may be a password in the wrong field.
    assert!(rows.iter().all(|row| row.record.name.is_empty()));

    let world = world::with(Config { log_names: true, ..config() }).await;
    let _ = world.log_in(ProtocolName::ROCKETCHAT, &"x".repeat(1000), "wrong").await;
    let store: &dyn Store = &*world.store;
    assert_eq!(
        store.attempts(&AttemptFilter::default(), LogPage::newest(1)).await.unwrap()[0].record.name.len(),
        256
    );
}

#[tokio::test]
async fn development_login_works_only_where_it_is_switched_on() {
    let ask = async |world: &World, who: &str| {
        let attempt = world.attempt("main", ProtocolName::ZULIP, "", "").await;
        let method = LoginMethod::NameAlone { who: Identifier::email(who) };
        result(world.ask(LoginAttempt { method, ..attempt }).await)
    };
    let world = world::new().await;
    let refused = ask(&world, "othello@zulip.com").await.unwrap_err();
    assert_eq!(refused, LoginError::Credentials(FailureReason::NotOffered));

    let mut development = config();
    development.zulip.development = true;
    let world = world::with(development).await;
    assert!(ask(&world, "othello@zulip.com").await.is_ok());
    assert_eq!(ask(&world, "cordelia@zulip.com").await.unwrap_err(), LoginError::UserInactive);
    assert_eq!(ask(&world, "ghost@zulip.com").await.unwrap_err(), LoginError::OtherRealm);
    let unknown = ask(&world, "nobody@zulip.com").await.unwrap_err();
    assert_eq!(unknown, LoginError::Credentials(FailureReason::UnknownUser));
}

/// Accepts every password; and in the meantime an operator sets another, or deactivates the account.
struct TooLate {
    store: Arc<dyn Store>,
    deactivates: bool,
}

#[async_trait]
impl PasswordBackend for TooLate {
    fn name(&self) -> &str {
        "too-late"
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        let user = request.account.unwrap().user.id;
        let revocation =
            Revocation { valid_from: Some(Timestamp::from_secs(2_000_000_000)), kinds: &[], except: None };
        if self.deactivates {
            self.store.set_active(user, false, &revocation, None).await.unwrap();
        } else {
            self.store.set_password(user, None, &revocation, None).await.unwrap();
        }
        BackendAnswer::Accept(Accepted::new())
    }
}

/// Accepts every password, and gives the account a device or mailed codes before the answer comes.
struct Enrolling {
    store: Arc<dyn Store>,
    device: bool,
}

#[async_trait]
impl PasswordBackend for Enrolling {
    fn name(&self) -> &str {
        "enrolling"
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        let user = request.account.unwrap().user.id;
        if self.device {
            let device = Credential {
                id: CredentialId::from_bytes([7; 16]),
                user,
                kind: CredentialKind::TOTP,
                parent: None,
                digest: None,
                sealed: Some(vec![7]),
                clear_only: false,
                scope: Scope::default(),
                label: None,
                origin: None,
                created: Timestamp::from_secs(1_700_000_000),
                expires: None,
                last_used: None,
                counter: 0,
            };
            assert!(self.store.add(&device, 1, None).await.unwrap());
        } else {
            assert!(
                self.store.set_email_second_factor(user, true, &Revocation::NOTHING, None).await.unwrap()
            );
        }
        BackendAnswer::Accept(Accepted::new())
    }
}

#[tokio::test]
async fn a_login_without_a_factor_that_was_enrolled_meanwhile_opens_nothing() {
    let realm = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["enrolling"]}"#;
    let user =
        r#"{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true}"#;
    for device in [true, false] {
        for protocol in PROTOCOLS {
            let world = world::built(config(), |builder| {
                let store = Arc::clone(builder.store());
                builder.backend(Arc::new(Enrolling { store, device }))
            })
            .await;
            world::import(&world, &format!("{realm}\n{user}")).await;
            let refused = world.log_in(protocol, &name_at(protocol, "iago"), PASSWORD).await.unwrap_err();
            assert_eq!(refused, LoginError::Credentials(FailureReason::WrongPassword), "{protocol}");
        }
    }
}

#[tokio::test]
async fn a_password_that_is_replaced_while_it_is_judged_opens_nothing() {
    let realm = r#"{"kind":"realm","realm":"main","subdomain":"","backends":["too-late"]}"#;
    let user = r#"{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com"}"#;
    for (deactivates, told) in
        [(false, LoginError::Credentials(FailureReason::WrongPassword)), (true, LoginError::UserInactive)]
    {
        for protocol in PROTOCOLS {
            let world = world::built(config(), |builder| {
                let store = Arc::clone(builder.store());
                builder.backend(Arc::new(TooLate { store, deactivates }))
            })
            .await;
            world::import(&world, &format!("{realm}\n{user}")).await;
            let refused = world.log_in(protocol, &name_at(protocol, "iago"), PASSWORD).await.unwrap_err();
            assert_eq!(refused, told, "{protocol}");
        }
    }
}
