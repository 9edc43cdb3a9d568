//! Every operation by the HTTP API: its reply, its rows in the audit log, and its refusal to those who may not do it.
#![cfg(test)]

use std::sync::Arc;

use auth_admin::operation::{OPERATIONS, Operator, Scope};
use auth_admin_api::{AdminApi, Problem};
use auth_core::{Act, Actor, AuditFilter, LogPage, ProtocolName};
use auth_engine::testing::{World, config};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use self::cases::cases;

mod cases;
mod idempotency;
mod keys;
mod openapi;
mod reading;
#[path = "../../../auth-engine/tests/engine/world.rs"]
mod world;

struct Api {
    world: World,
    api: AdminApi,
}

impl Api {
    async fn new() -> Self {
        let world = world::new().await;
        let engine = Arc::new(world.beside(config()).await);
        Self { world, api: AdminApi::new(engine, "sqlite:test") }
    }

    async fn ask(&self, operator: Operator, name: &str, arguments: &Value) -> Response<Bytes> {
        let request = Request::post(format!("/admin/v1/{name}"))
            .header("content-type", "application/json")
            .body(Bytes::from(arguments.to_string()))
            .unwrap();
        self.api.answer(operator, &request).await
    }

    async fn owner(&self, name: &str, arguments: &Value) -> Result<Value, (u16, String)> {
        let response = self.ask(Operator::owner(Actor::Operator), name, arguments).await;
        if response.status() == 200 {
            return Ok(serde_json::from_slice(response.body()).unwrap());
        }
        Err((response.status().as_u16(), code(&response)))
    }

    async fn rows(&self) -> Vec<(Act, String, Actor)> {
        let filter = AuditFilter::default();
        let rows = self.world.store.audit_rows(&filter, LogPage::oldest(u32::MAX)).await.unwrap();
        let told = |record: auth_core::AuditRecord| (record.act, record.detail, record.actor);
        rows.into_iter().map(|row| told(row.record)).collect()
    }
}

fn code(response: &Response<Bytes>) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Problem = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(problem.status, response.status().as_u16());
    problem.code
}

/// Whether a document holds what is expected of it; `null` expects nothing.
fn holds(document: &Value, expected: &Value) -> bool {
    match expected {
        Value::Null => true,
        Value::Object(fields) => fields.iter().all(|(name, value)| document[name] == *value),
        other => document == other,
    }
}

#[test]
fn every_operation_of_the_table_is_tried_here() {
    let tried: Vec<&str> = cases().iter().map(|case| case.name).collect();
    for entry in OPERATIONS {
        assert!(tried.contains(&entry.name), "{}", entry.name);
        assert!(entry.summary.ends_with('.'), "{}", entry.name);
    }
}

#[tokio::test]
async fn every_operation_is_refused_to_scopes_that_may_not_and_leaves_its_row_when_done() {
    let api = Api::new().await;
    for case in cases() {
        let before = api.rows().await;
        for (scope, word) in Scope::ALL {
            if scope == Scope::Admin || case.scopes.contains(&scope) {
                continue;
            }
            let refused =
                api.ask(Operator::scoped(Actor::Operator, scope, None), case.name, &case.arguments).await;
            assert_eq!(refused.status(), 403, "{word} {}", case.name);
            assert_eq!(code(&refused), "not-permitted");
        }
        assert_eq!(api.rows().await.len(), before.len(), "{}: what is refused leaves no row", case.name);
        if case.name == "user.end-sessions" {
            let who = ("iago", "an-other-horse-battery-1");
            api.world.log_in(ProtocolName::ROCKETCHAT, who.0, who.1).await.unwrap();
        }
        let reply = api.owner(case.name, &case.arguments).await;
        let reply = reply.unwrap_or_else(|refused| panic!("{}: {refused:?}", case.name));
        assert!(holds(&reply, &case.reply), "{}: {reply}", case.name);
        let rows = api.rows().await;
        let new: Vec<(Act, &str)> =
            rows.iter().skip(before.len()).map(|(act, detail, _)| (*act, detail.as_str())).collect();
        assert_eq!(new, case.rows, "{}", case.name);
        for scope in case.scopes {
            let operator = Operator::scoped(Actor::Operator, *scope, None);
            let permitted = api.ask(operator, case.name, &case.arguments).await;
            assert_eq!(permitted.status(), 200, "{scope:?} {}", case.name);
        }
    }
}

