//! `login` in all its forms, and `logout`.

use std::time::Duration;

use auth_core::{
    CredentialKind, GrantKind, InternalError, LoginMethod, ProtocolName, SecondStep, SecretInput, Timestamp,
};
use auth_proto_rocketchat::ddp::SessionConfig;
use serde_json::{Value, json};

use crate::fixture;
use crate::talk::{Talk, peer, plain};

const DIGEST: &str = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";

#[tokio::test]
async fn success_is_these_bytes() {
    let mut talk = Talk::greeted().await;
    let said = talk
        .say(&json!({"msg": "method", "method": "login", "id": "1", "params": [plain("myusername")]}))
        .await;
    let expected = concat!(
        r#"{"msg":"result","id":"1","result":{"id":"myusernameAAAAAAA","#,
        r#""token":"myusername---------------------------------","#,
        r#""tokenExpires":{"$date":253402300799000},"type":"password"}}"#
    );
    let added = concat!(
        r#"{"msg":"added","collection":"users","id":"myusernameAAAAAAA","fields":{"username":"myusername","#,
        r#""emails":[{"address":"my@email.com","verified":true}]}}"#
    );
    assert_eq!(said, [added, expected, r#"{"msg":"updated","methods":["1"]}"#]);
    assert!(talk.session.is_signed_in());
}

#[tokio::test]
async fn every_form_of_the_accounts_layer_signs_in() {
    let digest = json!({"digest": DIGEST, "algorithm": "sha-256"});
    for (form, kind) in [
        (plain("myusername"), "password"),
        (json!({"user": {"email": "my@email.com"}, "password": "mypassword"}), "password"),
        (json!({"user": {"id": fixture::id("myusername")}, "password": "mypassword"}), "password"),
        (json!({"user": {"username": "myusername"}, "password": digest}), "password"),
        (json!({"resume": fixture::token("myusername")}), "resume"),
        (json!({"totp": {"code": "123456", "login": plain("myusername")}}), "password"),
        (
            json!({"ldap": true, "username": "myusername", "ldapPass": "mypassword", "ldapOptions": {}}),
            "password",
        ),
    ] {
        let mut talk = Talk::greeted().await;
        let result = talk.log_in(&form).await.unwrap();
        assert_eq!(
            (&result["id"], &result["type"]),
            (&json!(fixture::id("myusername")), &json!(kind)),
            "{form}"
        );
        assert!(talk.session.is_signed_in());
    }
}

#[tokio::test]
async fn engine_is_asked_what_the_rest_protocol_asks() {
    let mut talk = Talk::greeted().await;
    let form = json!({"totp": {"code": "123456", "login": plain("totpuser")}});
    talk.log_in(&form).await.unwrap();
    let attempts = talk.services.attempts();
    let [attempt] = &attempts[..] else { panic!("{attempts:?}") };
    assert_eq!(attempt.protocol, ProtocolName::ROCKETCHAT);
    assert_eq!(attempt.grant, GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN));
    assert_eq!((&attempt.peer, attempt.realm.id), (&peer(), fixture::realm().id));
    assert!(matches!(&attempt.method, LoginMethod::Password { secret: SecretInput::Password(_), .. }));
    assert!(matches!(&attempt.second_step, SecondStep::Offered(Some(code)) if code.expose() == "123456"));
}

#[tokio::test]
async fn while_the_realm_is_not_there_nobody_is_known() {
    for form in [plain("myusername"), json!({"resume": fixture::token("myusername")})] {
        let mut talk = Talk::without_realm();
        talk.greet().await;
        let error = talk.log_in(&form).await.unwrap_err();
        assert_eq!((&error["error"], &error["reason"]), (&json!(401), &json!("User not found")), "{form}");
        assert!(!talk.session.is_signed_in());
    }
}

#[tokio::test]
async fn unknown_forms_look_like_a_wrong_password_and_ill_typed_ones_do_not() {
    let wrong = json!({
        "isClientSafe": true,
        "error": 401,
        "reason": "User not found",
        "message": "User not found [401]",
        "errorType": "Meteor.Error",
    });
    for form in [
        json!({"user": {"username": "myusername"}, "password": "wrong"}),
        json!({"user": {"username": "nobody"}, "password": "mypassword"}),
        json!({"user": {"username": "myusername"}, "password": ""}),
        json!({"resume": "nobody's"}),
        json!({"user": {"username": "myusername"}}),
        json!({"cas": {"credentialToken": "x"}}),
        json!({}),
    ] {
        let mut talk = Talk::greeted().await;
        assert_eq!(talk.log_in(&form).await.unwrap_err(), wrong, "{form}");
        assert!(!talk.session.is_signed_in());
    }
    for form in [
        json!({"user": "myusername", "password": "mypassword"}),
        json!({"user": {"username": "a", "email": "b"}, "password": "mypassword"}),
        json!({"user": {"username": "a"}, "password": {"digest": DIGEST, "algorithm": "md5"}}),
        json!({"user": {"username": "a"}, "password": ["mypassword"]}),
        json!({"resume": {"$ne": ""}}),
        json!("myusername"),
        Value::Null,
    ] {
        let mut talk = Talk::greeted().await;
        assert_eq!(talk.log_in(&form).await.unwrap_err()["error"], 400, "{form}");
        assert!(talk.services.attempts().is_empty(), "{form}");
    }
}

#[tokio::test]
async fn login_errors_have_the_texts_of_the_rest_protocol() {
    for (user_name, code, details) in [
        ("inactive", "error-user-is-not-activated", json!({"function": "Accounts.validateLoginAttempt"})),
        (
            "appuser",
            "error-app-user-is-not-allowed-to-login",
            json!({"function": "Accounts.validateLoginAttempt"}),
        ),
        (
            "totpuser",
            "totp-required",
            json!({"method": "totp", "codeGenerated": false, "availableMethods": ["totp"]}),
        ),
        (
            "mailuser",
            "totp-required",
            json!({
                "method": "email", "codeGenerated": false, "codeExpires": "2026-01-02T04:04:05.678Z",
                "emailOrUsername": "mailuser", "availableMethods": ["email"],
            }),
        ),
    ] {
        let mut talk = Talk::greeted().await;
        let error = talk.log_in(&plain(user_name)).await.unwrap_err();
        assert_eq!((&error["error"], &error["details"]), (&json!(code), &details));
        assert_eq!(error["errorType"], "Meteor.Error");
        assert!(!talk.session.is_signed_in());
    }
    let mut talk = Talk::greeted().await;
    let form = json!({"totp": {"code": "000000", "login": plain("totpuser")}});
    assert_eq!(talk.log_in(&form).await.unwrap_err()["error"], "totp-invalid");
}

#[tokio::test]
async fn a_sixth_login_within_ten_seconds_waits() {
    let mut talk = Talk::greeted().await;
    for _ in 0..5 {
        assert_eq!(talk.log_in(&plain("nobody")).await.unwrap_err()["error"], 401);
    }
    talk.now = talk.now + Duration::from_secs(4);
    let error = talk.log_in(&plain("myusername")).await.unwrap_err();
    assert_eq!(
        (&error["error"], &error["details"]),
        (&json!("too-many-requests"), &json!({"timeToReset": 6000}))
    );
    assert_eq!(talk.services.attempts().len(), 5);
    talk.now = talk.now + Duration::from_millis(6001);
    assert!(talk.log_in(&plain("myusername")).await.is_ok());

    let mut unlimited = Talk::with(SessionConfig { login_limit: None, ..SessionConfig::default() });
    unlimited.greet().await;
    for _ in 0..20 {
        assert_eq!(unlimited.log_in(&plain("nobody")).await.unwrap_err()["error"], 401);
    }
}

#[tokio::test]
async fn failed_login_leaves_the_user_signed_in() {
    let mut talk = Talk::signed_in().await;
    talk.log_in(&plain("nobody")).await.unwrap_err();
    assert!(talk.session.is_signed_in());
}

#[tokio::test]
async fn login_that_can_not_be_judged_is_unavailable_and_signs_nobody_in() {
    let mut talk = Talk::greeted().await;
    talk.changes().outage = true;
    assert_eq!(talk.log_in(&plain("myusername")).await.unwrap_err()["error"], 503);
    assert!(!talk.session.is_signed_in());
}

#[tokio::test]
async fn answer_carries_the_moment_it_may_be_sent() {
    let mut talk = Talk::greeted().await;
    let moment = Some(Timestamp::from_secs(7));
    talk.changes().not_before = moment;
    let call = json!({"msg": "method", "method": "login", "id": "1", "params": [plain("nobody")]});
    assert_eq!(talk.output(&call.to_string()).await.not_before, moment);
}

#[tokio::test]
async fn logout_revokes_the_token_and_gives_nothing() {
    let mut talk = Talk::signed_in().await;
    let said = talk.say(&json!({"msg": "method", "method": "logout", "id": "2", "params": []})).await;
    let removed = r#"{"msg":"removed","collection":"users","id":"myusernameAAAAAAA"}"#;
    assert_eq!(said, [removed, r#"{"msg":"result","id":"2"}"#, r#"{"msg":"updated","methods":["2"]}"#]);
    assert_eq!(revoked(&talk), [fixture::id("myusername")]);
    assert!(!talk.session.is_signed_in());
    // There is nothing left to end.
    assert_eq!(talk.call("logout", json!([])).await, Ok(Value::Null));
    assert_eq!(revoked(&talk).len(), 1);
}

#[tokio::test]
async fn logout_that_is_not_known_to_be_done_leaves_the_user_signed_in() {
    let mut talk = Talk::signed_in().await;
    talk.changes().outage = true;
    assert_eq!(talk.call("logout", json!([])).await.unwrap_err()["error"], 503);
    assert!(talk.session.is_signed_in());
}

/// The ids of the users whose tokens were revoked.
fn revoked(talk: &Talk) -> Vec<String> {
    let revoked = talk.services.revoked();
    let users = revoked.iter().map(|principal| &principal.profile.user);
    users.map(|user| user.external_text(ProtocolName::ROCKETCHAT).to_owned()).collect()
}

#[tokio::test]
async fn internal_errors_are_handed_to_the_server() {
    let mut talk = Talk::greeted().await;
    talk.changes().outage = true;
    let call = json!({"msg": "method", "method": "login", "id": "1", "params": [plain("myusername")]});
    let output = talk.output(&call.to_string()).await;
    assert_eq!((output.frames.len(), output.error), (2, Some(InternalError::unavailable("gone"))));
}
