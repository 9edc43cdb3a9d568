//! Places for answers that wait: who is judged, and who is told to come again.

use std::time::Duration;

use auth_core::{
    Authenticator, Clock, Identifier, InternalErrorKind, LoginError, LoginMethod, Password, ProtocolName,
    Quota, Timestamp,
};
use auth_engine::{Config, SharedLimits, ZettelstoreRules};

use crate::world::{PASSWORD, World, config, limited, outcome};

/// One place, and an answer that waits for half a second.
fn one_place(config: Config) -> Config {
    Config { max_waiting: 1, zettelstore: ZettelstoreRules::default(), ..config }
}

#[tokio::test]
async fn beyond_the_places_nobody_is_judged_and_no_try_is_counted() {
    let most = SharedLimits {
        account: Quota { attempts: 1, window: Duration::from_secs(900) },
        ..SharedLimits::default()
    };
    let world = World::with(one_place(Config { limits: Some(most), ..limited() })).await;
    let wrong = world.attempt("main", ProtocolName::Zettelstore, "iago", "wrong").await;
    let first = world.ask(wrong.clone()).await;
    let until = first.not_before.expect("a moment");

    let who = Identifier::user_name("cordelia");
    let proof = LoginMethod::Password { who, password: Password::new("wrong") };
    let another = auth_core::LoginAttempt { proof, ..wrong };
    let fault = world.engine.log_in(another.clone()).await.expect_err("no place");
    let InternalErrorKind::Busy { retry_after } = fault.kind() else { panic!("{fault:?}") };
    assert_eq!(retry_after, until.since(world.clock.now()));

    let other_protocol = world.attempt("main", ProtocolName::RocketChat, "iago", PASSWORD).await;
    assert!(world.engine.log_in(other_protocol).await.is_ok(), "answers that don't wait take no place");

    world.clock.advance(retry_after);
    let counted = outcome(world.ask(another.clone()).await).unwrap_err();
    assert!(matches!(counted, LoginError::Credentials(_)), "{counted:?}");
    world.clock.advance(Duration::from_secs(1));
    let limited = outcome(world.ask(another).await).unwrap_err();
    assert!(matches!(limited, LoginError::AccountLimited { .. }), "{limited:?}");
}

#[tokio::test]
async fn without_a_delay_no_answer_waits() {
    let world = World::with(Config { max_waiting: 0, ..config() }).await;
    assert!(world.log_in(ProtocolName::Zettelstore, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn answers_wait_about_half_a_second_whatever_they_say() {
    let world = World::with(Config { max_waiting: 1000, ..one_place(config()) }).await;
    let mut waits = Vec::new();
    for (who, password) in
        [("iago", PASSWORD), ("iago", "wrong"), ("nobody", "x"), ("othello", "x"), ("cordelia", PASSWORD)]
    {
        for _ in 0..40 {
            let attempt = world.attempt("main", ProtocolName::Zettelstore, who, password).await;
            let reply = world.ask(attempt).await;
            waits.push(reply.not_before.unwrap_or(Timestamp::default()).since(world.clock.now()).as_millis());
        }
    }
    assert!(waits.iter().all(|wait| (450..550).contains(wait)), "{waits:?}");
    assert!(waits.iter().min() < waits.iter().max(), "they differ by chance");
}
