//! `PATCH settings`: the order of its checks, its texts, and the limit that it counts against.

use std::sync::Arc;

use auth_core::testing::{ActionKind, ActionResult, FakeServices, RealmBuilder, UserBuilder};
use auth_core::*;
use serde_json::{Value, json};

use crate::routes::{FORM, IAGO, USERS, config, parsed};
use crate::server::{Server, header, request};
use crate::world::{Ways, World};

const SETTINGS: &str = "/api/v1/settings";
const BOT: (&str, &str) =
    ("authorization", "Basic Ym90QHp1bGlwLmNvbTpRbTdzRExVRXhRMnc1UWhWMW1aN3lQajBjVDlhS2YzUg==");

/// Services that log in by the world's rules, and take every change but those of weak passwords and bad addresses.
fn services() -> Arc<FakeServices> {
    let world = || World::new(USERS, Ways::default(), Arc::new(ManualClock::default()));
    let (logins, checks) = (world(), world());
    let services = logins.realms();
    let profile = Profile {
        user: Arc::new(UserBuilder::new("iago").build()),
        realm: Arc::new(RealmBuilder::new("main").build()),
        has_password: true,
        totp: false,
    };
    let services = services
        .on_log_in(move |attempt| logins.log_in(attempt))
        .on_check(move |check| checks.check(check))
        .on_action(move |action| match &action.kind {
            ActionKind::ChangeOwnAccount { password: Some(new), .. } if new.expose().len() < 8 => {
                Err(ActionError::WeakPassword(Vec::new()))
            }
            ActionKind::ChangeOwnAccount { password: Some(new), .. } if new.expose() == "abcd1234" => {
                Err(ActionError::SamePassword)
            }
            ActionKind::ChangeOwnAccount { address: Some(address), .. } if !address.contains('@') => {
                Err(ActionError::BadAddress)
            }
            _ => Ok(ActionResult::Profile(profile.clone())),
        });
    Arc::new(services)
}

async fn patch(services: &Arc<FakeServices>, who: (&str, &str), form: &str) -> Answer {
    let server = Server::with(config(), Arc::clone(services) as _);
    server.send(request("PATCH", SETTINGS, [FORM, who], form.to_owned())).await
}

/// What was asked of the account: the user name, the display name, the address and the password.
fn changes(services: &FakeServices) -> Vec<Value> {
    services.actions().iter().map(|action| described(&action.kind)).collect()
}

fn described(kind: &ActionKind) -> Value {
    match kind {
        ActionKind::ChangeOwnAccount { user_name, full_name, address, password, .. } => {
            json!([user_name, full_name, address, password.as_ref().map(Password::expose)])
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn settings_are_changed_in_zulips_order_of_checks_and_words() {
    const RIGHT: &str = "old_password=abcd1234";
    for (who, form, status, message, asked) in [
        (IAGO, "", 200, "", json!([])),
        (IAGO, "old_password=bad", 200, "", json!([])),
        (IAGO, "full_name=Iago&email=iago@zulip.com", 200, "", json!([])),
        (IAGO, "full_name=The+Ensign&timezone=UTC", 200, "", json!([[null, "The Ensign", null, null]])),
        (IAGO, "new_password=a-better-horse-12", 400, "Wrong password!", json!([])),
        (IAGO, "old_password=&new_password=a-better-horse-12", 400, "Wrong password!", json!([])),
        (IAGO, "old_password=bad&new_password=x", 400, "Wrong password!", json!([])),
        (IAGO, "email=new@zulip.com", 400, "Wrong password!", json!([])),
        (
            IAGO,
            &format!("{RIGHT}&new_password=a-better-horse-12"),
            200,
            "",
            json!([[null, null, null, "a-better-horse-12"]]),
        ),
        (IAGO, &format!("{RIGHT}&new_password=abcd1234"), 200, "", json!([[null, null, null, "abcd1234"]])),
        (
            IAGO,
            &format!("{RIGHT}&new_password=weak"),
            400,
            "New password is too weak!",
            json!([[null, null, null, "weak"]]),
        ),
        (
            IAGO,
            &format!("{RIGHT}&new_password="),
            400,
            "New password is too weak!",
            json!([[null, null, null, ""]]),
        ),
        (
            IAGO,
            &format!("{RIGHT}&email=new@zulip.com"),
            200,
            "",
            json!([[null, null, "new@zulip.com", null]]),
        ),
        (
            IAGO,
            &format!("{RIGHT}&email=new"),
            400,
            "Enter a valid email address.",
            json!([[null, null, "new", null]]),
        ),
        (IAGO, "full_name=x", 400, "Name too short!", json!([])),
        (IAGO, &format!("full_name={}", "x".repeat(101)), 400, "Name too long!", json!([])),
        (IAGO, "full_name=a@b", 400, "Invalid characters in name!", json!([])),
        (BOT, "new_password=x", 400, "This endpoint does not accept bot requests.", json!([])),
    ] {
        let services = services();
        let answer = patch(&services, who, form).await;
        let told = parsed(&answer);
        assert_eq!((answer.response.status().as_u16(), &told["msg"]), (status, &json!(message)), "{form}");
        let code = (status == 400).then_some("BAD_REQUEST");
        assert_eq!(told["code"].as_str(), code, "{form}");
        assert_eq!(json!(changes(&services)), asked, "{form}");
        let is_never_cached = header(&answer, "cache-control").is_some();
        assert_eq!(is_never_cached, status == 200, "{form}");
    }
}

#[tokio::test]
async fn the_present_password_counts_against_the_limit_of_logins() {
    let services = services();
    for left in (0..5).rev() {
        let answer = patch(&services, IAGO, "old_password=bad&new_password=x").await;
        assert_eq!(parsed(&answer)["msg"], "Wrong password!");
        let left = left.to_string();
        assert_eq!(header(&answer, "x-ratelimit-remaining"), Some(left.as_str()));
        assert_eq!(header(&answer, "x-ratelimit-limit"), Some("5"));
    }
    let answer = patch(&services, IAGO, "old_password=abcd1234&new_password=a-better-horse-12").await;
    assert_eq!(answer.response.status(), 400, "not 429");
    assert_eq!(parsed(&answer)["msg"], "You're making too many attempts! Try again in 1800 seconds.");
    assert!(services.actions().is_empty());
}

#[tokio::test]
async fn a_json_body_changes_nothing_and_other_methods_are_refused() {
    let services = services();
    let server = Server::with(config(), Arc::clone(&services) as _);
    let json_body = r#"{"old_password":"abcd1234","new_password":"a-better-horse-12"}"#;
    let headers = [("content-type", "application/json"), IAGO];
    let answer = server.send(request("PATCH", SETTINGS, headers, json_body)).await;
    assert_eq!(parsed(&answer), json!({"result": "success", "msg": ""}));
    assert!(services.actions().is_empty());

    let answer =
        server.send(request("POST", SETTINGS, [FORM, IAGO], "old_password=abcd1234&new_password=x")).await;
    assert_eq!((answer.response.status().as_u16(), header(&answer, "allow")), (405, Some("PATCH")));
    let form = "method=PATCH&old_password=bad&new_password=x";
    let answer = server.send(request("POST", SETTINGS, [FORM, IAGO], form)).await;
    assert_eq!(parsed(&answer)["msg"], "Wrong password!");
}