#[tokio::test]
async fn nobody_changes_an_account_whose_role_is_above_or_gives_such_a_role() {
    let api = Api::new().await;
    let user = json!({"realm": "main", "name": "iago"});
    let with = |role: &str| json!({"user": user, "role": role});
    let admin = || Operator::scoped(Actor::Operator, Scope::Admin, None);
    let helpdesk = || Operator::scoped(Actor::Operator, Scope::Helpdesk, None);
    let end = json!({"user": user});
    assert_eq!(code(&api.ask(admin(), "user.set", &with("owner")).await), "role-above");
    assert_eq!(api.ask(admin(), "user.set", &with("admin")).await.status(), 200);
    assert_eq!(code(&api.ask(helpdesk(), "user.end-sessions", &end).await), "role-above");
    api.owner("user.set", &with("owner")).await.unwrap();
    for (name, arguments) in [
        ("user.end-sessions", end.clone()),
        ("user.set-password", json!({"user": user, "password": "an-other-horse-battery-1"})),
        ("user.check-password", json!({"user": user, "password": "a"})),
        ("user.reset-link", end.clone()),
        ("user.delete", end.clone()),
        ("user.set", with("guest")),
        ("user.add", json!({"realm": "main", "username": "queen", "role": "owner"})),
    ] {
        assert_eq!(code(&api.ask(admin(), name, &arguments).await), "role-above", "{name}");
    }
    assert_eq!(api.ask(admin(), "user.show", &end).await.status(), 200, "looking is no change");
    for role in ["moderator", "admin"] {
        api.owner("user.set", &with(role)).await.unwrap();
        assert_eq!(code(&api.ask(helpdesk(), "user.end-sessions", &end).await), "role-above", "{role}");
    }
    for role in ["guest", "member"] {
        api.owner("user.set", &with(role)).await.unwrap();
        assert_eq!(api.ask(helpdesk(), "user.end-sessions", &end).await.status(), 200, "{role}");
    }
}

#[tokio::test]
async fn an_operator_of_one_realm_sees_and_changes_nothing_of_another() {
    let api = Api::new().await;
    let of_other = || Operator::scoped(Actor::Operator, Scope::Admin, Some("other".into()));
    let listed = api.ask(of_other(), "realm.list", &json!({})).await;
    let listed: Value = serde_json::from_slice(listed.body()).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let users = api.ask(of_other(), "user.list", &json!({})).await;
    let users: Value = serde_json::from_slice(users.body()).unwrap();
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    let id = api.owner("user.show", &json!({"user": {"realm": "main", "name": "iago"}})).await.unwrap();
    for user in [json!({"realm": "main", "name": "iago"}), json!({"name": id["id"]}), json!({"name": "totp"})]
    {
        for name in ["user.show", "user.deactivate"] {
            let refused = api.ask(of_other(), name, &json!({"user": user})).await;
            assert_eq!(refused.status(), 404, "{user}");
        }
    }
    let own = api.ask(of_other(), "user.show", &json!({"user": {"name": "iago"}})).await;
    let own: Value = serde_json::from_slice(own.body()).unwrap();
    assert_eq!(own["realm"], "other", "a name that another realm has too means its own");
    for (name, arguments, expected) in [
        ("realm.show", json!({"realm": "main"}), "no-realm"),
        ("realm.set", json!({"realm": "main", "settings": {"name": "x"}}), "no-realm"),
        ("realm.add", json!({"realm": "new"}), "not-permitted"),
        ("realm.remove", json!({"realm": "other"}), "not-permitted"),
        ("limits.ban", json!({"network": "192.0.2.1"}), "not-permitted"),
        ("limits.release", json!({"network": "192.0.2.1"}), "not-permitted"),
        ("group.list", json!({"realm": "main"}), "no-realm"),
        ("audit.read", json!({"query": {"realm": "main"}}), "no-realm"),
    ] {
        assert_eq!(code(&api.ask(of_other(), name, &arguments).await), expected, "{name}");
    }
    let rows = api.ask(of_other(), "audit.read", &json!({})).await;
    let rows: Value = serde_json::from_slice(rows.body()).unwrap();
    let of_others = |row: &&Value| row["realm"] != "other";
    assert_eq!(rows["rows"].as_array().unwrap().iter().find(of_others), None);
}

