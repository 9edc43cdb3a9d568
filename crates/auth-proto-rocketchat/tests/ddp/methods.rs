//! The other methods.

use serde_json::json;

use crate::talk::Talk;

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
