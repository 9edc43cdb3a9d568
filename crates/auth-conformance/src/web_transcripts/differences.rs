//! Compares a response with the recorded one.
//!
//! Statuses, headers, cookies and JSON are compared to the byte, except for values that differ from run to run. Of a page its
//! facts are compared: the title, the messages, the forms with the fields that a program sends, and the sealed token of the
//! desktop program. What a page looks like is the server's own.

use anyhow::Result;
use regex::Regex;

use super::rules::PageRules;
use crate::carried::value_in_query;
use crate::comparison::excerpt;
use crate::html::{Form, Page};
use crate::http::Response;
use crate::oracle::{desktop, one_time_pad, web_auth};
use crate::recorded::Transcript;
use crate::transcripts::{PROXY_HEADERS, masked};

/// The compared headers. One that was recorded must be there; one that was not must not, unless it is in [`MAY_BE_ADDED`].
const HEADERS: &[&str] = &[
    "content-type",
    "allow",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "cache-control",
    "location",
];

/// Headers that this server may send where the recorded one sends none: it keeps more pages out of caches.
const MAY_BE_ADDED: &[&str] = &["cache-control"];

/// Headers whose values differ from run to run.
const CHANGING_HEADERS: &[&str] = &["retry-after", "x-ratelimit-reset"];

/// The parts of a `Location` that differ from run to run.
const CHANGING_PARTS: &str = r"(/accounts/login/subdomain/|/accounts/do_confirm/)[A-Za-z0-9]+";

/// The differences of a response from the recorded one. `sent` are the cookies of the request, and `realm_uri` is the realm's
/// URL in server_settings.
pub(crate) fn differences(
    transcript: &Transcript,
    response: &Response,
    rules: &PageRules,
    context: &Context<'_>,
) -> Result<Vec<String>> {
    let recorded = &transcript.response;
    let mut found = Vec::new();
    if response.status != recorded.status {
        found.push(format!("status {} instead of {}", response.status, recorded.status));
    }
    let proxy_headers = if context.behind_proxy { PROXY_HEADERS } else { &[] };
    let changing = Regex::new(CHANGING_PARTS)?;
    let mask = |value: &str| changing.replace(value, "${1}TOKEN").into_owned();
    for name in HEADERS.iter().chain(proxy_headers) {
        let (expected, actual) = (recorded.header(name).map(mask), response.header(name).map(mask));
        if expected != actual && !(expected.is_none() && MAY_BE_ADDED.contains(name)) {
            found.push(format!("{name}: {actual:?} instead of {expected:?}"));
        }
    }
    for name in CHANGING_HEADERS {
        match (recorded.header(name), response.header(name)) {
            (Some(_), None) => found.push(format!("{name}: missing")),
            (None, Some(_)) => found.push(format!("{name}: surplus")),
            _ => {}
        }
    }
    let fields = |value: &str| {
        let mut fields: Vec<String> = value.split(',').map(|field| field.trim().to_lowercase()).collect();
        fields.sort();
        fields
    };
    let (expected, actual) = (recorded.header("vary").map(fields), response.header("vary").map(fields));
    if expected != actual {
        found.push(format!("vary: {actual:?} instead of {expected:?}"));
    }
    found.extend(cookie_differences(transcript, response, context.sent_cookies, rules));
    if let Some(body) = &recorded.body
        && transcript.request.method != "HEAD"
    {
        let new_key = transcript.request.path.contains("/regenerate") && response.status == 200;
        let (expected, actual) = (masked(body, new_key)?, masked(&response.text(), new_key)?);
        if expected != actual {
            found.push(format!("body {:?} instead of {:?}", excerpt(&actual), excerpt(&expected)));
        }
    }
    if let Some(page) = &recorded.page {
        let pad = value_in_query(&transcript.request.path, "desktop_flow_otp").unwrap_or_default();
        found.extend(page_differences(
            page,
            &Page::parse(&response.text()),
            &transcript.request.path,
            &pad,
            rules,
        ));
    }
    if let Some(location) = response.header("location").filter(|location| location.starts_with("zulip:")) {
        let pad = value_in_query(&transcript.request.path, "mobile_flow_otp").unwrap_or_default();
        found.extend(app_differences(location, &pad, context));
    }
    Ok(found)
}

/// What a comparison needs beside the two responses.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The cookies of the request.
    pub(crate) sent_cookies: &'a str,
    /// Whether a proxy stands before the server.
    pub(crate) behind_proxy: bool,
    /// The URL of the realm, as server_settings names it.
    pub(crate) realm_uri: &'a str,
    /// The API keys of the accounts, each with the account's address.
    pub(crate) api_key: &'a dyn Fn(&str) -> Option<String>,
}