#[tokio::test]
async fn what_can_not_be_done_is_told_by_a_code_and_changes_nothing() {
    let api = Api::new().await;
    let iago = json!({"realm": "main", "name": "iago"});
    let before = api.rows().await.len();
    for (name, arguments, status, expected) in [
        ("user.nothing", json!({}), 404, "no-operation"),
        ("user.show", json!({}), 400, "bad-arguments"),
        ("user.show", json!({"user": iago, "more": 1}), 400, "bad-arguments"),
        ("user.show", json!({"user": "iago"}), 400, "bad-arguments"),
        ("user.show", json!([]), 400, "bad-arguments"),
        ("realm.set", json!({"realm": "main", "settings": {"subdomian": "x"}}), 400, "bad-arguments"),
        ("user.show", json!({"user": {"name": "nobody"}}), 404, "no-user"),
        ("user.show", json!({"user": {"realm": "none", "name": "iago"}}), 404, "no-realm"),
        ("user.show", json!({"user": {"name": "iago"}}), 409, "several-realms"),
        ("user.add", json!({"username": "new"}), 409, "several-realms"),
        ("user.add", json!({"realm": "main"}), 422, "bad-name"),
        ("user.add", json!({"realm": "main", "username": "IAGO"}), 409, "taken"),
        ("user.add", json!({"realm": "main", "email": "no address"}), 422, "bad-name"),
        ("user.add", json!({"realm": "main", "username": "new", "role": "king"}), 422, "no-role"),
        ("user.add", json!({"realm": "main", "username": "new", "password": "short"}), 422, "bad-password"),
        ("user.add", json!({"realm": "main", "username": "new", "external_id": ""}), 422, "bad-name"),
        ("user.list", json!({"after": "main"}), 400, "bad-cursor"),
        ("user.set", json!({"user": iago, "role": "king"}), 422, "no-role"),
        ("user.set", json!({"user": iago, "language": "tlh"}), 422, "no-language"),
        ("user.set", json!({"user": iago, "email": "no address"}), 422, "bad-name"),
        ("user.set", json!({"user": iago, "email": "othello@zulip.com"}), 409, "taken"),
        ("user.set", json!({"user": iago, "full_name": "a\u{1b}[2J"}), 422, "bad-name"),
        ("user.rename", json!({"user": iago, "to": "othello"}), 409, "taken"),
        ("user.rename", json!({"user": iago, "to": ""}), 422, "bad-name"),
        ("user.set-password", json!({"user": iago, "password": "short"}), 422, "bad-password"),
        ("user.set-password", json!({"user": iago, "password": "", "allow_weak": true}), 422, "bad-password"),
        ("user.relink", json!({"user": iago, "entry": " "}), 422, "bad-entry"),
        ("user.relink", json!({"user": iago}), 409, "no-directory"),
        ("user.add", json!({"realm": "main", "username": "new", "bot": "king"}), 422, "no-bot-kind"),
        ("realm.add", json!({"realm": "main"}), 409, "realm-there"),
        ("realm.add", json!({"realm": "No"}), 422, "bad-realm"),
        ("realm.add", json!({"realm": "x", "settings": {"subdomain": "other"}}), 422, "bad-realm"),
        ("realm.set", json!({"realm": "main", "settings": {"backends": ["no"]}}), 422, "bad-realm"),
        ("app-password.add", json!({"user": iago, "name": ""}), 422, "bad-name"),
        ("app-password.add", json!({"user": iago, "name": "a", "protocols": ["x"]}), 422, "no-protocol"),
        (
            "app-password.add",
            json!({"user": iago, "name": "a", "until": "1999-01-01T00:00:00Z"}),
            422,
            "in-the-past",
        ),
        ("app-password.add", json!({"user": iago, "name": "a", "until": "soon"}), 400, "bad-arguments"),
        ("device.enrol", json!({"user": iago, "secret": "1"}), 422, "bad-device"),
        (
            "device.enrol",
            json!({"user": iago, "secret": "JBSWY3DPEHPK3PXP", "code": "000000"}),
            422,
            "wrong-code",
        ),
        ("audit.read", json!({"act": "x"}), 422, "no-act"),
        ("group.add", json!({"group": {"realm": "main", "name": " "}}), 422, "bad-name"),
        ("group.add", json!({"group": {"realm": "main", "name": "a\u{202e}"}}), 422, "bad-name"),
        ("group.add", json!({"group": {"realm": "none", "name": "a"}}), 404, "no-realm"),
        ("group.members", json!({"group": {"realm": "main", "name": "none"}}), 404, "no-group"),
        ("group.add-member", json!({"user": iago, "group": "none"}), 404, "no-group"),
        ("limits.ban", json!({"network": "0.0.0.0/0"}), 422, "bad-network"),
        ("limits.ban", json!({"network": "::/0"}), 422, "bad-network"),
        ("limits.ban", json!({"network": "::ffff:0.0.0.0/96"}), 422, "bad-network"),
        ("limits.ban", json!({"network": "here"}), 422, "bad-network"),
        ("limits.ban", json!({"network": "192.0.2.1", "until": "1999-01-01T00:00:00Z"}), 422, "in-the-past"),
        ("limits.ban", json!({"network": "192.0.2.1", "note": "a\u{7}"}), 422, "bad-name"),
        ("realm.remove", json!({"realm": "main"}), 409, "realm-has-users"),
        ("realm.remove", json!({"realm": "none"}), 404, "no-realm"),
        ("audit.read", json!({"query": {"after": "x"}}), 400, "bad-cursor"),
        ("attempts.read", json!({"query": {"protocol": "x"}}), 422, "no-protocol"),
    ] {
        let refused = api.owner(name, &arguments).await;
        assert_eq!(refused, Err((status, expected.to_owned())), "{name} {arguments}");
    }
    assert_eq!(api.rows().await.len(), before);
}

