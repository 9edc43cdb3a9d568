//! Slots for delayed responses: which logins are judged, and which are told to come again.

use std::time::Duration;

use auth_core::{
    Authenticator, Clock, Identifier, InternalErrorKind, LoginError, LoginMethod, ProtocolName, Quota,
    Timestamp,
};
use auth_engine::testing::{PASSWORD, config, limited, password, result};
use auth_engine::{CommonQuotas, Config, ZettelstoreConfig};

use crate::world;

/// One slot, and answers that are delayed for half a second.
fn one_slot(config: Config) -> Config {
    Config { max_delayed: 1, zettelstore: ZettelstoreConfig::default(), ..config }
}

#[tokio::test]
async fn without_a_free_slot_no_login_is_judged_and_no_attempt_is_counted() {
    let most = CommonQuotas {
        account: Quota { attempts: 1, window: Duration::from_secs(900) },
        ..CommonQuotas::default()
    };
    let world = world::with(one_slot(Config { limits: Some(most), ..limited() })).await;
    let wrong = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", "wrong").await;
    let first = world.ask(wrong.clone()).await;
    let until = first.not_before.expect("a moment");

    let who = Identifier::user_name("cordelia");
    let method = LoginMethod::Password { who, secret: password("wrong") };
    let another = auth_core::LoginAttempt { method, ..wrong };
    let LoginError::Internal(error) = world.engine.log_in(another.clone()).await.result.unwrap_err() else {
        panic!("no slot is free")
    };
    let InternalErrorKind::Busy { retry_after } = error.kind() else { panic!("{error:?}") };
    assert_eq!(retry_after, until.since(world.clock.now()));

    let other_protocol = world.attempt("main", ProtocolName::ROCKETCHAT, "iago", PASSWORD).await;
    let judged = world.engine.log_in(other_protocol).await.result;
    assert!(!matches!(judged, Err(LoginError::Internal(_))), "undelayed answers take no slot: {judged:?}");

    world.clock.advance(retry_after);
    let counted = result(world.ask(another.clone()).await).unwrap_err();
    assert!(matches!(counted, LoginError::Credentials(_)), "{counted:?}");
    world.clock.advance(Duration::from_secs(1));
    let limited = result(world.ask(another).await).unwrap_err();
    assert!(matches!(limited, LoginError::AccountLimited { .. }), "{limited:?}");
}

#[tokio::test]
async fn without_a_delay_no_login_takes_a_slot() {
    let world = world::with(Config { max_delayed: 0, ..config() }).await;
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn answers_are_delayed_about_half_a_second_whatever_they_say() {
    let world = world::with(Config { max_delayed: 1000, ..one_slot(config()) }).await;
    let mut waits = Vec::new();
    for (who, password) in
        [("iago", PASSWORD), ("iago", "wrong"), ("nobody", "x"), ("othello", "x"), ("cordelia", PASSWORD)]
    {
        for _ in 0..40 {
            let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, who, password).await;
            let reply = world.ask(attempt).await;
            waits.push(reply.not_before.unwrap_or(Timestamp::default()).since(world.clock.now()).as_millis());
        }
    }
    assert!(waits.iter().all(|wait| (450..550).contains(wait)), "{waits:?}");
    assert!(waits.iter().min() < waits.iter().max(), "they differ by chance");
}
