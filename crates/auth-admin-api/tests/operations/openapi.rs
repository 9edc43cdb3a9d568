//! The description of the API in OpenAPI.

use auth_admin::operation::{OPERATIONS, Operator, Scope};
use auth_core::Actor;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::{Api, cases, code};

async fn description(api: &Api, method: &str) -> http::Response<Bytes> {
    let request = Request::builder().method(method).uri("/admin/v1/openapi.json").body(Bytes::new()).unwrap();
    api.api.answer(Operator::scoped(Actor::Operator, Scope::Read, None), &request).await
}

/// Every reference in a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// The schema behind a reference, or the schema itself.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

#[tokio::test]
async fn every_operation_is_described_with_what_it_takes_and_gives() {
    let api = Api::new().await;
    let answer = description(&api, "GET").await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > OPERATIONS.len());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        let name = reference.rsplit('/').next().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{reference}");
    }
    for entry in OPERATIONS {
        let operation = &document["paths"][format!("/admin/v1/{}", entry.name)]["post"];
        assert_eq!(operation["operationId"], entry.name);
        assert_eq!(operation["summary"], entry.summary);
        assert_eq!(operation["parameters"].as_array().unwrap().is_empty(), entry.reads(), "{}", entry.name);
        let takes = &operation["requestBody"]["content"]["application/json"]["schema"];
        let takes = resolved(&document, takes);
        assert_eq!(
            (&takes["type"], &takes["additionalProperties"]),
            (&"object".into(), &false.into()),
            "{takes}"
        );
        let gives = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(resolved(&document, gives)["type"].is_string(), "{gives}");
        for scope in entry.scopes {
            assert!(operation["description"].as_str().unwrap().contains(scope.as_str()), "{}", entry.name);
        }
    }
    for case in cases() {
        let operation = &document["paths"][format!("/admin/v1/{}", case.name)]["post"];
        let takes = resolved(&document, &operation["requestBody"]["content"]["application/json"]["schema"]);
        for argument in case.arguments.as_object().unwrap().keys() {
            assert!(takes["properties"][argument].is_object(), "{} {argument}", case.name);
        }
        for required in takes["required"].as_array().into_iter().flatten() {
            assert!(!case.arguments[required.as_str().unwrap()].is_null(), "{} {required}", case.name);
        }
    }
    let text = document.to_string();
    assert!(!text.contains("[`") && !text.contains("::"), "no words of the code");
    assert_eq!(code(&description(&api, "POST").await), "method");
}
