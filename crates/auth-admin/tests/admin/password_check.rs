//! Trying a password without logging in.

use auth_admin::{AdminError, check_password};
use auth_core::{AttemptFilter, ImportMode, LogPage, Password, PasswordString, Revocation};
use auth_engine::sha256_hex;
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
    let iago = world.account("iago").await.user;
    let large = "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA";
    let large = PasswordString::new(large);
    world.store.set_password(iago.id, Some(&large), &Revocation::NOTHING, None).await.unwrap();
    let iago = world.account("iago").await;
    let refused = check_password(&world.engine, &iago, &Password::new(PASSWORD)).await.unwrap_err();
    assert!(matches!(refused, AdminError::OverBudget(_)), "{refused:?}");
    assert!(world.store.attempts(&AttemptFilter::default(), LogPage::newest(10)).await.unwrap().is_empty());
    let stored = world.account("weak").await.password.unwrap();
    assert!(stored.expose().starts_with("pbkdf2_sha256$"), "not hashed anew");
}

fn bcrypted(input: &str) -> String {
    bcrypt::hash_with_salt(input, 4, [7; 16]).unwrap().to_string()
}

#[tokio::test]
async fn a_wrapped_hash_matches_and_is_obsolete() {
    let world = world::new().await;
    let digest = sha256_hex(PASSWORD);
    let zettel = bcrypted(&format!("20240101000200 zettel {PASSWORD}"));
    let mut lines = String::new();
    for (name, hash) in [
        ("rocket", format!("rocketchat${}", bcrypted(&digest))),
        ("zettel", format!("zettelstore${zettel}")),
        ("plain", bcrypted(PASSWORD)),
    ] {
        let line = r#"{"kind":"user","realm":"main",ZID"username":"NAME","password_hash":"HASH"}"#;
        let zid = if name == "zettel" { r#""zettelstore_zid":"20240101000200","# } else { "" };
        let line = line.replace("ZID", zid).replace("NAME", name).replace("HASH", &hash);
        lines.push_str(&line);
        lines.push('\n');
    }
    let options = ImportOptions { mode: ImportMode::Write, wrap: true, skip_bad: false };
    import(&world.engine, lines.as_bytes(), options, &mut unwatched).await.unwrap();
    for name in ["rocket", "zettel", "plain"] {
        let (matches, scheme, obsolete) = check(&world, name, PASSWORD).await;
        assert!(matches && obsolete && scheme.starts_with("wrapped-"), "{name}: {scheme}");
        let (matches, _, obsolete) = check(&world, name, "wrong").await;
        assert!(!matches && obsolete, "{name}");
    }
}
