//! Realms with several backends: which of them are asked, in which order, and whose answer ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use auth_core::{
    Accepted, BackendAnswer, Exact, FailureReason, InternalError, LoginError, PasswordBackend, VerifyRequest,
};
use auth_engine::rules::LOCAL_PASSWORD_FORBIDDEN;
use auth_engine::testing::World;
use auth_engine::{Config, DirectoryConfig, RocketChatConfig};

use super::{HERE, People, THERE, WRONG, directory, entry, is_unavailable, refusal, with_directory};
use crate::world;

/// A backend that is no directory, and says the same of everybody.
struct Plain {
    answer: fn() -> BackendAnswer,
    asked: AtomicUsize,
}

#[async_trait]
impl PasswordBackend for Plain {
    fn name(&self) -> &str {
        "plain"
    }

    async fn verify(&self, _: &VerifyRequest<'_>) -> BackendAnswer {
        self.asked.fetch_add(1, Ordering::SeqCst);
        (self.answer)()
    }
}

/// A world whose realm `main` asks these backends of `local`, `plain`, and two directories, `corp` and `other`, that both
/// know `linked` and `hamlet`.
struct Asked {
    world: World,
    plain: Arc<Plain>,
    corp: Arc<People>,
    other: Arc<People>,
}

impl Asked {
    async fn new(order: &str, answer: fn() -> BackendAnswer, config: Config) -> Self {
        let people = || vec![entry("linked"), entry("hamlet")];
        let plain = Arc::new(Plain { answer, asked: AtomicUsize::new(0) });
        let (corp, other) = (directory("corp", people()), directory("other", people()));
        let mut config = config;
        config.directories.insert("other".into(), DirectoryConfig::default());
        let world = world::built(config, |builder| {
            let builder = builder.backend(Arc::clone(&plain) as _);
            builder.backend(Arc::clone(&corp) as _).backend(Arc::clone(&other) as _)
        });
        let world = world.await;
        let realm = format!(r#"{{"kind":"realm","realm":"main","subdomain":"","backends":{order}}}"#);
        world::import(&world, super::USERS).await;
        world::import(&world, &realm).await;
        Self { world, plain, corp, other }
    }

    /// How often the plain backend and the two directories were asked since the last call.
    fn times(&self) -> [usize; 3] {
        [&self.plain.asked, &self.corp.asked, &self.other.asked].map(|asked| asked.swap(0, Ordering::SeqCst))
    }
}

fn plain_config() -> Config {
    with_directory(DirectoryConfig::default())
}

fn unavailable() -> BackendAnswer {
    BackendAnswer::Unavailable(InternalError::unavailable("for a test"))
}

#[tokio::test]
async fn a_backend_that_is_no_directory_is_asked_about_everybody_until_one_has_refused() {
    let accept = || BackendAnswer::Accept(Accepted::new());
    let asked = Asked::new(r#"["local","plain"]"#, accept, plain_config()).await;
    assert_eq!(refusal(&asked.world, "iago", HERE).await, None);
    assert_eq!(refusal(&asked.world, "iago", "wrong").await, WRONG, "the stored password is not this one");
    assert_eq!(asked.times(), [0, 0, 0]);

    let asked = Asked::new(r#"["plain","corp"]"#, accept, plain_config()).await;
    for who in ["iago", "linked"] {
        assert_eq!(refusal(&asked.world, who, "any").await, None, "{who}");
        assert_eq!(asked.times(), [1, 0, 0], "{who}");
    }

    let reject = || BackendAnswer::Reject(FailureReason::NoPassword);
    let asked = Asked::new(r#"["plain","corp"]"#, reject, plain_config()).await;
    assert_eq!(refusal(&asked.world, "linked", THERE).await, None, "a directory is of another kind");
    let refused = Some(LoginError::Credentials(FailureReason::NoPassword));
    assert_eq!(
        refusal(&asked.world, "linked", "wrong").await,
        refused,
        "the answer is the first directory's"
    );
}

#[tokio::test]
async fn an_outage_of_a_backend_that_is_no_directory_ends_the_login_at_once() {
    let asked = Asked::new(r#"["plain","local","corp"]"#, unavailable, plain_config()).await;
    for (who, password) in [("iago", HERE), ("linked", THERE), ("iago", "wrong")] {
        assert!(is_unavailable(&asked.world, who, password).await, "{who} {password}");
        assert_eq!(asked.times(), [1, 0, 0], "{who} {password}");
    }
}

#[tokio::test]
async fn of_two_directories_the_second_is_asked_only_about_whom_the_first_does_not_know() {
    let asked = Asked::new(r#"["corp","other"]"#, unavailable, plain_config()).await;
    for who in ["linked", "hamlet"] {
        assert_eq!(refusal(&asked.world, who, "wrong").await, WRONG, "{who}");
        assert_eq!(asked.times(), [0, 1, 0], "{who}");
    }
    asked.corp.entries.lock().unwrap().clear();
    assert_eq!(refusal(&asked.world, "hamlet", THERE).await, None);
    assert_eq!(asked.times(), [0, 1, 1]);
    asked.corp.is_down.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&asked.world, "hamlet", THERE).await);
    assert_eq!(asked.times(), [0, 1, 0], "it may know another hamlet");
}

#[tokio::test]
async fn a_stored_password_of_no_use_is_told_only_where_stored_passwords_are_asked() {
    let exact = Exact::only([LOCAL_PASSWORD_FORBIDDEN]);
    for (order, told) in [
        (r#"["local","corp"]"#, Some(LoginError::Forbidden)),
        (r#"["corp","local"]"#, Some(LoginError::Forbidden)),
        (r#"["corp"]"#, WRONG),
    ] {
        let config = plain_config();
        let rocketchat = RocketChatConfig { exact: exact.clone(), ..config.rocketchat.clone() };
        let asked = Asked::new(order, unavailable, Config { rocketchat, ..config }).await;
        assert_eq!(refusal(&asked.world, "linked", HERE).await, told, "{order}");
        assert_eq!(refusal(&asked.world, "linked", "wrong").await, WRONG, "{order}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_hashed_once_whether_a_directory_is_asked_too_or_not() {
    let asked = Asked::new(r#"["local","corp"]"#, unavailable, plain_config()).await;
    for who in ["iago", "linked", "nobody"] {
        let before = asked.world.pool.metrics().begun;
        assert!(refusal(&asked.world, who, "wrong").await.is_some());
        assert_eq!(asked.world.pool.metrics().begun - before, 1, "{who}");
    }
}

#[tokio::test]
async fn an_engine_knows_the_names_of_its_backends() {
    let asked = Asked::new(r#"["local"]"#, unavailable, plain_config()).await;
    let backends = asked.world.engine.backends();
    let known = ["local", "plain", "corp", "other", "", "Corp", "nobody"].map(|name| backends.contains(name));
    assert_eq!(known, [true, true, true, true, false, false, false]);
}
