//! The `2fa:…` methods.

use auth_core::{ActionError, Challenge, FactorMethod};
use serde_json::{Value, json};

use crate::talk::Talk;

const METHODS: [&str; 5] =
    ["2fa:enable", "2fa:validateTempToken", "2fa:disable", "2fa:regenerateCodes", "2fa:checkCodesRemaining"];

#[tokio::test]
async fn each_method_asks_for_its_own_and_tells_what_it_gets() {
    for (method, params, asked, given) in [
        ("2fa:enable", json!([]), ("enrol", None), json!({"secret": "SECRET", "url": "otpauth://totp/x"})),
        (
            "2fa:validateTempToken",
            json!(["123456"]),
            ("confirm", Some("123456")),
            json!({"codes": ["aBcD2345"]}),
        ),
        ("2fa:disable", json!(["123456"]), ("remove", Some("123456")), json!(true)),
        ("2fa:disable", json!(["000000"]), ("remove", Some("000000")), json!(false)),
        ("2fa:regenerateCodes", json!(["123456"]), ("renew", Some("123456")), json!({"codes": ["eFgH6789"]})),
        ("2fa:checkCodesRemaining", json!([]), ("left", None), json!({"remaining": 12})),
    ] {
        let mut talk = Talk::signed_in().await;
        assert_eq!(talk.call(method, params).await, Ok(given), "{method}");
        let calls = talk.services.calls.lock().unwrap();
        let [(name, code, proof)] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!((*name, code.as_deref()), asked);
        assert!(proof.code.is_none() && proof.method.is_none());
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
        let calls = talk.services.calls.lock().unwrap();
        let (_, code, proof) = &calls[0];
        assert_eq!(code.as_deref(), Some("123456"));
        assert_eq!(proof.code.as_ref().map(|code| code.expose()), Some("654321"));
        assert_eq!(proof.method, method);
    }
}

#[tokio::test]
async fn strangers_and_those_whose_token_has_ended_are_not_authorized() {
    let told = json!({
        "isClientSafe": true,
        "error": "not-authorized",
        "message": "[not-authorized]",
        "errorType": "Meteor.Error",
    });
    for method in METHODS {
        assert_eq!(
            Talk::greeted().await.call(method, json!(["123456"])).await,
            Err(told.clone()),
            "{method}"
        );
        let mut talk = Talk::signed_in().await;
        *talk.services.forgetful.lock().unwrap() = true;
        assert_eq!(talk.call(method, json!(["123456"])).await, Err(told.clone()), "{method}");
        assert!(talk.services.calls.lock().unwrap().is_empty());
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
async fn denials_are_told_by_their_names() {
    let challenge =
        Challenge { method: FactorMethod::Totp, available: vec![FactorMethod::Totp], mailed: None };
    for (denial, error) in [
        (ActionError::SecondFactorRequired(challenge), "totp-required"),
        (ActionError::DeviceExists, "error-2fa-already-enabled"),
        (ActionError::NoDevice, "invalid-totp"),
    ] {
        for method in METHODS {
            let mut talk = Talk::signed_in().await;
            *talk.services.denial.lock().unwrap() = Some(denial.clone());
            assert_eq!(talk.call(method, json!(["123456"])).await.unwrap_err()["error"], error, "{method}");
        }
    }
}

#[tokio::test]
async fn of_a_wrong_code_regenerating_says_nothing_and_confirming_that_it_is_wrong() {
    let mut talk = Talk::signed_in().await;
    *talk.services.denial.lock().unwrap() = Some(ActionError::WrongCode);
    assert_eq!(talk.call("2fa:regenerateCodes", json!(["000000"])).await, Ok(Value::Null));
    assert_eq!(
        talk.call("2fa:validateTempToken", json!(["000000"])).await.unwrap_err()["error"],
        "invalid-totp"
    );
}
