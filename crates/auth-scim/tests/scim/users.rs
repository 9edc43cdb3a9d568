//! Users as resources.

use serde_json::{Value, json};

use crate::{Scim, total};

const PASSWORD: &str = "an-other-horse-battery-1";

fn ophelia() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ophelia",
        "externalId": "4711",
        "displayName": "Ophelia",
        "emails": [{"value": "second@example.org"}, {"value": "ophelia@example.org", "primary": true}],
        "active": true,
        "password": PASSWORD,
    })
}

#[tokio::test]
async fn a_user_is_made_looked_at_changed_deactivated_and_deleted_each_with_its_row() {
    let scim = Scim::new().await;
    let made = scim.add("Users", ophelia()).await;
    let id = made["id"].as_str().unwrap();
    let path = format!("Users/{id}");
    assert_eq!(made["meta"]["location"], format!("/scim/v2/{path}"));
    assert_eq!(made["emails"], json!([{"value": "ophelia@example.org"}]));
    assert_eq!((&made["externalId"], &made["roles"]), (&json!("4711"), &json!([{"value": "member"}])));
    assert!(made["password"].is_null(), "{made}");
    assert_eq!(scim.get(&path).await, (200, made.clone()));
    assert!(scim.can_log_in("ophelia", PASSWORD).await);

    let mut wanted = ophelia();
    wanted["userName"] = json!("ophelia.hamlet");
    wanted["displayName"] = json!("Ophelia Hamlet");
    wanted["emails"] = json!([{"value": "hamlet@example.org"}]);
    wanted["password"] = Value::Null;
    let (status, changed) = scim.ask("PUT", &path, wanted).await;
    assert_eq!((status, &changed["userName"]), (200, &json!("ophelia.hamlet")), "{changed}");
    assert_eq!(changed["emails"][0]["value"], "hamlet@example.org");
    assert!(scim.can_log_in("ophelia.hamlet", PASSWORD).await, "ids and passwords stay");

    let off = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
    let (status, changed) = scim.ask("PATCH", &path, off).await;
    assert_eq!((status, &changed["active"]), (200, &json!(false)));
    assert!(!scim.can_log_in("ophelia.hamlet", PASSWORD).await);
    let on = json!({"Operations": [{"op": "replace", "value": {"active": true, "name.familyName": "Moor"}}]});
    let (status, changed) = scim.ask("PATCH", &path, on).await;
    assert_eq!((status, &changed["active"], &changed["displayName"]), (200, &json!(true), &json!("Moor")));
    let without =
        json!({"Operations": [{"op": "remove", "path": "emails"}, {"op": "remove", "path": "displayName"}]});
    let (status, changed) = scim.ask("PATCH", &path, without).await;
    assert_eq!(status, 200, "{changed}");
    assert!(changed["emails"].is_null() && changed["displayName"].is_null(), "{changed}");
    let password =
        json!({"Operations": [{"op": "add", "path": "password", "value": "yet-another-horse-77"}]});
    assert_eq!(scim.ask("PATCH", &path, password).await.0, 200);
    assert!(scim.can_log_in("ophelia.hamlet", "yet-another-horse-77").await);
    let rows = scim.rows().await;
    let rows: Vec<(&str, &str)> = rows.iter().map(|(act, detail)| (*act, detail.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("user-created", ""),
            ("profile-updated", "user_name: ophelia → ophelia.hamlet"),
            (
                "profile-updated",
                "email: ophelia@example.org → hamlet@example.org; full_name: Ophelia → Ophelia Hamlet"
            ),
            ("deactivated", ""),
            ("profile-updated", "full_name: Ophelia Hamlet → Moor"),
            ("activated", ""),
            ("profile-updated", "email: hamlet@example.org → none; full_name: Moor → "),
            ("password-set", ""),
        ]
    );
    assert_eq!(scim.ask("DELETE", &path, Value::Null).await, (204, Value::Null));
    assert_eq!(scim.get(&path).await.0, 404);
    let rows = scim.rows().await;
    assert_eq!(rows.last().map(|(act, _)| *act), Some("deleted"));
    assert!(
        rows.iter().all(|(_, detail)| detail.is_empty()),
        "of somebody who is deleted only the acts stay: {rows:?}"
    );
}

#[tokio::test]
async fn a_request_that_changes_nothing_leaves_no_row() {
    let scim = Scim::new().await;
    let mut wanted = ophelia();
    let made = scim.add("Users", wanted.clone()).await;
    let path = format!("Users/{}", made["id"].as_str().unwrap());
    let rows = scim.rows().await;
    wanted.as_object_mut().unwrap().remove("password");
    wanted["emails"] = made["emails"].clone();
    assert_eq!(scim.ask("PUT", &path, wanted).await, (200, made.clone()));
    let same = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "Ophelia"}]});
    assert_eq!(scim.ask("PATCH", &path, same).await, (200, made));
    assert_eq!(scim.rows().await, rows);
}

