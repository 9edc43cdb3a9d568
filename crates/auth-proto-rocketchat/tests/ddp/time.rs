//! What time brings: signs of life, and the end of tokens.

use std::time::Duration;

use auth_proto_rocketchat::ddp::Close;
use serde_json::json;

use crate::talk::{START, Talk};

const PING: &str = r#"{"msg":"ping"}"#;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[tokio::test]
async fn silent_client_is_asked_once_and_then_hung_up_on() {
    for mut talk in [Talk::silent(), Talk::greeted().await] {
        assert_eq!(talk.session.wake_at(), START + secs(30));
        assert!(talk.wait(secs(29)).await.frames.is_empty());
        assert_eq!(talk.wait(secs(1)).await.frames, [PING]);
        assert_eq!(talk.session.wake_at(), START + secs(60));
        let turn = talk.wait(secs(29)).await;
        assert!(turn.frames.is_empty() && turn.close.is_none());
        assert_eq!(talk.wait(secs(1)).await.close, Some(Close::Idle));
    }
}

#[tokio::test]
async fn any_frame_is_a_sign_of_life() {
    for frame in [r#"{"msg":"pong"}"#, r#"{"msg":"ping"}"#, "nonsense"] {
        let mut talk = Talk::greeted().await;
        for _ in 0..5 {
            assert_eq!(talk.wait(secs(40)).await.frames, [PING]);
            assert_eq!(talk.turn(frame).await.close, None);
        }
    }
}

#[tokio::test]
async fn token_is_checked_while_somebody_is_signed_in() {
    let mut talk = Talk::signed_in().await;
    assert!(talk.session.wake_at() <= talk.now + secs(1));
    for checks in 1..=5 {
        assert_eq!(talk.wait(Duration::from_millis(900)).await.close, None);
        assert_eq!(*talk.services.checks.lock().unwrap(), checks);
    }
    // Early calls cost nothing.
    assert_eq!(talk.wait(Duration::from_millis(100)).await.close, None);
    assert_eq!(*talk.services.checks.lock().unwrap(), 5);

    talk.call("logout", json!([])).await.unwrap();
    let checks = *talk.services.checks.lock().unwrap();
    talk.wait(secs(5)).await;
    assert_eq!(*talk.services.checks.lock().unwrap(), checks);
}

#[tokio::test]
async fn who_is_signed_out_elsewhere_is_hung_up_on_at_the_next_look() {
    let mut talk = Talk::signed_in().await;
    *talk.services.forgetful.lock().unwrap() = true;
    talk.now = talk.session.wake_at();
    assert!(talk.now.since(START) < secs(1));
    assert_eq!(talk.session.on_time(talk.now).await.close, Some(Close::SignedOut));
}

#[tokio::test]
async fn frames_do_not_put_the_look_off() {
    let mut talk = Talk::signed_in().await;
    *talk.services.forgetful.lock().unwrap() = true;
    let look = talk.session.wake_at();
    talk.now = talk.now + Duration::from_millis(700);
    talk.say(&json!({"msg": "ping"})).await;
    assert_eq!(talk.session.wake_at(), look);
}

#[tokio::test]
async fn token_that_can_not_be_looked_up_ends_the_conversation() {
    let mut talk = Talk::signed_in().await;
    *talk.services.broken.lock().unwrap() = true;
    assert_eq!(talk.wait(secs(1)).await.close, Some(Close::Unavailable));
}

#[tokio::test]
async fn clock_that_is_set_back_keeps_nobody_signed_in() {
    let mut talk = Talk::signed_in().await;
    *talk.services.forgetful.lock().unwrap() = true;
    talk.now = talk.now - secs(3600);
    talk.session.on_time(talk.now).await;
    assert!(talk.session.wake_at() <= talk.now + secs(1));
    assert_eq!(talk.wait(secs(1)).await.close, Some(Close::SignedOut));
}

#[test]
fn every_end_has_the_code_of_its_reason() {
    for (close, code) in
        [(Close::Version, 1000), (Close::Idle, 1000), (Close::SignedOut, 1008), (Close::Unavailable, 1011)]
    {
        assert_eq!(close.code(), code);
    }
}