/// Compares the cookies that are set: their names, attributes, the kinds of their values, and whether a value is the one that
/// the request sent.
fn cookie_differences(
    transcript: &Transcript,
    response: &Response,
    sent: &str,
    rules: &PageRules,
) -> Vec<String> {
    // The menu of the web app around an error page has a form, and with it comes the cookie of forms.
    let is_menu = |form: &Form| rules.other_forms.iter().any(|pattern| pattern.0.is_match(&form.action));
    let page = transcript.response.page.as_ref();
    let menu_alone = page.is_some_and(|page| !page.forms.is_empty() && page.forms.iter().all(is_menu));
    let request = transcript.request.request();
    let recorded_sent = request.header_value("cookie").unwrap_or_default();
    let mut expected: Vec<String> =
        transcript.response.values("set-cookie").map(|cookie| facts(cookie, recorded_sent)).collect();
    let mut actual: Vec<String> = response.set_cookies.iter().map(|cookie| facts(cookie, sent)).collect();
    if menu_alone {
        expected.retain(|cookie| !cookie.contains("csrftoken"));
        actual.retain(|cookie| !cookie.contains("csrftoken"));
    }
    expected.sort();
    actual.sort();
    if expected == actual { Vec::new() } else { vec![format!("cookies {actual:?} instead of {expected:?}")] }
}

/// A cookie with its attributes in order, without what differs from run to run.
fn facts(cookie: &str, sent: &str) -> String {
    let mut parts = cookie.split(';').map(str::trim);
    let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
    let value = match value {
        "" | "\"\"" => "deleted",
        value if sent.split(';').any(|pair| pair.trim() == format!("{name}={value}")) => "as sent",
        value
            if value.len() == 32
                && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && name.contains("sessionid") =>
        {
            "new id"
        }
        value if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) => "new secret",
        _ => "of another form",
    };
    let mut attributes: Vec<String> = parts
        .map(|part| match part.split_once('=') {
            Some((name, _)) if name.eq_ignore_ascii_case("expires") => "expires".to_owned(),
            _ => part.to_lowercase(),
        })
        .collect();
    attributes.sort();
    format!("{name} {value}; {}", attributes.join("; "))
}

/// Compares the facts of a page. `path` is where the page was asked for: a form without an action goes there.
fn page_differences(expected: &Page, actual: &Page, path: &str, pad: &str, rules: &PageRules) -> Vec<String> {
    let mut found = Vec::new();
    if expected.title != actual.title {
        found.push(format!("title {:?} instead of {:?}", actual.title, expected.title));
    }
    let steady = |text: &str| {
        rules
            .changing
            .iter()
            .fold(text.to_owned(), |text, pattern| pattern.0.replace_all(&text, "…").into_owned())
    };
    let text = steady(&actual.text);
    for alert in &expected.alerts {
        if !text.contains(&steady(alert)) {
            found.push(format!("no message {alert:?}"));
        }
    }
    for pattern in &rules.alerts {
        if let Some(message) = pattern.0.find(&actual.text)
            && !expected.alerts.iter().any(|alert| pattern.0.is_match(alert))
        {
            found.push(format!("the message {:?}", message.as_str()));
        }
    }
    for form in &expected.forms {
        if !rules.other_forms.iter().any(|pattern| pattern.0.is_match(&form.action)) {
            found.extend(form_differences(form, actual, path, rules));
        }
    }
    if expected.desktop_data.is_some() {
        let token = actual.desktop_data.as_deref().and_then(|data| desktop::open(data, pad));
        if !token
            .is_some_and(|token| token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            found.push("the desktop program cannot open the sealed token".to_owned());
        }
    }
    found
}

/// Compares a form with the one of the same method and action.
fn form_differences(expected: &Form, page: &Page, path: &str, rules: &PageRules) -> Vec<String> {
    let path = path.split('?').next().unwrap_or_default();
    let target = |action: &str| if action.is_empty() { path.to_owned() } else { action.to_owned() };
    let is_it = |form: &&Form| {
        form.method.eq_ignore_ascii_case(&expected.method) && target(&form.action) == target(&expected.action)
    };
    let (method, action) = (&expected.method, &expected.action);
    let Some(form) = page.forms.iter().find(is_it) else {
        return vec![format!("no form {method} {action:?}")];
    };
    let mut found = Vec::new();
    for field in &expected.inputs {
        let Some(name) =
            field.name.as_deref().filter(|name| !rules.other_fields.iter().any(|other| other == name))
        else {
            continue;
        };
        let Some(actual) = form.inputs.iter().find(|input| input.name.as_deref() == Some(name)) else {
            found.push(format!("no field {name} in the form {method} {action:?}"));
            continue;
        };
        let (value, kind) = (field.value.as_deref(), field.kind.as_deref());
        if value.is_some_and(|value| value != actual.value.as_deref().unwrap_or_default()) {
            found.push(format!("field {name}: {:?} instead of {value:?}", actual.value));
        }
        let is_hidden_or_secret = |kind: Option<&str>| {
            kind.filter(|kind| matches!(*kind, "hidden" | "password")).map(str::to_owned)
        };
        if is_hidden_or_secret(kind) != is_hidden_or_secret(actual.kind.as_deref()) {
            found.push(format!("field {name}: type {:?} instead of {kind:?}", actual.kind));
        }
    }
    found
}

