//! Empty passwords: never set, and good at Zettelstore alone, against a hash that a Zettelstore made.

use auth_core::{
    FailureReason, LoginAttempt, LoginError, LoginMethod, PasswordDigest, ProtocolName, Revocation,
    SecretInput,
};
use auth_crypto::opaque::digest;
use auth_engine::testing::{World, password, result};
use data_encoding::HEXLOWER;

use crate::world;

/// A user whose hash a Zettelstore made over an empty password (docs/contract/zettelstore.md, appendix A).
const OF_ZETTELSTORE: &str = r#"{"kind":"user","realm":"main","username":"empty","email":"empty@zulip.com","zettelstore_zid":"20240101001200","password_hash":"zettelstore$$2a$04$BKExgWpVWiaKH50z78pqEu0hWRy.5ecLNNxitI07w1EAec6nOysPe"}"#;

/// The protocols and forms in which an empty password is let in as `name`.
async fn let_in(world: &World, name: &str) -> Vec<(ProtocolName, &'static str)> {
    let digest = || SecretInput::Digest(PasswordDigest::new(HEXLOWER.encode(digest("").as_bytes())));
    let mut let_in = Vec::new();
    for (protocol, form, secret) in [
        (ProtocolName::ZULIP, "clear", password("")),
        (ProtocolName::ROCKETCHAT, "clear", password("")),
        (ProtocolName::ROCKETCHAT, "digest", digest()),
        (ProtocolName::ZETTELSTORE, "clear", password("")),
        (ProtocolName::ZETTELSTORE, "digest", digest()),
    ] {
        let who = if protocol == ProtocolName::ZULIP { format!("{name}@zulip.com") } else { name.to_owned() };
        let attempt = world.attempt("main", protocol, &who, "").await;
        let who = attempt.method.who().unwrap().clone();
        let attempt = LoginAttempt { method: LoginMethod::Password { who, secret }, ..attempt };
        match result(world.ask(attempt).await) {
            Ok(_) => let_in.push((protocol, form)),
            Err(LoginError::Credentials(FailureReason::WrongPassword)) => {}
            Err(other) => panic!("{protocol} {form}: {other:?}"),
        }
    }
    let_in
}

#[tokio::test]
async fn a_zettelstores_empty_password_is_good_at_zettelstore_alone_and_stays_so() {
    let world = world::new().await;
    world::import(&world, OF_ZETTELSTORE).await;
    for _ in 0..2 {
        assert_eq!(let_in(&world, "empty").await, [(ProtocolName::ZETTELSTORE, "clear")]);
    }
}

#[tokio::test]
async fn an_empty_password_in_any_other_stored_form_lets_nobody_in() {
    let world = world::new().await;
    let realm = world.realm("main").await;
    let rule = world.engine.passwords().hashing_rule(&realm);
    for rule in [rule, auth_crypto::password::HashingRule { digest_ready: false, ..rule }] {
        let class = auth_core::ClientKey::default();
        let hash = world.pool.hash(password(""), rule, class).await.unwrap();
        let user = world.account("othello").await.user.id;
        assert!(world.store.set_password(user, Some(&hash), &Revocation::NOTHING, None).await.unwrap());
        assert_eq!(let_in(&world, "othello").await, []);
    }
}
