//! Trying a password without logging in.

use auth_admin::{AdminError, check_password};
use auth_core::{ImportMode, Password};
use auth_engine::testing::{PASSWORD, World};
use auth_transfer::{ImportOptions, import, unwatched};

use crate::world;

async fn check(world: &World, who: &str, password: &str) -> (bool, &'static str, bool) {
    let check = check_password(&world.engine, &world.account(who).await, &Password::new(password)).await;
    let check = check.unwrap();
    (check.matches, check.scheme, check.obsolete)
}

#[tokio::test]
async fn a_password_is_tried_against_the_stored_one_and_nothing_is_logged() {
    let world = world::new().await;
    assert_eq!(check(&world, "iago", PASSWORD).await, (true, "sha256-hex", false));
    assert_eq!(check(&world, "iago", "wrong").await, (false, "sha256-hex", false));
    assert_eq!(check(&world, "cordelia", PASSWORD).await, (true, "sha256-hex", false), "inactive");
    assert_eq!(check(&world, "weak", "abcd1234").await, (true, "pbkdf2_sha256", true));
    assert_eq!(check(&world, "weak", "wrong").await, (false, "pbkdf2_sha256", true));
    let othello = world.account("othello").await;
    let refused = check_password(&world.engine, &othello, &Password::new("")).await.unwrap_err();
    assert!(matches!(refused, AdminError::NoPassword(_)), "{refused:?}");
    assert!(world.store.attempts(10).await.unwrap().is_empty());
    let stored = world.account("weak").await.password.unwrap();
    assert!(stored.expose().starts_with("pbkdf2_sha256$"), "not hashed anew");
}

#[tokio::test]
async fn a_wrapped_hash_matches_and_is_obsolete() {
    let world = world::new().await;
    let line = r#"{"kind":"user","realm":"main","username":"plain","password_hash":"HASH"}"#;
    let hash = bcrypt::hash_with_salt(PASSWORD, 4, [7; 16]).unwrap().to_string();
    let options = ImportOptions { mode: ImportMode::Write, wrap: true, skip_bad: false };
    let line = line.replace("HASH", &hash);
    import(&world.engine, line.as_bytes(), options, &mut unwatched).await.unwrap();
    let (matches, scheme, obsolete) = check(&world, "plain", PASSWORD).await;
    assert!(matches && obsolete && scheme.starts_with("wrapped-"), "{scheme}");
}
