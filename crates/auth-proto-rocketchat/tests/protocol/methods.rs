//! The sockets' methods for clients without a socket.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::account::{as_user, call};
use crate::support::{actions, ask, config, request, services, text};

#[tokio::test]
async fn sockets_methods_are_called_without_a_socket() {
    let message = |method: &str, params: Value| {
        let message = json!({"msg": "method", "id": "7", "method": method, "params": params});
        json!({"message": message.to_string()})
    };
    let parse = |body: &str| -> (Value, bool) {
        let body: Value = serde_json::from_str(body).unwrap();
        let message = serde_json::from_str(body["message"].as_str().unwrap()).unwrap();
        (message, body["success"].as_bool().unwrap())
    };
    let log_in = json!([{"user": {"username": "myusername"}, "password": "mypassword"}]);
    for (path, method, params, status, part, expected) in [
        ("method.call/2fa:enable", "2fa:enable", json!([]), 200, "/result/secret", json!("BASE32")),
        ("method.call/x", "2fa:validateTempToken", json!(["1"]), 200, "/result/codes/1", json!("eFgH6789")),
        ("method.call/x", "2fa:disable", json!(["000000"]), 200, "/result", json!(false)),
        ("method.call/x", "2fa:checkCodesRemaining", json!([]), 200, "/result/remaining", json!(11)),
        ("method.call/x", "rooms/get", json!([]), 200, "/result", json!([])),
        ("method.call/x", "nothing", json!([]), 400, "/error/reason", json!("Method 'nothing' not found")),
        ("method.callAnon/x", "login", log_in, 200, "/result/type", json!("password")),
        ("method.callAnon/x", "login", json!([{"resume": "x"}]), 400, "/error/error", json!(401)),
        ("method.callAnon/x", "2fa:enable", json!([]), 200, "/result/secret", json!("BASE32")),
    ] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), as_user(path, &message(method, params))).await;
        let (message, success) = parse(text(&response));
        assert_eq!((response.status().as_u16(), success), (status, status == 200), "{method}: {message}");
        assert_eq!((&message["msg"], &message["id"]), (&json!("result"), &json!("7")));
        assert_eq!(message.pointer(part), Some(&expected), "{method}: {message}");
        let limited: &[&str] = match method {
            "login" => &["POST /api/v1/login"],
            // As on a socket.
            _ if method.starts_with("2fa:") => &[method],
            _ => &[],
        };
        assert_eq!(services.admitted(), limited, "{method}");
    }
    let anonymous = request(
        "POST",
        "/api/v1/method.callAnon/2fa:enable",
        &[("Content-Type", "application/json")],
        message("2fa:enable", json!([])).to_string(),
    );
    let response = ask(config(), Arc::new(services()), anonymous).await;
    assert_eq!(parse(text(&response)).0["error"]["error"], "not-authorized");
}

#[tokio::test]
async fn a_methods_second_factor_is_its_last_argument_or_in_headers() {
    let body = |params: Value| {
        let message = json!({"msg": "method", "id": "7", "method": "2fa:enable", "params": params});
        json!({"message": message.to_string()})
    };
    let last = json!([{"twoFactorCode": "1", "twoFactorMethod": "totp"}]);
    for (params, headers, expected) in [
        (last.clone(), &[][..], "enrol code 1 by Totp"),
        (json!([]), &[("x-2fa-code", "2"), ("x-2fa-method", "email")], "enrol code 2 by Email"),
        (last, &[("x-2fa-code", "2"), ("x-2fa-method", "email")], "enrol code 1 by Totp"),
    ] {
        let services = Arc::new(services());
        let asked = call("myusername", "POST", "method.call/2fa:enable", &body(params), headers);
        ask(config(), services.clone(), asked).await;
        assert_eq!(actions(&services), [expected]);
    }
}

#[tokio::test]
async fn a_path_names_one_method() {
    for path in ["method.call/", "method.call/a/b", "method.call", "method.callAnon/"] {
        let response = ask(config(), Arc::new(services()), as_user(path, &json!({}))).await;
        assert_eq!(response.status(), 404, "{path}");
    }
}
