//! Greeting, pings, subscriptions, and frames that can't be read.

use auth_proto_rocketchat::ddp::Close;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::talk::{Talk, plain};

#[tokio::test]
async fn greeting_is_accepted_in_every_version_that_is_spoken() {
    for (version, support) in
        [("1", json!(["1", "pre2", "pre1"])), ("pre2", json!(["pre2", "pre1"])), ("pre1", json!(["pre1"]))]
    {
        let mut talk = Talk::silent();
        let said = talk.say(&json!({"msg": "connect", "version": version, "support": support})).await;
        assert_eq!(said, [r#"{"msg":"connected","session":"session-id"}"#]);
    }
    let mut talk = Talk::silent();
    // A version that isn't spoken is passed over; an old session is never taken up.
    let greeting = json!({"msg": "connect", "version": "1", "support": ["2", "1"], "session": "old"});
    assert_eq!(talk.say(&greeting).await, [r#"{"msg":"connected","session":"session-id"}"#]);
}

#[tokio::test]
async fn greeting_in_another_version_fails_with_the_one_to_take() {
    for (greeting, version) in [
        (json!({"msg": "connect", "version": "2", "support": ["2"]}), "1"),
        (json!({"msg": "connect", "version": "2"}), "1"),
        (json!({"msg": "connect", "version": "2", "support": ["2", "1"]}), "1"),
        (json!({"msg": "connect", "version": "1", "support": ["pre2", "1"]}), "pre2"),
        (json!({"msg": "connect", "support": ["1"]}), "1"),
        (json!({"msg": "connect", "version": "1", "support": "1"}), "1"),
    ] {
        let mut talk = Talk::silent();
        let output = talk.output(&greeting.to_string()).await;
        assert_eq!(output.frames, [format!(r#"{{"msg":"failed","version":"{version}"}}"#)], "{greeting}");
        assert_eq!(output.close, Some(Close::Version));
    }
}

#[tokio::test]
async fn nothing_is_done_before_the_greeting_and_there_is_one() {
    let mut talk = Talk::silent();
    for frame in [
        json!({"msg": "ping"}),
        json!({"msg": "method", "method": "login", "id": "1", "params": [plain("myusername")]}),
        json!({"msg": "sub", "id": "1", "name": "x"}),
        json!({"msg": "unknown"}),
    ] {
        let told = format!(r#"{{"msg":"error","reason":"Must connect first","offendingMessage":{frame}}}"#);
        assert_eq!(talk.say(&frame).await, [told]);
    }
    for (frame, offending) in [("{", ""), ("7", ""), ("{}", r#","offendingMessage":{}"#)] {
        let told = format!(r#"{{"msg":"error","reason":"Bad request"{offending}}}"#);
        assert_eq!(talk.output(frame).await.frames, [told], "{frame}");
    }
    assert!(talk.services.attempts().is_empty());
    talk.greet().await;
    let again = json!({"msg": "connect", "version": "1", "support": ["1"]});
    let told = format!(r#"{{"msg":"error","reason":"Already connected","offendingMessage":{again}}}"#);
    assert_eq!(talk.say(&again).await, [told]);
}

#[tokio::test]
async fn pings_come_back_with_their_id() {
    let mut talk = Talk::greeted().await;
    for (frame, expected) in [
        (json!({"msg": "ping"}), &[r#"{"msg":"pong"}"#][..]),
        (json!({"msg": "ping", "id": "a\"b"}), &[r#"{"msg":"pong","id":"a\"b"}"#]),
        (json!({"msg": "pong", "id": "7"}), &[]),
    ] {
        assert_eq!(talk.say(&frame).await, expected);
    }
}

#[tokio::test]
async fn subscriptions_are_ready_at_once_and_end_on_request() {
    let mut talk = Talk::greeted().await;
    let sub = json!({"msg": "sub", "id": "s1", "name": "stream-notify-user", "params": ["x", false]});
    assert_eq!(talk.say(&sub).await, [r#"{"msg":"ready","subs":["s1"]}"#]);
    let unsub = json!({"msg": "unsub", "id": "s1"});
    assert_eq!(talk.say(&unsub).await, [r#"{"msg":"nosub","id":"s1"}"#]);
}

#[tokio::test]
async fn frames_that_can_not_be_read_are_answered_and_the_session_goes_on() {
    let mut talk = Talk::greeted().await;
    for (frame, reason) in [
        ("", "Bad request"),
        ("nonsense", "Bad request"),
        ("[]", "Bad request"),
        (r#"{"msg":"changed"}"#, "Bad request"),
        (r#"{"msg":"method","id":1,"method":"login"}"#, "Malformed method invocation"),
        (r#"{"msg":"method","id":"1"}"#, "Malformed method invocation"),
        (r#"{"msg":"sub","id":"1"}"#, "Malformed subscription"),
        (r#"{"msg":"unsub"}"#, "Malformed subscription"),
    ] {
        let output = talk.output(frame).await;
        let is_message = frame.starts_with(['{', '[']);
        let offending = if is_message { format!(r#","offendingMessage":{frame}"#) } else { String::new() };
        assert_eq!(
            output.frames,
            [format!(r#"{{"msg":"error","reason":"{reason}"{offending}}}"#)],
            "{frame}"
        );
        assert_eq!(output.close, None);
    }
    assert_eq!(talk.say(&json!({"msg": "ping"})).await.len(), 1);
}

#[tokio::test]
async fn nothing_shown_for_debugging_holds_a_token() {
    let mut talk = Talk::greeted().await;
    let call = json!({"msg": "method", "method": "login", "id": "1", "params": [plain("myusername")]});
    let output = talk.output(&call.to_string()).await;
    let shown = format!("{output:?} {:?}", talk.session);
    assert!(shown.contains("frames: 3") && shown.contains("signed_in: true"), "{shown}");
    assert!(!shown.contains("myusername"), "{shown}");
}

proptest! {
    /// Every frame that comes back is JSON with a kind, whatever frames were sent.
    #[test]
    fn any_frames_are_answered_in_json(frames in prop::collection::vec(frame(), 0..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut talk = Talk::silent();
        runtime.block_on(async {
            for frame in frames {
                for said in talk.output(&frame).await.frames {
                    let said: Value = serde_json::from_str(&said).unwrap();
                    assert!(said["msg"].is_string());
                }
            }
        });
    }
}

/// Frames that are almost what a client says.
fn frame() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["connect", "ping", "pong", "method", "sub", "unsub", "x"]);
    let method = prop::sample::select(vec!["login", "logout", "rooms/get", "2fa:enable", "2fa:disable", "x"]);
    let param = prop::sample::select(vec![
        plain("myusername"),
        plain("totpuser"),
        json!({"resume": "x"}),
        json!({"twoFactorCode": 7}),
        json!("123456"),
        Value::Null,
    ]);
    prop_oneof![
        1 => ".*",
        9 => (kind, ".{0,3}", method, prop::collection::vec(param, 0..3)).prop_map(|(kind, id, method, params)| {
            json!({
                "msg": kind, "id": id, "method": method, "params": params,
                "name": id, "version": "1", "support": ["1"],
            })
            .to_string()
        }),
    ]
}
