//! What the session does by time: pings, and checks of the token.

use std::time::Duration;

use auth_core::InternalError;
use auth_proto_rocketchat::ddp::{Close, SessionConfig};
use serde_json::json;

use crate::talk::{START, Talk};

const PING: &str = r#"{"msg":"ping"}"#;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[tokio::test]
async fn silent_client_is_pinged_once_and_then_closed() {
    for mut talk in [Talk::silent(), Talk::greeted().await] {
        assert_eq!(talk.session.wake_at(), START + secs(15));
        assert!(talk.wait(secs(14)).await.frames.is_empty());
        assert_eq!(talk.wait(secs(1)).await.frames, [PING]);
        assert_eq!(talk.session.wake_at(), START + secs(60));
        let output = talk.wait(secs(44)).await;
        assert!(output.frames.is_empty() && output.close.is_none());
        assert_eq!(talk.wait(secs(1)).await.close, Some(Close::Idle));
    }
}

#[tokio::test]
async fn where_less_silence_is_allowed_the_ping_comes_after_half_of_it() {
    let idle = SessionConfig { idle: secs(10), ..SessionConfig::default() };
    let mut talk = Talk::with(idle);
    assert_eq!(talk.session.wake_at(), START + secs(5));
    assert_eq!(talk.wait(secs(5)).await.frames, [PING]);
    assert_eq!(talk.wait(secs(5)).await.close, Some(Close::Idle));
}

#[tokio::test]
async fn client_hears_of_changes_of_the_user_once() {
    let mut talk = Talk::signed_in().await;
    assert!(talk.wait(secs(1)).await.frames.is_empty(), "nothing has changed");
    talk.changes().renamed = Some("other");
    let changed =
        r#"{"msg":"changed","collection":"users","id":"myusernameAAAAAAA","fields":{"username":"other"}}"#;
    assert_eq!(talk.wait(secs(1)).await.frames, [changed]);
    assert!(talk.wait(secs(1)).await.frames.is_empty(), "it is told once");
}

#[tokio::test]
async fn any_frame_is_a_sign_of_life() {
    for frame in [r#"{"msg":"pong"}"#, r#"{"msg":"ping"}"#, "nonsense"] {
        let mut talk = Talk::greeted().await;
        for _ in 0..5 {
            assert_eq!(talk.wait(secs(40)).await.frames, [PING]);
            assert_eq!(talk.output(frame).await.close, None);
        }
    }
}

#[tokio::test]
async fn token_is_checked_while_a_user_is_signed_in() {
    let mut talk = Talk::signed_in().await;
    assert!(talk.session.wake_at() <= talk.now + secs(1));
    for checks in 1..=5 {
        assert_eq!(talk.wait(Duration::from_millis(900)).await.close, None);
        assert_eq!(talk.services.checks().len(), checks);
    }
    // Early calls cost nothing.
    assert_eq!(talk.wait(Duration::from_millis(100)).await.close, None);
    assert_eq!(talk.services.checks().len(), 5);

    talk.call("logout", json!([])).await.unwrap();
    let checks = talk.services.checks().len();
    talk.wait(secs(5)).await;
    assert_eq!(talk.services.checks().len(), checks);
}

#[tokio::test]
async fn session_of_a_token_revoked_elsewhere_is_closed_at_the_next_check() {
    let mut talk = Talk::signed_in().await;
    talk.changes().signed_out = true;
    talk.now = talk.session.wake_at();
    assert!(talk.now.since(START) < secs(1));
    assert_eq!(talk.session.on_time(talk.now).await.close, Some(Close::SignedOut));
}

#[tokio::test]
async fn frames_do_not_put_off_the_check() {
    let mut talk = Talk::signed_in().await;
    talk.changes().signed_out = true;
    let check = talk.session.wake_at();
    talk.now = talk.now + Duration::from_millis(700);
    talk.say(&json!({"msg": "ping"})).await;
    assert_eq!(talk.session.wake_at(), check);
}

#[tokio::test]
async fn token_that_can_not_be_checked_closes_the_session() {
    let mut talk = Talk::signed_in().await;
    talk.changes().outage = true;
    let output = talk.wait(secs(1)).await;
    assert_eq!(output.close, Some(Close::Unavailable));
    assert_eq!(output.error, Some(InternalError::unavailable("gone")));
}

#[tokio::test]
async fn clock_that_is_set_back_keeps_nobody_signed_in() {
    let mut talk = Talk::signed_in().await;
    talk.changes().signed_out = true;
    talk.now = talk.now - secs(3600);
    talk.session.on_time(talk.now).await;
    assert!(talk.session.wake_at() <= talk.now + secs(1));
    assert_eq!(talk.wait(secs(1)).await.close, Some(Close::SignedOut));
}

#[tokio::test]
async fn frames_do_not_put_off_the_check_when_the_clock_was_set_back() {
    let mut talk = Talk::signed_in().await;
    talk.now = talk.now - secs(5 * 86_400);
    talk.say(&json!({"msg": "ping"})).await;
    assert!(talk.session.wake_at() <= talk.now + secs(1));
}

#[test]
fn every_close_has_the_code_of_its_reason() {
    for (close, code) in
        [(Close::Version, 1000), (Close::Idle, 1000), (Close::SignedOut, 1008), (Close::Unavailable, 1011)]
    {
        assert_eq!(close.code(), code);
    }
}