/// Reads the address that ends the apps' flow as the apps do.
fn app_differences(location: &str, pad: &str, context: &Context<'_>) -> Vec<String> {
    if !one_time_pad::is_pad(pad) {
        return Vec::new();
    }
    let flutter = web_auth::flutter(location, context.realm_uri);
    let mobile = web_auth::mobile(location, context.realm_uri, pad);
    let (Some(flutter), Some(mobile)) = (flutter, mobile) else {
        return vec![format!("the apps refuse {location}")];
    };
    let key = (context.api_key)(&flutter.email);
    let mut found = Vec::new();
    if key.is_none() || flutter.api_key(pad) != key || mobile.api_key_by_digits(pad) != key {
        found.push(format!("the apps find another key in {location}"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> PageRules {
        toml::from_str(
            "alerts = ['Wrong\\.', 'Wait \\d+ s']\nchanging = ['Wait \\d+ s']\nother_forms = ['^/social/']\nother_fields = ['button']",
        )
        .unwrap()
    }

    fn recorded(page: &str) -> Page {
        serde_json::from_str(page).unwrap()
    }

    #[test]
    fn each_fact_of_a_page_can_fail() {
        let expected = recorded(
            r#"{"title":"Log in | Zulip","h1":["anything"],"alerts":["Wrong."],"forms":[
                {"method":"post","action":"","inputs":[{"name":"next","type":"hidden","value":"/x"},{"name":"password","type":"password"},{"name":"button"}]},
                {"method":"get","action":"/social/x","inputs":[]}]}"#,
        );
        let good = "<title>Log in | Zulip</title><p>Wrong.</p><form method=POST action='/in'><input type=hidden name=next value='/x'><input type=password name=password></form>";
        let check =
            |html: &str| page_differences(&expected, &Page::parse(html), "/in?a=b", "", &rules()).len();
        assert_eq!(check(good), 0);
        for (from, to) in [
            ("Log in", "Sign in"),
            ("Wrong.", "Right."),
            ("Wrong.", "Wrong. Wait 5 s"),
            ("'/x'", "'/y'"),
            ("type=hidden", "type=text"),
            ("type=password", "type=text"),
            ("name=next", "name=other"),
            ("POST", "GET"),
            ("'/in'", "'/out'"),
        ] {
            assert_eq!(check(&good.replacen(from, to, 1)), 1, "{from} -> {to}");
        }
        let sealed = recorded(&format!(r#"{{"desktop_data":"{}"}}"#, "0a".repeat(60)));
        assert_eq!(page_differences(&sealed, &Page::parse("<p>"), "/", &"12".repeat(32), &rules()).len(), 1);
    }

    #[test]
    fn messages_with_times_are_compared_without_them() {
        let expected = recorded(r#"{"alerts":["Wait 17 s"]}"#);
        assert_eq!(
            page_differences(&expected, &Page::parse("<p>Wait 1799 s</p>"), "/", "", &rules()).len(),
            0
        );
        assert_eq!(
            page_differences(&expected, &Page::parse("<p>Wait a bit</p>"), "/", "", &rules()).len(),
            1
        );
    }

    #[test]
    fn cookies_are_compared_by_their_kind_and_attributes() {
        let id = "0123456789abcdef0123456789abcdef";
        let cookie =
            format!("__Host-sessionid={id}; expires=Thu, 10 Dec 2026 02:30:13 GMT; HttpOnly; Path=/");
        assert_eq!(facts(&cookie, ""), "__Host-sessionid new id; expires; httponly; path=/");
        assert_eq!(
            facts(&cookie, &format!("a=b; __Host-sessionid={id}")),
            "__Host-sessionid as sent; expires; httponly; path=/"
        );
        assert_eq!(
            facts("__Host-csrftoken=AbcdefghijklmnopqrstuvwxyzABCDE9", ""),
            "__Host-csrftoken new secret; "
        );
        assert_eq!(facts("__Host-sessionid=\"\"; Max-Age=0", ""), "__Host-sessionid deleted; max-age=0");
        assert_eq!(facts("__Host-sessionid=short", ""), "__Host-sessionid of another form; ");
    }

    #[test]
    fn apps_must_find_the_account_s_key() {
        let pad = "1234abcd".repeat(8);
        let location = |key: &str| {
            let sealed = one_time_pad::encrypt(key, &pad).unwrap();
            format!(
                "zulip://login?otp_encrypted_api_key={sealed}&email=a%40b.example&user_id=1&realm=https%3A%2F%2Fz.example"
            )
        };
        let key = "k".repeat(32);
        let api_key = |email: &str| (email == "a@b.example").then(|| "k".repeat(32));
        let context = Context {
            sent_cookies: "",
            behind_proxy: false,
            realm_uri: "https://z.example",
            api_key: &api_key,
        };
        assert_eq!(app_differences(&location(&key), &pad, &context).len(), 0);
        assert_eq!(app_differences(&location(&"x".repeat(32)), &pad, &context).len(), 1);
        let elsewhere = Context { realm_uri: "http://z.example", ..context };
        assert_eq!(app_differences(&location(&key), &pad, &elsewhere).len(), 1);
        assert_eq!(app_differences("zulip://login?", "not a pad", &context).len(), 0);
    }
}
