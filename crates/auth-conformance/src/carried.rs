//! Values that the server makes anew and that later requests send: session ids, tokens, links, keys. The recorded value is
//! replaced by the one of this run.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;

use crate::html::Page;
use crate::http::{Request, Response};
use crate::oracle::desktop;
use crate::recorded::Transcript;

/// Recorded values, and those of this run.
#[derive(Debug, Default)]
pub(crate) struct Carried(Vec<(String, String)>);

impl Carried {
    /// Notes what stands for a recorded value from now on.
    pub(crate) fn set(&mut self, recorded: &str, actual: &str) {
        self.0.retain(|(known, _)| known != recorded);
        self.0.push((recorded.to_owned(), actual.to_owned()));
    }

    /// The value of this run for a recorded one.
    pub(crate) fn get(&self, recorded: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == recorded).map(|(_, actual)| actual.as_str())
    }

    /// The request with the values of this run.
    pub(crate) fn apply(&self, mut request: Request) -> Request {
        request.path = self.replace(&request.path);
        for (name, value) in &mut request.headers {
            *value = match value.strip_prefix("Basic ").filter(|_| name.eq_ignore_ascii_case("authorization"))
            {
                Some(encoded) => {
                    self.replace_encoded(encoded).map_or_else(|| value.clone(), |new| format!("Basic {new}"))
                }
                None => self.replace(value),
            };
        }
        if let Ok(text) = std::str::from_utf8(&request.body) {
            request.body = self.replace(text).into_bytes();
        }
        request
    }

    fn replace(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (recorded, actual)| text.replace(recorded, actual))
    }

    fn replace_encoded(&self, encoded: &str) -> Option<String> {
        let decoded = BASE64.decode(encoded.as_bytes()).ok()?;
        Some(BASE64.encode(self.replace(std::str::from_utf8(&decoded).ok()?).as_bytes()))
    }

    /// Notes the values that the response made, beside the recorded ones.
    pub(crate) fn learn(&mut self, transcript: &Transcript, response: &Response) {
        if let Some((recorded, actual)) = session_id(transcript.response.values("set-cookie"))
            .zip(session_id(response.set_cookies.iter().map(String::as_str)))
        {
            self.set(&recorded, &actual);
        }
        let locations = transcript.response.header("location").zip(response.header("location"));
        for place in ["/accounts/login/subdomain/", "/accounts/do_confirm/"] {
            let token = |location: &str| location.split_once(place).map(|(_, token)| token.to_owned());
            if let Some((recorded, actual)) = locations.and_then(|(one, other)| token(one).zip(token(other)))
            {
                self.set(&recorded, &actual);
            }
        }
        let recorded = transcript.response.page.as_ref().and_then(|page| page.desktop_data.clone());
        let pad = value_in_query(&transcript.request.path, "desktop_flow_otp").unwrap_or_default();
        if let Some(recorded) = recorded
            && let Some(actual) = Page::parse(&response.text()).desktop_data
            && let Some((recorded, actual)) = desktop::open(&recorded, &pad).zip(desktop::open(&actual, &pad))
        {
            self.set(&recorded, &actual);
        }
        if transcript.request.path.contains("/regenerate") {
            let key = |body: &str| {
                let json: Value = serde_json::from_str(body).ok()?;
                json.get("api_key")?.as_str().map(str::to_owned)
            };
            let recorded = transcript.response.body.as_deref().and_then(key);
            if let Some((recorded, actual)) = recorded.zip(key(&response.text())) {
                self.set(&recorded, &actual);
            }
        }
    }
}

/// The id of the session that a response sets, unless it deletes the cookie.
pub(crate) fn session_id<'a>(mut set_cookies: impl Iterator<Item = &'a str>) -> Option<String> {
    set_cookies
        .find_map(|cookie| session_cookie(cookie.split(';').next()?))
        .filter(|value| value != "\"\"" && !value.is_empty())
}

/// The id of the session in a `Cookie` header.
pub(crate) fn session_cookie(header: &str) -> Option<String> {
    let cookies = header.split(';').filter_map(|cookie| cookie.trim().split_once('='));
    let mut sessions = cookies.filter(|(name, _)| matches!(*name, "__Host-sessionid" | "sessionid"));
    sessions.next().map(|(_, value)| value.to_owned())
}

/// The value of a name in the query of a path; the last one counts.
pub(crate) fn value_in_query(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    value_in_form(query, name)
}

/// The value of a name in an encoded form; the last one counts.
pub(crate) fn value_in_form(form: &str, name: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(form.as_bytes());
    pairs.filter(|(known, _)| known == name).last().map(|(_, value)| value.into_owned())
}

/// The account's number and the token in the path of a link to a new password.
pub(crate) fn reset_link(path: &str) -> Option<(u64, &str)> {
    let (uid, token) =
        path.split_once("/accounts/password/reset/")?.1.trim_end_matches('/').split_once('/')?;
    let id = String::from_utf8(BASE64URL_NOPAD.decode(uid.as_bytes()).ok()?).ok()?;
    Some((id.parse().ok()?, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_values_are_replaced_wherever_a_request_has_them() {
        let mut carried = Carried::default();
        carried.set("old-session", "new-session");
        carried.set("old-key", "new-key");
        let request = Request::new("GET", "/x/old-key").header("Cookie", "a=b; __Host-sessionid=old-session");
        let sent = carried.apply(request.basic("a@b.example", "old-key").form("key=old-key"));
        assert_eq!(sent.path, "/x/new-key");
        assert_eq!(sent.header_value("cookie"), Some("a=b; __Host-sessionid=new-session"));
        assert_eq!(
            sent.header_value("authorization"),
            Request::default().basic("a@b.example", "new-key").header_value("authorization")
        );
        assert_eq!(sent.body, b"key=new-key");
    }

    #[test]
    fn parts_of_requests_are_found() {
        let deleted = "__Host-sessionid=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT";
        assert_eq!(
            session_id(["__Host-csrftoken=a", "__Host-sessionid=b; Path=/"].into_iter()).as_deref(),
            Some("b")
        );
        assert_eq!(session_id([deleted].into_iter()), None);
        assert_eq!(value_in_query("/a?b=1&b=2%20", "b").as_deref(), Some("2 "));
        assert_eq!(reset_link("/accounts/password/reset/MTY/dimpo2-00/"), Some((16, "dimpo2-00")));
        assert_eq!(reset_link("/accounts/password/reset/!!!/dimpo2-00/"), None);
        assert_eq!(reset_link("/accounts/password/reset/done/"), None);
    }
}
