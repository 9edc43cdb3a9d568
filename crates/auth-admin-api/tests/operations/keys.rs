//! Keys for administration: who may make which, and as whom those act who present them.

use std::time::Duration;

use auth_admin::AdminKeys;
use auth_admin::operation::{Operator, Scope};
use auth_admin::view::Moment;
use auth_core::{Actor, Clock, Timestamp};
use serde_json::{Value, json};

use crate::{Api, code};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An admin of the realm `other`.
fn of_other() -> Operator {
    Operator::scoped(Actor::AdminKey("maker".into()), Scope::Admin, Some("other".into()))
}

fn moment(at: Timestamp) -> Value {
    serde_json::to_value(Moment(at)).unwrap()
}

impl Api {
    async fn keys(&self) -> AdminKeys {
        AdminKeys::new(&self.world.beside(auth_engine::testing::config()).await)
    }

    /// Makes a key as the owner; returns its secret.
    async fn key(&self, arguments: Value) -> String {
        let made = self.owner("key.add", &arguments).await.unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    async fn make(&self, operator: Operator, arguments: Value) -> Result<Value, String> {
        let answer = self.ask(operator, "key.add", &arguments).await;
        if answer.status() == 200 {
            return Ok(serde_json::from_slice(answer.body()).unwrap());
        }
        Err(code(&answer))
    }
}

#[tokio::test]
async fn a_key_acts_by_its_name_with_its_scope_in_its_realm_until_it_ends_or_is_revoked() {
    let api = Api::new().await;
    let keys = api.keys().await;
    let ends = api.world.clock.now() + DAY;
    let secret =
        api.key(json!({"name": "desk", "scope": "helpdesk", "realm": "main", "until": moment(ends)})).await;
    assert!(secret.starts_with("asadm_"), "scanners for leaked secrets know it");
    let desk = Operator::scoped(Actor::AdminKey("desk".into()), Scope::Helpdesk, Some("main".into()));
    assert_eq!(keys.operator(&secret).await, Ok(Some(desk.until(Some(ends)))));
    let last = || format!("{}x", &secret[..secret.len() - 1]);
    for wrong in ["", "asadm_", &secret[..secret.len() - 1], &format!("{secret} "), &last()] {
        assert_eq!(keys.operator(wrong).await, Ok(None), "{wrong}");
    }
    api.world.clock.advance(DAY - Duration::from_millis(1));
    assert!(keys.operator(&secret).await.unwrap().is_some());
    api.world.clock.advance(Duration::from_millis(1));
    assert_eq!(keys.operator(&secret).await, Ok(None), "it has ended");

    let secret = api.key(json!({"name": "all", "scope": "admin"})).await;
    assert!(keys.operator(&secret).await.unwrap().is_some());
    assert_eq!(api.owner("key.revoke", &json!({"name": "all"})).await, Ok(json!({"changed": true})));
    assert_eq!(keys.operator(&secret).await, Ok(None), "it is revoked");
    assert_eq!(api.owner("key.revoke", &json!({"name": "all"})).await, Ok(json!({"changed": false})));
}

#[tokio::test]
async fn no_operator_makes_a_key_above_its_own_scope_outside_its_realm_or_of_longer_life() {
    let api = Api::new().await;
    let admin_of_all = || Operator::scoped(Actor::Operator, Scope::Admin, None);
    for (operator, arguments, expected) in [
        (of_other(), json!({"name": "a", "scope": "admin", "realm": "main"}), "no-realm"),
        (admin_of_all(), json!({"name": "a", "scope": "read"}), "key-above"),
        (admin_of_all(), json!({"name": "a", "scope": "read", "realm": "none"}), "no-realm"),
        (
            Operator::scoped(Actor::Operator, Scope::Helpdesk, None),
            json!({"name": "a", "scope": "read", "realm": "main"}),
            "not-permitted",
        ),
        (of_other(), json!({"name": "a", "scope": "owner"}), "bad-arguments"),
        (of_other(), json!({"name": "", "scope": "read"}), "bad-name"),
        (of_other(), json!({"name": " a", "scope": "read"}), "bad-name"),
        (of_other(), json!({"name": "a\u{1b}", "scope": "read"}), "bad-name"),
        (of_other(), json!({"name": "a".repeat(65), "scope": "read"}), "bad-name"),
        (of_other(), json!({"name": "a", "scope": "read", "until": "1999-01-01T00:00:00Z"}), "in-the-past"),
    ] {
        assert_eq!(api.make(operator, arguments.clone()).await, Err(expected.to_owned()), "{arguments}");
    }
    assert_eq!(api.owner("key.list", &json!({})).await, Ok(json!([])));

    // Where no realm is named, it is the maker's own.
    api.make(of_other(), json!({"name": "theirs", "scope": "admin"})).await.unwrap();
    assert_eq!(
        api.make(of_other(), json!({"name": "theirs", "scope": "read"})).await,
        Err("key-there".into())
    );
    api.make(admin_of_all(), json!({"name": "ours", "scope": "read", "realm": "main"})).await.unwrap();
    let soon = api.world.clock.now() + DAY;
    let made = api.make(of_other().until(Some(soon)), json!({"name": "short", "scope": "read"})).await;
    assert_eq!(made.unwrap()["ends"], moment(soon), "it ends with its maker");

    let names = |listed: &Value| -> Vec<(String, Value)> {
        let keys = listed.as_array().unwrap();
        keys.iter().map(|key| (key["name"].as_str().unwrap().to_owned(), key["realm"].clone())).collect()
    };
    let theirs = api.ask(of_other(), "key.list", &json!({})).await;
    let theirs: Value = serde_json::from_slice(theirs.body()).unwrap();
    assert_eq!(names(&theirs), [("short".to_owned(), json!("other")), ("theirs".to_owned(), json!("other"))]);
    let all = api.owner("key.list", &json!({})).await.unwrap();
    assert_eq!(names(&all).len(), 3);
    assert!(!all.to_string().contains("asadm_"), "no secret is listed");
    let refused = api.ask(of_other(), "key.revoke", &json!({"name": "ours"})).await;
    assert_eq!(refused.body(), r#"{"changed":false}"#, "another realm's key is none");
}

#[tokio::test]
async fn the_last_use_of_a_key_is_written_at_most_once_a_minute() {
    let api = Api::new().await;
    let keys = api.keys().await;
    let secret = api.key(json!({"name": "desk", "scope": "read", "realm": "main"})).await;
    let used = async || api.owner("key.list", &json!({})).await.unwrap()[0]["last_used"].clone();
    assert_eq!(used().await, Value::Null);
    let first = moment(api.world.clock.now());
    for (wait, expected) in [(0, Some(&first)), (59, Some(&first)), (1, None), (60, None)] {
        api.world.clock.advance(Duration::from_secs(wait));
        keys.operator(&secret).await.unwrap().unwrap();
        let now = moment(api.world.clock.now());
        assert_eq!(used().await, *expected.unwrap_or(&now), "{wait}");
    }
}