#[tokio::test]
async fn users_are_found_by_filters_and_listed_part_by_part() {
    let scim = Scim::new().await;
    let made = scim.add("Users", ophelia()).await;
    let id = made["id"].as_str().unwrap();
    let all = total(&scim.get("Users").await);
    assert!(all > 5, "{all}");
    for (filter, count) in [
        ("userName eq \"ophelia\"".to_owned(), 1),
        ("userName eq \"OPHELIA\"".to_owned(), 1),
        ("userName eq \"nobody\"".to_owned(), 0),
        ("externalId eq \"4711\"".to_owned(), 1),
        ("externalId eq \"4712\"".to_owned(), 0),
        ("externalId eq \"\"".to_owned(), 0),
        (format!("id eq \"{id}\""), 1),
        ("id eq \"x\"".to_owned(), 0),
        ("emails.value eq \"ophelia@example.org\"".to_owned(), 1),
        ("emails[value eq \"ophelia@example.org\"]".to_owned(), 1),
        ("userName eq \"ophelia\" and active eq false".to_owned(), 0),
        ("active eq true".to_owned(), all - 1),
        ("displayName sw \"Ophe\"".to_owned(), 1),
        ("not (active eq true)".to_owned(), 1),
    ] {
        assert_eq!(total(&scim.get(&format!("Users?filter={filter}")).await), count, "{filter}");
    }
    let (status, told) = scim.get("Users?filter=userName is \"x\"").await;
    assert_eq!((status, &told["scimType"]), (400, &json!("invalidFilter")));

    let search =
        json!({"filter": "userName eq \"ophelia\"", "attributes": ["userName"], "startIndex": 1, "count": 5});
    let told = scim.ask("POST", "Users/.search", search).await;
    assert_eq!(total(&told), 1);
    assert!(told.1["Resources"][0]["displayName"].is_null(), "{}", told.1);
    let search = json!({"filter": "userName eq \"ophelia\" or displayName eq \"staff\""});
    scim.add("Groups", json!({"displayName": "staff"})).await;
    assert_eq!(total(&scim.ask("POST", ".search", search).await), 2, "of both kinds");
    assert_eq!(scim.get("Users/.search").await.0, 405);
    assert_eq!(scim.ask("POST", "Users/.search", json!({"count": "many"})).await.0, 400);

    let mut seen = Vec::new();
    for start in (1..).step_by(2) {
        let (_, told) = scim.get(&format!("Users?startIndex={start}&count=2&attributes=userName")).await;
        assert_eq!((&told["totalResults"], &told["startIndex"]), (&json!(all), &json!(start)));
        let page = told["Resources"].as_array().unwrap();
        assert_eq!(told["itemsPerPage"], page.len());
        if page.is_empty() {
            break;
        }
        for user in page {
            assert!(user["active"].is_null() && user["userName"].is_string(), "{user}");
            seen.push(user["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(seen.len() as u64, all);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, all, "each comes once");
    let (_, told) = scim.get("Users?startIndex=-3&count=-1").await;
    assert_eq!(
        (&told["startIndex"], &told["Resources"], &told["totalResults"]),
        (&json!(1), &json!([]), &json!(all))
    );
    assert_eq!(scim.get("Users?count=many").await.0, 400);
}

#[tokio::test]
async fn what_a_user_can_not_be_is_told_by_its_kind_and_changes_nothing() {
    let scim = Scim::new().await;
    let made = scim.add("Users", ophelia()).await;
    let path = format!("Users/{}", made["id"].as_str().unwrap());
    scim.add("Users", json!({"userName": "other", "externalId": "1"})).await;
    let rows = scim.rows().await;
    for (method, path, body, status, kind) in [
        ("POST", "Users", json!({}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": ""}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": 1}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": "Ophelia"}), 409, "uniqueness"),
        ("POST", "Users", json!({"userName": "x", "externalId": "4711"}), 409, "uniqueness"),
        ("POST", "Users", json!({"userName": "x", "externalId": "y".repeat(65)}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": "x", "password": "short"}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": "x", "emails": [{"value": "no address"}]}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": "x", "emails": "a@b.org"}), 400, "invalidValue"),
        ("POST", "Users", json!({"userName": "x", "active": "perhaps"}), 400, "invalidValue"),
        ("PUT", &path, json!({"displayName": "x"}), 400, "invalidValue"),
        ("PUT", &path, json!({"userName": "other"}), 409, "uniqueness"),
        ("PUT", &path, json!({"userName": "ophelia", "externalId": "1"}), 400, "mutability"),
        ("PATCH", &path, json!({"Operations": []}), 400, "invalidSyntax"),
        ("PATCH", &path, json!({"Operations": [{"op": "remove"}]}), 400, "noTarget"),
    ] {
        let (found, told) = scim.ask(method, path, body.clone()).await;
        assert_eq!((found, &told["scimType"]), (status, &json!(kind)), "{method} {path} {body}: {told}");
    }
    assert_eq!(scim.rows().await, rows);
    assert_eq!(scim.get(&path).await, (200, made));
}

#[tokio::test]
async fn an_account_that_another_face_made_gets_its_external_id_once() {
    let scim = Scim::new().await;
    let (_, listed) = scim.get("Users?filter=userName eq \"iago\"").await;
    let path = format!("Users/{}", listed["Resources"][0]["id"].as_str().unwrap());
    let set = |id: &str| json!({"Operations": [{"op": "add", "path": "externalId", "value": id}]});
    let (status, changed) = scim.ask("PATCH", &path, set("9")).await;
    assert_eq!((status, &changed["externalId"]), (200, &json!("9")), "{changed}");
    assert_eq!(scim.ask("PATCH", &path, set("9")).await.0, 200);
    assert_eq!(scim.ask("PATCH", &path, set("10")).await.1["scimType"], "mutability");
    assert_eq!(scim.rows().await, [("profile-updated", "external_id: none → 9".to_owned())]);
}