#[tokio::test]
async fn no_secret_of_the_arguments_is_in_an_answer_that_refuses_them() {
    let api = Api::new().await;
    let secret = "correct-horse-battery-9876";
    for arguments in [
        json!({"user": {"name": "iago"}, "password": [secret]}),
        json!({"user": {"name": "iago"}, "password": {secret: 1}}),
        json!({"user": {"name": "iago"}, secret: 1}),
        json!({"user": secret}),
        json!(secret),
    ] {
        let answer = api.ask(Operator::owner(Actor::Operator), "user.set-password", &arguments).await;
        assert_eq!(code(&answer), "bad-arguments");
        let told = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(!told.contains(secret), "{told}");
    }
}

#[tokio::test]
async fn requests_that_are_none_are_refused_before_arguments_are_read() {
    let api = Api::new().await;
    let owner = || Operator::owner(Actor::Operator);
    for (request, status, expected) in [
        (Request::get("/admin/v1/user.show"), 405, "method"),
        (Request::post("/admin/v1/"), 405, "method"),
        (Request::post("/admin/v1/user.show"), 415, "not-json"),
        (Request::post("/admin/v1/user.show").header("content-type", "text/plain"), 415, "not-json"),
        (Request::post("/admin/v2/user.show"), 404, "no-operation"),
        (Request::post("/admin/v1/user.show/"), 404, "no-operation"),
    ] {
        let answer = api.api.answer(owner(), &request.body(Bytes::new()).unwrap()).await;
        assert_eq!((answer.status().as_u16(), code(&answer).as_str()), (status, expected));
    }
    let long = Request::post("/admin/v1/user.show").header("content-type", "application/json");
    let long = long.body(Bytes::from(vec![b' '; auth_admin_api::MAX_BODY + 1])).unwrap();
    assert_eq!(api.api.answer(owner(), &long).await.status(), 413);
    let index = Request::get("/admin/v1/").body(Bytes::new()).unwrap();
    let helpdesk = Operator::scoped(Actor::Operator, Scope::Helpdesk, None);
    for (operator, expected) in [(owner(), OPERATIONS.len()), (helpdesk, 17)] {
        let answer = api.api.answer(operator, &index).await;
        let index: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(index["operations"].as_array().unwrap().len(), expected);
        assert_eq!(index["store"], "sqlite:test");
    }
}
