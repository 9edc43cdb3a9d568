//! Keys for administration: who may make which, and as whom those act who present them.

use std::net::Ipv4Addr;
use std::time::Duration;

use auth_admin::AdminKeys;
use auth_admin::operation::{Operator, Scope};
use auth_admin::view::Moment;
use auth_core::{
    Act, Actor, AdminKey, AdminKeyId, AuditFilter, ClientKey, Clock, Digest, LogPage, NetworkRule,
    NetworkRuleKind, Timestamp,
};
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
async fn the_keys_and_network_rules_of_a_store_are_bounded_in_number() {
    let api = Api::new().await;
    let store = api.world.engine.store();
    for number in 0..1000_u32 {
        let bytes = number.to_be_bytes();
        let key = AdminKey {
            id: AdminKeyId::from_bytes([bytes; 4].concat().try_into().unwrap()),
            name: number.to_string(),
            digest: Digest::new([bytes; 8].concat().try_into().unwrap()),
            scope: "read".into(),
            realm: None,
            made: Timestamp::from_secs(1),
            ends: None,
            last_used: None,
        };
        store.add_admin_key(&key, None).await.unwrap();
    }
    for number in 0..10_000_u32 {
        let rule = NetworkRule {
            network: format!("{}/32", Ipv4Addr::from(0x0a00_0000 + number)),
            kind: NetworkRuleKind::Ban,
            until: None,
            made: Timestamp::from_secs(1),
            note: String::new(),
        };
        store.put_network_rule(&rule, None).await.unwrap();
    }
    let one_more = json!({"name": "one more", "scope": "read"});
    assert_eq!(api.owner("key.add", &one_more).await, Err((409, "too-many-keys".into())));
    let another = json!({"network": "192.0.2.1"});
    assert_eq!(api.owner("limits.ban", &another).await, Err((409, "too-many-networks".into())));

    // What is revoked or released makes room.
    api.owner("key.revoke", &json!({"name": "7"})).await.unwrap();
    api.owner("key.add", &one_more).await.unwrap();
    api.owner("limits.ban", &json!({"network": "10.0.0.7", "note": "again"})).await.unwrap();
    api.owner("limits.release", &json!({"network": "10.0.0.7"})).await.unwrap();
    api.owner("limits.ban", &another).await.unwrap();
}

#[tokio::test]
async fn rows_of_the_audit_log_name_the_client_of_an_operator_that_asks_over_the_network() {
    let api = Api::new().await;
    let client = ClientKey::of([192, 0, 2, 7].into());
    let operator = || Operator::owner(Actor::AdminKey("nightly".into())).at(client);
    let iago = json!({"user": {"realm": "main", "name": "iago"}});
    // One of each way to write rows: of an account, its tokens, and things that are no account's.
    for (name, arguments) in [
        ("user.deactivate", &iago),
        ("token.revoke-all", &iago),
        ("limits.ban", &json!({"network": "198.51.100.0/24"})),
    ] {
        let answer = api.ask(operator(), name, arguments).await;
        assert_eq!(answer.status(), 200, "{name}: {:?}", answer.body());
    }
    let of_client = AuditFilter { client: Some(client), ..AuditFilter::default() };
    let store = api.world.engine.store();
    let rows = store.audit_rows(&of_client, LogPage::oldest(9)).await.unwrap();
    let acts: Vec<Act> = rows.iter().map(|row| row.record.act).collect();
    assert_eq!(acts, [Act::Deactivated, Act::TokensRevoked, Act::NetworkBanned]);
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
