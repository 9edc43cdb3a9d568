//! SCIM resources over a store: users, groups, who may look at and change them, and the rows that this leaves.
#![cfg(test)]

use std::sync::Arc;

use auth_admin::operation::{Admin, Operator, Scope};
use auth_core::{Actor, AuditFilter, LogPage, ProtocolName};
use auth_engine::Engine;
use auth_engine::testing::{World, config};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

mod groups;
mod users;
#[path = "../../../auth-engine/tests/engine/world.rs"]
mod world;

struct Scim {
    world: World,
    engine: Arc<Engine>,
}

/// The status and the document of an answer; `null` for none.
type Told = (u16, Value);

impl Scim {
    async fn new() -> Self {
        let world = world::new().await;
        let engine = Arc::new(world.beside(config()).await);
        Self { world, engine }
    }

    fn operator(scope: Scope) -> Operator {
        Operator::scoped(Actor::AdminKey("sync".into()), scope, Some("main".into()))
    }

    async fn ask_as(&self, operator: Operator, method: &str, path: &str, body: &Value) -> Told {
        let admin = Admin::new(Arc::clone(&self.engine), operator);
        let path = path.replace(' ', "%20").replace('"', "%22");
        let request = Request::builder().method(method).uri(format!("/scim/v2/{path}"));
        let request =
            request.header("content-type", "application/scim+json").body(body.to_string().into()).unwrap();
        let answer = auth_scim::answer(&admin, &request).await;
        let status = answer.status().as_u16();
        if answer.body().is_empty() {
            return (status, Value::Null);
        }
        assert_eq!(answer.headers()["content-type"], "application/scim+json");
        let document: Value = serde_json::from_slice(answer.body()).unwrap();
        if status >= 400 {
            assert_eq!(document["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
            assert_eq!(document["status"], status.to_string());
        }
        if status == 201 {
            assert_eq!(answer.headers()["location"], document["meta"]["location"].as_str().unwrap());
        }
        (status, document)
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Told {
        self.ask_as(Self::operator(Scope::Admin), method, path, &body).await
    }

    async fn get(&self, path: &str) -> Told {
        self.ask("GET", path, Value::Null).await
    }

    async fn add(&self, path: &str, body: Value) -> Value {
        let (status, document) = self.ask("POST", path, body).await;
        assert_eq!(status, 201, "{document}");
        document
    }

    /// The rows of acts of the audit log, oldest first, each with its detail.
    async fn rows(&self) -> Vec<(&'static str, String)> {
        let filter = AuditFilter::default();
        let rows = self.world.store.audit_rows(&filter, LogPage::oldest(u32::MAX)).await.unwrap();
        let told = |row: auth_core::AuditRecord| {
            assert!(
                row.act.as_str() == "imported"
                    || row.actor == Actor::AdminKey("sync".into())
                    || row.act.as_str() == "realm-written"
            );
            (row.act.as_str(), row.detail)
        };
        rows.into_iter()
            .map(|row| told(row.record))
            .filter(|(act, _)| !["imported", "realm-written"].contains(act))
            .collect()
    }

    async fn can_log_in(&self, name: &str, password: &str) -> bool {
        self.world.log_in(ProtocolName::ROCKETCHAT, name, password).await.is_ok()
    }
}

fn total(told: &Told) -> u64 {
    assert_eq!(told.0, 200, "{}", told.1);
    told.1["totalResults"].as_u64().unwrap()
}

#[tokio::test]
async fn the_server_tells_what_it_can_do_and_which_attributes_there_are() {
    let scim = Scim::new().await;
    let (status, told) = scim.get("ServiceProviderConfig").await;
    assert_eq!(
        (status, &told["patch"]["supported"], &told["bulk"]["supported"]),
        (200, &json!(true), &json!(false))
    );
    for (path, count) in [("ResourceTypes", 2), ("Schemas", 2)] {
        let told = scim.get(path).await;
        assert_eq!(total(&told), count);
        for one in told.1["Resources"].as_array().unwrap() {
            let id = one["id"].as_str().unwrap();
            assert_eq!(scim.get(&format!("{path}/{id}")).await, (200, one.clone()));
        }
        assert_eq!(scim.get(&format!("{path}/none")).await.0, 404);
        assert_eq!(scim.get(&format!("{path}?filter=id pr")).await.0, 403);
        assert_eq!(scim.ask("POST", path, json!({})).await.0, 405);
    }
    for (method, path, status) in [
        ("GET", "Me", 501),
        ("POST", "Bulk", 501),
        ("GET", "Nothing", 404),
        ("GET", "Users/none", 404),
        ("GET", "Groups/none", 404),
        ("DELETE", "Users", 405),
        ("POST", "Users/00000000000000000000000000000000", 405),
        ("DELETE", "Users/00000000000000000000000000000000", 404),
    ] {
        assert_eq!(scim.ask(method, path, json!({})).await.0, status, "{method} {path}");
    }
}

#[tokio::test]
async fn who_may_look_may_change_nothing_and_a_key_of_all_realms_sees_none() {
    let scim = Scim::new().await;
    let user = scim.add("Users", json!({"userName": "new"})).await;
    let group = scim.add("Groups", json!({"displayName": "staff"})).await;
    let (user, group) = (user["id"].as_str().unwrap(), group["id"].as_str().unwrap());
    let rows = scim.rows().await;
    let patch = json!({"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]});
    for scope in [Scope::Read, Scope::Helpdesk] {
        let ask = async |method: &str, path: String, body: &Value| {
            scim.ask_as(Scim::operator(scope), method, &path, body).await.0
        };
        for path in
            ["Users".to_owned(), "Groups".to_owned(), format!("Users/{user}"), format!("Groups/{group}")]
        {
            assert_eq!(ask("GET", path.clone(), &Value::Null).await, 200, "{path}");
        }
        for (method, path, body) in [
            ("POST", "Users".to_owned(), json!({"userName": "another"})),
            ("PUT", format!("Users/{user}"), json!({"userName": "another"})),
            ("PUT", format!("Users/{user}"), json!({"userName": "new", "externalId": "1"})),
            ("PATCH", format!("Users/{user}"), patch.clone()),
            ("DELETE", format!("Users/{user}"), Value::Null),
            ("POST", "Groups".to_owned(), json!({"displayName": "another"})),
            ("PUT", format!("Groups/{group}"), json!({"displayName": "another"})),
            ("PATCH", format!("Groups/{group}"), patch.clone()),
            ("DELETE", format!("Groups/{group}"), Value::Null),
        ] {
            assert_eq!(ask(method, path.clone(), &body).await, 403, "{scope:?} {method} {path}");
        }
    }
    assert_eq!(scim.rows().await, rows, "what is refused leaves no row");
    let of_all = Operator::scoped(Actor::Operator, Scope::Admin, None);
    let (status, told) = scim.ask_as(of_all, "GET", "Users", &Value::Null).await;
    assert!(status == 403 && told["detail"].as_str().unwrap().contains("--realm"), "{told}");
    let of_other = || Operator::scoped(Actor::AdminKey("sync".into()), Scope::Admin, Some("other".into()));
    for (method, path) in [("GET", "Users"), ("PUT", "Users"), ("DELETE", "Users")] {
        let body = json!({"userName": "x"});
        assert_eq!(
            scim.ask_as(of_other(), method, &format!("{path}/{user}"), &body).await.0,
            404,
            "{method}"
        );
    }
    for method in ["GET", "PUT", "DELETE"] {
        let body = json!({"displayName": "x"});
        assert_eq!(
            scim.ask_as(of_other(), method, &format!("Groups/{group}"), &body).await.0,
            404,
            "{method}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_none_are_refused_without_a_word_of_what_is_in_them() {
    let scim = Scim::new().await;
    let admin = Admin::new(Arc::clone(&scim.engine), Scim::operator(Scope::Admin));
    let ask = async |kind: &str, body: Bytes| {
        let request = Request::post("/scim/v2/Users").header("content-type", kind).body(body).unwrap();
        let answer = auth_scim::answer(&admin, &request).await;
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
    };
    for (kind, body, status) in [
        ("text/plain", "{}", 415),
        ("application/json", "[\"secret-9876\"]", 400),
        ("application/scim+json; charset=utf-8", "{\"password\": \"secret-9876", 400),
        ("application/scim+json", "{\"userName\": \"x\", \"password\": [\"secret-9876\"]}", 400),
        ("application/scim+json", "{\"userName\": \"x\", \"password\": \"a\"}", 400),
    ] {
        let (found, told) = ask(kind, Bytes::from(body)).await;
        assert_eq!(found, status, "{told}");
        assert!(!told.contains("secret-9876"), "{told}");
    }
    assert_eq!(ask("application/json", vec![b' '; auth_scim::MAX_BODY + 1].into()).await.0, 413);
}
