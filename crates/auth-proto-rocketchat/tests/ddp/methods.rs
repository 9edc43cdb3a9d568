//! The other methods.

use std::time::Duration;

use auth_core::ActionError;
use serde_json::json;

use crate::fixture;
use crate::services::ANOTHER;
use crate::talk::{Talk, plain};

#[tokio::test]
async fn there_are_no_rooms_for_anybody() {
    for mut talk in [Talk::greeted().await, Talk::signed_in().await] {
        for params in [json!([]), json!([{"$date": 0}])] {
            assert_eq!(talk.call("rooms/get", params).await, Ok(json!([])));
        }
    }
}

#[tokio::test]
async fn unknown_method_is_not_found_in_these_bytes() {
    let mut talk = Talk::signed_in().await;
    for name in ["sendMessage", "", "Login", "rooms/get/", "a\"b"] {
        let error = talk.call(name, json!([])).await.unwrap_err();
        assert_eq!(
            (&error["error"], &error["reason"]),
            (&json!(404), &json!(format!("Method '{name}' not found")))
        );
    }
    let said = talk.say(&json!({"msg": "method", "method": "x", "id": "42"})).await;
    let expected = concat!(
        r#"{"msg":"result","id":"42","error":{"isClientSafe":true,"error":404,"reason":"Method 'x' not found","#,
        r#""message":"Method 'x' not found [404]","errorType":"Meteor.Error"}}"#
    );
    assert_eq!(said, [expected, r#"{"msg":"updated","methods":["42"]}"#]);
}

#[tokio::test]
async fn other_sessions_end_and_the_own_token_is_given() {
    let mut talk = Talk::greeted().await;
    for method in ["logoutOtherClients", "removeOtherTokens"] {
        assert_eq!(talk.call(method, json!([])).await.unwrap_err()["error"], "not-authorized");
    }
    let token = talk.log_in(&plain("myusername")).await.unwrap()["token"].clone();
    let own = talk.call("logoutOtherClients", json!([])).await.unwrap();
    assert_eq!(own["token"], token);
    assert!(own["tokenExpires"]["$date"].is_i64(), "{own}");
    assert_eq!(talk.call("removeOtherTokens", json!([])).await, Ok(json!(null)));
    let asked: Vec<_> =
        talk.services.actions().iter().map(|action| fixture::describe(&action.kind)).collect();
    assert_eq!(asked, ["end others", "end others"]);
}

#[tokio::test]
async fn methods_that_read_or_change_the_store_are_limited_and_others_are_not() {
    let mut talk = Talk::signed_in().await;
    talk.changes().wait = Some(Duration::from_millis(6001));
    for method in [
        "2fa:checkCodesRemaining",
        "2fa:disable",
        "2fa:enable",
        "2fa:regenerateCodes",
        "2fa:validateTempToken",
        "changePassword",
        "getNewToken",
        "getUsernameSuggestion",
        "logoutOtherClients",
        "removeOtherTokens",
        "resetPassword",
        "setUserPassword",
        "setUsername",
    ] {
        let error = talk.call(method, json!(["x"])).await.unwrap_err();
        assert_eq!(error["error"], "too-many-requests", "{method}");
        assert_eq!(error["details"], json!({"timeToReset": 6001}), "{method}");
    }
    assert!(talk.services.actions().is_empty(), "nothing was looked up");
    for method in ["rooms/get", "subscriptions/get", "logout"] {
        assert!(talk.call(method, json!([])).await.is_ok(), "{method}");
    }
}

#[tokio::test]
async fn another_token_is_given_and_the_socket_goes_on_with_it() {
    let mut talk = Talk::greeted().await;
    assert_eq!(talk.call("getNewToken", json!([])).await.unwrap_err()["error"], "not-authorized");
    let login = talk.log_in(&plain("myusername")).await.unwrap();
    let mut another = talk.call("getNewToken", json!([])).await.unwrap();
    assert_eq!((&another["id"], &another["token"]), (&login["id"], &json!(ANOTHER)));
    assert!(another["tokenExpires"]["$date"].is_i64(), "{another}");
    assert_eq!(another.as_object().unwrap().len(), 3, "no more: {another}");
    // As Meteor's client does next.
    let own = talk.call("logoutOtherClients", json!([])).await.unwrap();
    assert_eq!(own["token"], another["token"].take());
    let asked: Vec<_> =
        talk.services.actions().iter().map(|action| fixture::describe(&action.kind)).collect();
    assert_eq!(asked, ["another", "end others"]);
    talk.changes().refused = Some(ActionError::NotPermitted);
    assert_eq!(talk.call("getNewToken", json!([])).await.unwrap_err()["error"], "not-authorized");
}

#[tokio::test]
async fn user_name_is_suggested_and_chosen() {
    let mut talk = Talk::signed_in().await;
    assert_eq!(talk.call("getUsernameSuggestion", json!([])).await, Ok(json!("ada")));
    assert_eq!(talk.call("setUsername", json!(["ada"])).await, Ok(json!("ada")));
    let asked: Vec<_> =
        talk.services.actions().iter().map(|action| fixture::describe(&action.kind)).collect();
    assert_eq!(asked, ["suggest", "choose ada"]);
    talk.changes().refused = Some(ActionError::UserNameTaken);
    assert_eq!(
        talk.call("setUsername", json!(["ada"])).await.unwrap_err()["error"],
        "error-field-unavailable"
    );
    assert_eq!(talk.call("setUsername", json!([7])).await.unwrap_err()["error"], 400);
}

#[tokio::test]
async fn password_is_set_by_users_who_must_change_it_and_by_no_others() {
    let mut talk = Talk::greeted().await;
    assert_eq!(talk.call("setUserPassword", json!(["new"])).await.unwrap_err()["error"], "not-authorized");
    talk.log_in(&plain("mustchange")).await.unwrap();
    assert_eq!(talk.call("setUserPassword", json!(["new"])).await, Ok(json!(true)));
    let [action] = &talk.services.actions()[..] else { panic!("one action") };
    assert_eq!(fixture::describe(&action.kind), "change password to new");

    let mut talk = Talk::signed_in().await;
    let error = talk.call("setUserPassword", json!(["new"])).await.unwrap_err();
    assert_eq!(error["error"], "error-not-allowed");
    assert!(talk.services.actions().is_empty());
}
