//! Operations that read: lists, limits and logs.

use std::sync::Arc;
use std::time::Duration;

use auth_admin::operation::{Operator, Scope};
use auth_admin_api::AdminApi;
use auth_core::{Act, Actor, Authenticator, Clock, ProtocolName, Timestamp};
use auth_engine::testing::limited;
use serde_json::{Value, json};

use crate::{Api, code, world};

/// A moment in RFC 3339.
fn jiff_text(at: Timestamp) -> Value {
    serde_json::to_value(auth_admin::view::Moment(at)).unwrap()
}

#[tokio::test]
async fn limits_are_seen_with_whom_they_count_and_lifted_one_by_one_or_by_user_or_by_a_new_password() {
    let world = world::with(limited()).await;
    let engine = Arc::new(world.beside(limited()).await);
    let api = Api { api: AdminApi::new(Arc::clone(&engine), "sqlite:test"), world };
    let engine = &engine;
    let user = json!({"realm": "main", "name": "iago"});
    let fail = async |name: &str| {
        for _ in 0..11 {
            let attempt = api.world.attempt("main", ProtocolName::ZULIP, name, "wrong").await;
            drop(engine.log_in(attempt).await);
        }
    };
    let list = async || api.owner("limits.list", &json!({})).await.unwrap().as_array().unwrap().clone();
    let users = |listed: &[Value]| listed.iter().filter(|limit| limit["user"] == "iago").count();
    let named = |listed: &[Value], name: &str| {
        listed.iter().filter(|limit| limit["name"] == name).cloned().collect::<Vec<_>>()
    };

    fail("iago@zulip.com").await;
    let listed = list().await;
    assert!(users(&listed) + named(&listed, "iago@zulip.com").len() > 0, "{listed:?}");
    assert_eq!(api.owner("user.unlock", &json!({"user": user})).await.unwrap(), json!({"changed": true}));
    let listed = list().await;
    assert_eq!((users(&listed), named(&listed, "iago@zulip.com").len()), (0, 0), "{listed:?}");
    let last = api.rows().await.pop().unwrap();
    assert_eq!((last.0, last.1.as_str()), (Act::LimitLifted, ""));

    fail("iago@zulip.com").await;
    let set = json!({"user": user, "password": "an-other-horse-battery-1"});
    api.owner("user.set-password", &set).await.unwrap();
    let listed = list().await;
    assert_eq!((users(&listed), named(&listed, "iago@zulip.com").len()), (0, 0), "{listed:?}");

    fail("nobody@zulip.com").await;
    for limit in named(&list().await, "nobody@zulip.com") {
        let key = json!({"key": limit["key"]});
        assert_eq!(api.owner("limits.lift", &key).await.unwrap(), json!({"changed": true}), "{limit}");
        assert_eq!(api.owner("limits.lift", &key).await.unwrap(), json!({"changed": false}));
    }
    assert_eq!(named(&list().await, "nobody@zulip.com"), Vec::<Value>::new());
    let of_main = Operator::scoped(Actor::Operator, Scope::Admin, Some("main".into()));
    let refused = api.ask(of_main, "limits.lift", &json!({"key": "00"})).await;
    assert_eq!(code(&refused), "not-permitted", "a limit may hold for other realms");
}

#[tokio::test]
async fn users_that_were_not_seen_come_with_the_longest_unseen_first() {
    let api = Api::new().await;
    let list = async |since: Timestamp, after: Value| {
        let since = jiff_text(since);
        api.owner("user.list", &json!({"inactive_since": since, "limit": 4, "after": after})).await.unwrap()
    };
    let now = api.world.clock.now();
    let none = list(now, Value::Null).await;
    assert_eq!(none["items"], json!([]), "all were made just now");
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = list(now + Duration::from_secs(60), after).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|user| user["id"].to_string()));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 11);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 11, "each comes once");
}

#[tokio::test]
async fn users_are_listed_realm_by_realm_and_page_by_page_without_gap_or_repetition() {
    let api = Api::new().await;
    let all = api.owner("user.list", &json!({})).await.unwrap();
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
    };
    let all_ids = ids(&all);
    assert_eq!((all_ids.len(), &all["next"]), (11, &Value::Null));
    for limit in 1..12 {
        let (mut got, mut after) = (Vec::new(), Value::Null);
        loop {
            let page = api.owner("user.list", &json!({"limit": limit, "after": after})).await.unwrap();
            got.extend(ids(&page));
            after = page["next"].clone();
            if after.is_null() {
                break;
            }
        }
        assert_eq!(got, all_ids, "by {limit}");
    }
}

#[tokio::test]
async fn logs_are_read_from_either_end_without_gap_or_repetition() {
    let api = Api::new().await;
    let iago = json!({"realm": "main", "name": "iago"});
    for _ in 0..3 {
        api.owner("user.deactivate", &json!({"user": iago})).await.unwrap();
        api.owner("user.activate", &json!({"user": iago})).await.unwrap();
    }
    for oldest_first in [true, false] {
        let query = |after: &Value| json!({"query": {"user": iago, "oldest_first": oldest_first, "limit": 2, "after": after}});
        let (mut acts, mut after) = (Vec::new(), Value::Null);
        loop {
            let part = api.owner("audit.read", &query(&after)).await.unwrap();
            for row in part["rows"].as_array().unwrap() {
                assert_eq!(
                    (&row["user"], &row["actor"], &row["realm"]),
                    (&json!("iago"), &json!("operator"), &json!("main"))
                );
                acts.push(row["act"].as_str().unwrap().to_owned());
            }
            if part["more"] == json!(false) {
                break;
            }
            after = part["last"].clone();
        }
        let mut expected = ["deactivated", "activated"].repeat(3);
        if !oldest_first {
            expected.reverse();
        }
        assert_eq!(acts, expected);
    }
}
