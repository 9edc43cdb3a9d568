//! The `2fa:…` methods.

use auth_core::{ActionError, Challenge, FactorMethod};
use serde_json::{Value, json};

use crate::fixture;
use crate::talk::Talk;

const METHODS: [&str; 5] =
    ["2fa:enable", "2fa:validateTempToken", "2fa:disable", "2fa:regenerateCodes", "2fa:checkCodesRemaining"];

#[tokio::test]
async fn each_method_asks_for_its_action_and_gives_the_result() {
    for (method, params, asked, given) in [
        ("2fa:enable", json!([]), "enrol", json!({"secret": "SECRET", "url": "otpauth://totp/x"})),
        ("2fa:validateTempToken", json!(["123456"]), "confirm 123456", json!({"codes": ["aBcD2345"]})),
        ("2fa:disable", json!(["123456"]), "remove device 123456", json!(true)),
        ("2fa:disable", json!(["000000"]), "remove device 000000", json!(false)),
        ("2fa:regenerateCodes", json!(["123456"]), "renew codes 123456", json!({"codes": ["eFgH6789"]})),
        ("2fa:checkCodesRemaining", json!([]), "count codes", json!({"remaining": 12})),
    ] {
        let mut talk = Talk::signed_in().await;
        assert_eq!(talk.call(method, params).await, Ok(given), "{method}");
        let actions = talk.services.actions();
        let [action] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!(fixture::describe(&action.kind), asked);
        assert!(action.factor.code.is_none() && action.factor.method.is_none());
    }
}

#[tokio::test]
async fn second_factor_comes_along_as_the_last_argument() {
    for (last, method) in [
        (json!({"twoFactorCode": "654321", "twoFactorMethod": "email"}), Some(FactorMethod::Email)),
        (json!({"twoFactorCode": "654321", "twoFactorMethod": "totp"}), Some(FactorMethod::Totp)),
        (json!({"twoFactorCode": "654321", "twoFactorMethod": "password"}), Some(FactorMethod::Password)),
        (json!({"twoFactorCode": "654321", "twoFactorMethod": "other"}), None),
        (json!({"twoFactorCode": "654321"}), None),
    ] {
        let mut talk = Talk::signed_in().await;
        assert_eq!(talk.call("2fa:disable", json!(["123456", last])).await, Ok(json!(true)));
        let actions = talk.services.actions();
        assert_eq!(fixture::describe(&actions[0].kind), "remove device 123456");
        let factor = &actions[0].factor;
        assert_eq!(factor.code.as_ref().map(|code| code.expose()), Some("654321"));
        assert_eq!(factor.method, method);
    }
}

#[tokio::test]
async fn callers_without_a_good_token_are_not_authorized() {
    let error = json!({
        "isClientSafe": true,
        "error": "not-authorized",
        "message": "[not-authorized]",
        "errorType": "Meteor.Error",
    });
    for method in METHODS {
        assert_eq!(
            Talk::greeted().await.call(method, json!(["123456"])).await,
            Err(error.clone()),
            "{method}"
        );
        let mut talk = Talk::signed_in().await;
        talk.changes().signed_out = true;
        assert_eq!(talk.call(method, json!(["123456"])).await, Err(error.clone()), "{method}");
        assert!(talk.services.actions().is_empty());
    }
}

#[tokio::test]
async fn code_that_is_no_text_is_of_the_wrong_type() {
    for method in ["2fa:validateTempToken", "2fa:disable", "2fa:regenerateCodes"] {
        for params in [json!([]), json!([123_456]), json!([{"$gt": ""}]), json!([{"twoFactorCode": "1"}])] {
            let mut talk = Talk::signed_in().await;
            assert_eq!(talk.call(method, params).await.unwrap_err()["error"], 400);
        }
    }
}

#[tokio::test]
async fn action_errors_have_their_codes() {
    let challenge = Challenge {
        method: FactorMethod::Totp,
        available: vec![FactorMethod::Totp],
        mailed: None,
        ticket: None,
    };
    for (refused, error) in [
        (ActionError::SecondFactorRequired(challenge), "totp-required"),
        (ActionError::DeviceExists, "error-2fa-already-enabled"),
        (ActionError::NoDevice, "invalid-totp"),
    ] {
        for method in METHODS {
            let mut talk = Talk::signed_in().await;
            talk.changes().refused = Some(refused.clone());
            assert_eq!(talk.call(method, json!(["123456"])).await.unwrap_err()["error"], error, "{method}");
        }
    }
}

#[tokio::test]
async fn wrong_code_gives_nothing_when_regenerating_and_an_error_when_confirming() {
    let mut talk = Talk::signed_in().await;
    talk.changes().refused = Some(ActionError::WrongCode);
    assert_eq!(talk.call("2fa:regenerateCodes", json!(["000000"])).await, Ok(Value::Null));
    assert_eq!(
        talk.call("2fa:validateTempToken", json!(["000000"])).await.unwrap_err()["error"],
        "invalid-totp"
    );
}
