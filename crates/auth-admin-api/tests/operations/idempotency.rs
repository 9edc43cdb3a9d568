//! Requests with an `Idempotency-Key` are done once.

use std::sync::Arc;
use std::time::Duration;

use auth_admin::operation::{Operator, Scope};
use auth_admin_api::AdminApi;
use auth_core::{Actor, Clock};
use auth_engine::testing::config;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::{Api, code};

async fn ask(
    api: &AdminApi,
    operator: Operator,
    key: &str,
    name: &str,
    arguments: &Value,
) -> Response<Bytes> {
    let request = Request::post(format!("/admin/v1/{name}"))
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(Bytes::from(arguments.to_string()))
        .unwrap();
    api.answer(operator, &request).await
}

fn owner() -> Operator {
    Operator::owner(Actor::Operator)
}

#[tokio::test]
async fn a_repeated_request_gets_the_reply_of_the_first_and_is_not_done_again() {
    let api = Api::new().await;
    let add = json!({"name": "desk", "scope": "read", "realm": "main"});
    let first = ask(&api.api, owner(), "\"k1\"", "key.add", &add).await;
    assert_eq!(first.status(), 200);
    let rows = api.rows().await.len();
    let again = ask(&api.api, owner(), "k1", "key.add", &add).await;
    assert_eq!((again.status(), again.body()), (first.status(), first.body()), "the same secret");
    assert_eq!(api.rows().await.len(), rows);

    let other = json!({"name": "other", "scope": "read", "realm": "main"});
    let reused = ask(&api.api, owner(), "k1", "key.add", &other).await;
    assert_eq!((reused.status().as_u16(), code(&reused).as_str()), (422, "idempotency-key-reused"));
    let reused = ask(&api.api, owner(), "k1", "key.revoke", &add).await;
    assert_eq!(code(&reused), "idempotency-key-reused");
    let other_operator = Operator::owner(Actor::UnixUser("root".into()));
    let theirs = ask(&api.api, other_operator, "k1", "key.add", &other).await;
    assert_eq!(theirs.status(), 200, "another operator's key is another one");

    api.world.clock.advance(Duration::from_millis(24 * 3600 * 1000 + 1));
    api.world.store.forget_spent(api.world.clock.now()).await.unwrap();
    let later = ask(&api.api, owner(), "k1", "key.revoke", &json!({"name": "desk"})).await;
    assert_eq!(later.status(), 200, "after a day it is a new one");
}

#[tokio::test]
async fn after_a_restart_or_at_another_server_a_repeated_request_is_refused_and_not_done_again() {
    let api = Api::new().await;
    let add = json!({"name": "desk", "scope": "read", "realm": "main"});
    assert_eq!(ask(&api.api, owner(), "k1", "key.add", &add).await.status(), 200);
    let rows = api.rows().await.len();
    let other = AdminApi::new(Arc::new(api.world.beside(config()).await), "sqlite:test");
    let refused = ask(&other, owner(), "k1", "key.add", &add).await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (409, "done-before"));
    let refused = ask(&other, owner(), "k1", "key.revoke", &json!({"name": "desk"})).await;
    assert_eq!(code(&refused), "done-before");
    assert_eq!(api.rows().await.len(), rows);
}

#[tokio::test]
async fn a_request_that_did_nothing_is_tried_again_and_one_that_reads_is_answered_anew() {
    let api = Api::new().await;
    let add = json!({"name": "desk", "scope": "read", "realm": "new"});
    let refused = ask(&api.api, owner(), "k1", "key.add", &add).await;
    assert_eq!(code(&refused), "no-realm");
    api.owner("realm.add", &json!({"realm": "new"})).await.unwrap();
    assert_eq!(ask(&api.api, owner(), "k1", "key.add", &add).await.status(), 200);

    let listed = ask(&api.api, owner(), "k2", "key.list", &json!({})).await;
    api.owner("key.revoke", &json!({"name": "desk"})).await.unwrap();
    let again = ask(&api.api, owner(), "k2", "key.list", &json!({})).await;
    assert_ne!(listed.body(), again.body());

    let reader = || Operator::scoped(Actor::Operator, Scope::Read, None);
    let refused = ask(&api.api, reader(), "k3", "key.add", &add).await;
    assert_eq!(code(&refused), "not-permitted");
    assert_eq!(ask(&api.api, owner(), "k3", "key.add", &add).await.status(), 200, "it used up nothing");
    let bad = ask(&api.api, owner(), "a key", "key.add", &add).await;
    assert_eq!((bad.status().as_u16(), code(&bad).as_str()), (400, "bad-idempotency-key"));
}
