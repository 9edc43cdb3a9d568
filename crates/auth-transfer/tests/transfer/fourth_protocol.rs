//! Ids and roles at a protocol that this project doesn't know.

use std::sync::Arc;

use auth_core::{ExternalId, ImportMode, NewId, ProtocolName, ProtocolRules, Rng, Timestamp};
use auth_engine::testing::{World, config};
use auth_transfer::{ImportError, export, import, unwatched};
use serde_json::Value;

use crate::world;

const GITLAB: ProtocolName = ProtocolName::new("gitlab");

const LINES: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ada","external_ids":{"gitlab":7,"forum":"ada-l"},"external_roles":{"gitlab":["maintainer","auditor"],"forum":[]}}
{"kind":"user","realm":"main","username":"bob"}"#;

/// The rules of a protocol that numbers its users.
struct GitlabRules;

impl ProtocolRules for GitlabRules {
    fn protocol(&self) -> ProtocolName {
        GITLAB
    }

    fn new_id(&self, _rng: &dyn Rng, _joined: Timestamp) -> Option<NewId> {
        Some(NewId::Next)
    }
}

async fn exported(world: &World) -> Vec<Value> {
    let mut lines = Vec::new();
    export(&world.engine, &mut lines, true).await.unwrap();
    let mut lines: Vec<Value> =
        serde_json::Deserializer::from_slice(&lines).into_iter().collect::<Result<_, _>>().unwrap();
    lines.sort_by_key(|line| line["username"].to_string());
    lines
}

#[tokio::test]
async fn ids_and_roles_of_any_protocol_are_exported_as_they_were_imported() {
    let world = world::empty(config()).await;
    world::import(&world, LINES).await;
    let ada = world.account("ada").await.user;
    assert_eq!(ada.external_ids.get(GITLAB), Some(&ExternalId::Number(7)));
    assert_eq!(ada.external_text(ProtocolName::new("forum")), "ada-l");
    assert_eq!(ada.external_roles.get(GITLAB).unwrap(), &["maintainer", "auditor"]);

    let lines = exported(&world).await;
    let [ada, bob, realm] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(ada["external_ids"], serde_json::json!({"gitlab": 7, "forum": "ada-l"}));
    assert_eq!(ada["external_roles"], serde_json::json!({"gitlab": ["maintainer", "auditor"], "forum": []}));
    assert_eq!((&bob["external_ids"], &bob["external_roles"]), (&Value::Null, &Value::Null));
    assert_eq!(realm["kind"], "realm");

    let elsewhere = world::empty(config()).await;
    let text: String = [realm, ada, bob].iter().map(|line| format!("{line}\n")).collect();
    world::import(&elsewhere, &text).await;
    assert_eq!(exported(&elsewhere).await, lines);
}

#[tokio::test]
async fn users_without_an_id_get_the_next_where_the_protocol_has_rules() {
    let world = world::built(config(), |builder| builder.rules(Arc::new(GitlabRules))).await;
    world::import(&world, LINES).await;
    assert_eq!(world.account("ada").await.user.external_number(GITLAB), 7);
    assert_eq!(world.account("bob").await.user.external_number(GITLAB), 8);
}

#[tokio::test]
async fn an_id_under_its_own_key_comes_before_the_one_among_the_others() {
    let world = world::empty(config()).await;
    let text = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"ada","external_ids":{"zulip":77}}
{"kind":"user","realm":"main","username":"bob","id":5,"external_ids":{"zulip":78}}"#;
    world::import(&world, text).await;
    for (who, id) in [("ada", 77), ("bob", 5)] {
        assert_eq!(world.account(who).await.user.external_number(ProtocolName::ZULIP), id, "{who}");
    }
    let ids: Vec<Value> = exported(&world).await.iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, [77.into(), 5.into(), Value::Null]);
}

#[tokio::test]
async fn bad_ids_and_conflicting_ones_are_named() {
    let world = world::empty(config()).await;
    world::import(&world, LINES).await;
    let too_long = format!(r#"{{"forum":"{}"}}"#, "x".repeat(65));
    for (ids, reason) in [
        (r#"{"GitLab":1}"#, "a key of `external_ids` or `external_roles` is no protocol's name"),
        (r#"{"gitlab":""}"#, "`external_ids` has one that is not a number or 1 to 64 bytes"),
        (r#"{"gitlab":9223372036854775808}"#, "`external_ids` has one that is not a number or 1 to 64 bytes"),
        (too_long.as_str(), "`external_ids` has one that is not a number or 1 to 64 bytes"),
        (r#"{"gitlab":7}"#, "the gitlab id is taken"),
        (r#"{"forum":"ada-l"}"#, "the forum id is taken"),
    ] {
        let line = format!(r#"{{"kind":"user","realm":"main","username":"eve","external_ids":{ids}}}"#);
        match import(&world.engine, line.as_bytes(), ImportMode::Write, &mut unwatched).await {
            Err(ImportError::Lines { named: bad, .. }) => assert_eq!(bad, [(1, reason.to_owned())], "{ids}"),
            other => panic!("{ids}: {other:?}"),
        }
    }
    let negative = r#"{"kind":"user","realm":"main","username":"eve","external_ids":{"gitlab":-1}}"#;
    let refused = import(&world.engine, negative.as_bytes(), ImportMode::Write, &mut unwatched).await;
    assert!(matches!(refused, Err(ImportError::Lines { .. })), "{refused:?}");
}
