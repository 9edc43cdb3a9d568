//! Groups as resources.

use auth_admin::operation::{Operator, Scope};
use auth_core::Actor;
use serde_json::{Value, json};

use crate::{Scim, total};

#[tokio::test]
async fn a_group_is_made_filled_renamed_emptied_and_removed_each_with_its_row() {
    let scim = Scim::new().await;
    let one = scim.add("Users", json!({"userName": "one"})).await;
    let two = scim.add("Users", json!({"userName": "two"})).await;
    let (one, two) = (one["id"].as_str().unwrap(), two["id"].as_str().unwrap());
    let made = scim.add("Groups", json!({"displayName": "staff", "members": [{"value": one}]})).await;
    let path = format!("Groups/{}", made["id"].as_str().unwrap());
    let member = |id: &str| json!({"value": id, "$ref": format!("/scim/v2/Users/{id}")});
    assert_eq!(made["members"], json!([member(one)]));
    let (_, user) = scim.get(&format!("Users/{one}")).await;
    assert_eq!((&user["groups"][0]["display"], &user["groups"][0]["value"]), (&json!("staff"), &made["id"]));

    let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": two}]}]});
    let (_, changed) = scim.ask("PATCH", &path, add).await;
    assert_eq!(changed["members"].as_array().unwrap().len(), 2);
    let take = json!({"Operations": [{"op": "remove", "path": format!("members[value eq \"{one}\"]")}]});
    let (_, changed) = scim.ask("PATCH", &path, take).await;
    assert_eq!(changed["members"], json!([member(two)]));
    let (status, changed) = scim.ask("PUT", &path, json!({"displayName": "crew"})).await;
    assert_eq!((status, &changed["displayName"], &changed["members"]), (200, &json!("crew"), &json!([])));
    assert_eq!(scim.ask("DELETE", &path, Value::Null).await, (204, Value::Null));
    assert_eq!(scim.get(&path).await.0, 404);
    let rows = scim.rows().await;
    let rows: Vec<(&str, &str)> = rows.iter().skip(2).map(|(act, detail)| (*act, detail.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("group-added", "staff"),
            ("group-joined", "staff"),
            ("group-joined", "staff"),
            ("group-left", "staff"),
            ("group-renamed", "staff → crew"),
            ("group-left", "crew"),
            ("group-removed", "crew"),
        ]
    );
}

#[tokio::test]
async fn groups_are_found_by_filters_and_what_they_can_not_be_is_refused() {
    let scim = Scim::new().await;
    let user = scim.add("Users", json!({"userName": "one"})).await;
    let id = user["id"].as_str().unwrap();
    let made = scim.add("Groups", json!({"displayName": "staff", "members": [{"value": id}]})).await;
    scim.add("Groups", json!({"displayName": "crew"})).await;
    for (filter, count) in [
        ("displayName eq \"STAFF\"".to_owned(), 1),
        ("displayName eq \"none\"".to_owned(), 0),
        (format!("members.value eq \"{id}\""), 1),
        (format!("members[value eq \"{id}\"]"), 1),
        ("displayName pr".to_owned(), 2),
    ] {
        assert_eq!(total(&scim.get(&format!("Groups?filter={filter}")).await), count, "{filter}");
    }
    let (_, told) = scim.get("Groups?excludedAttributes=members").await;
    assert!(told["Resources"].as_array().unwrap().iter().all(|group| group["members"].is_null()), "{told}");
    let (_, told) = scim.get("Groups?startIndex=2&count=5").await;
    assert_eq!((told["Resources"].as_array().unwrap().len(), &told["totalResults"]), (1, &json!(2)));

    let rows = scim.rows().await;
    let path = format!("Groups/{}", made["id"].as_str().unwrap());
    let of_other = Operator::scoped(Actor::Operator, Scope::Read, Some("other".into()));
    let (_, others) = scim.ask_as(of_other, "GET", "Users", &Value::Null).await;
    let foreign = &others["Resources"][0]["id"];
    for (method, path, body, status, kind) in [
        ("POST", "Groups", json!({}), 400, "invalidValue"),
        ("POST", "Groups", json!({"displayName": " x"}), 400, "invalidValue"),
        ("POST", "Groups", json!({"displayName": "x".repeat(101)}), 400, "invalidValue"),
        ("POST", "Groups", json!({"displayName": "Staff"}), 409, "uniqueness"),
        ("POST", "Groups", json!({"displayName": "x", "members": [{"value": "none"}]}), 400, "invalidValue"),
        ("POST", "Groups", json!({"displayName": "x", "members": [{"value": foreign}]}), 400, "invalidValue"),
        ("POST", "Groups", json!({"displayName": "x", "members": "all"}), 400, "invalidValue"),
        ("PUT", &path, json!({"displayName": "crew", "members": [{"value": id}]}), 409, "uniqueness"),
    ] {
        let (found, told) = scim.ask(method, path, body.clone()).await;
        assert_eq!((found, &told["scimType"]), (status, &json!(kind)), "{method} {path} {body}: {told}");
    }
    assert_eq!(scim.rows().await, rows);
    assert_eq!(scim.get(&path).await, (200, made));
}
