//! Whether an answer has the form in which its protocol answers, whatever it says.

use serde_json::Value;

use crate::http::Response;

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Zulip,
    RocketChat,
    Zettelstore,
}

/// Whether the answer is whole and in the form of its protocol.
pub(super) fn has_form(protocol: Protocol, response: &Response) -> bool {
    let kind = response.header("content-type").unwrap_or_default();
    let json = || response.json().filter(|_| kind.starts_with("application/json"));
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let succeeded = response.status == 200;
    match protocol {
        // Every answer has a result and a message; an error of the client has a code, and one of the server none.
        Protocol::Zulip => json().is_some_and(|body| {
            text(&body, "msg").is_some()
                && match text(&body, "result").as_deref() {
                    Some("success") => succeeded,
                    Some("error") => !succeeded && (response.status >= 500) == text(&body, "code").is_none(),
                    _ => false,
                }
        }),
        // Logins have a status, most others `success`.
        Protocol::RocketChat => json().is_some_and(|body| {
            match (text(&body, "status").as_deref(), body.get("success").and_then(Value::as_bool)) {
                (_, Some(success)) => success == succeeded,
                (Some("success"), None) => succeeded,
                (Some("error"), None) => !succeeded,
                _ => false,
            }
        }),
        // A token is an object, a refusal a sentence; a check that succeeds has no body.
        Protocol::Zettelstore => match response.status {
            200 => json().is_some_and(|body| {
                text(&body, "token_type").as_deref() == Some("Bearer")
                    && text(&body, "access_token").is_some()
            }),
            204 => response.body.is_empty(),
            400 | 401 | 403 | 429 | 500 | 503 => kind.starts_with("text/plain") && !response.body.is_empty(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn response(status: u16, kind: &str, body: &str) -> Response {
        let headers = BTreeMap::from([("content-type".to_owned(), kind.to_owned())]);
        Response { status, headers, body: body.as_bytes().to_vec(), ..Response::default() }
    }

    #[test]
    fn the_form_is_told_from_every_other() {
        let json = "application/json";
        for (protocol, status, kind, body, expected) in [
            (Protocol::Zulip, 200, json, r#"{"result":"success","msg":"","api_key":"k"}"#, true),
            (Protocol::Zulip, 401, json, r#"{"result":"error","msg":"no","code":"UNAUTHORIZED"}"#, true),
            (Protocol::Zulip, 200, json, r#"{"result":"error","msg":"no","code":"UNAUTHORIZED"}"#, false),
            (Protocol::Zulip, 500, "text/plain", "Internal Server Error", false),
            (Protocol::Zulip, 503, json, r#"{"status":"error","message":"no"}"#, false),
            (Protocol::RocketChat, 200, json, r#"{"status":"success","data":{}}"#, true),
            (Protocol::RocketChat, 401, json, r#"{"status":"error","message":"no"}"#, true),
            (Protocol::RocketChat, 429, json, r#"{"success":false,"error":"no"}"#, true),
            (Protocol::RocketChat, 429, json, r#"{"success":true}"#, false),
            (Protocol::RocketChat, 0, "", "", false),
            (Protocol::Zettelstore, 200, json, r#"{"access_token":"a.b.c","token_type":"Bearer"}"#, true),
            (Protocol::Zettelstore, 204, "", "", true),
            (Protocol::Zettelstore, 401, "text/plain; charset=utf-8", "Authentication failed\n", true),
            (Protocol::Zettelstore, 200, json, "{}", false),
            (Protocol::Zettelstore, 503, json, "{}", false),
        ] {
            assert_eq!(
                has_form(protocol, &response(status, kind, body)),
                expected,
                "{protocol:?} {status} {body}"
            );
        }
    }
}
