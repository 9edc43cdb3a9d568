//! A browser without scripts: it keeps cookies, sends forms as they stand on a page, and holds every answer against the
//! rules that all answers keep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{Answer, Peer, Protocol};
use auth_proto_web::{Config, WebProtocol};
use bytes::Bytes;
use http::Request;

use crate::fixtures::config;

/// The cookies of the pages.
pub(crate) const SESSION: &str = "__Host-auth-session";
pub(crate) const BEFORE: &str = "__Host-auth-pre";

/// A browser with its cookies, and the site that it visits.
pub(crate) struct Browser {
    pub(crate) services: Arc<FakeServices>,
    site: WebProtocol,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// An answer as a browser sees it.
pub(crate) struct Page {
    pub(crate) answer: Answer,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Browser {
    /// A browser at a site in front of those services.
    pub(crate) fn at(services: FakeServices) -> Self {
        Self::with(config(), services)
    }

    /// A browser at a site of that configuration.
    pub(crate) fn with(config: Config, services: FakeServices) -> Self {
        let services = Arc::new(services);
        let site = WebProtocol::new(config, services.clone());
        Self { services, site, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    /// A browser that has signed in.
    pub(crate) fn signed_in(services: FakeServices) -> Self {
        let mut browser = Self::at(services);
        browser.cookies.insert(SESSION.to_owned(), crate::fixtures::GOOD_SESSION.to_owned());
        browser
    }

    /// The same browser with one more header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, target: &str) -> Page {
        self.send("GET", target, Vec::new()).await
    }

    /// Sends fields to a path.
    pub(crate) async fn post(&mut self, target: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", target, body.into_bytes()).await
    }

    /// Fills the form of a page that is sent to `action`, and sends it.
    pub(crate) async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = page.hidden(action);
        let mut all: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (&**name, &**value)).collect();
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Opens a page, fills its form that is sent to `action`, and sends it.
    pub(crate) async fn fill(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.get(page).await;
        self.submit(&page, action, fields).await
    }

    /// Sends a request, keeps the cookies of the answer, and holds it against the rules of all answers.
    pub(crate) async fn send(&mut self, method: &str, target: &str, body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(method).uri(target);
        if !self.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "auth.example.org");
        }
        if method == "POST" && !self.headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_bytes());
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = request.body(Bytes::from(body)).unwrap();
        let answer = self.site.handle(request, &Peer::new([192, 0, 2, 7].into())).await;
        for cookie in answer.response.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let (value, attributes) = rest.split_once("; ").unwrap();
            assert!(attributes.ends_with("Path=/; Secure; HttpOnly; SameSite=Lax"), "{cookie}");
            if attributes.starts_with("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = answer.response.status().as_u16();
        let body = String::from_utf8(answer.response.body().to_vec()).unwrap();
        let page = Page { answer, status, body };
        page.keeps_the_rules(&format!("{method} {target}"));
        page
    }
}

impl Page {
    /// The value of a header; `""` where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.answer.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Demands a status and a text in the body.
    pub(crate) fn says(&self, status: u16, text: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body.contains(text), "{text} in {}", self.body);
    }

    /// Demands a redirect; a notice in its query is left out.
    pub(crate) fn leads_to(&self, path: &str) {
        let location = self.header("location");
        let without_notice = location.split("?notice=").next().unwrap_or_default();
        assert_eq!((self.status, without_notice), (303, path), "{}", self.body);
    }

    /// The hidden fields of the form that is sent to `action`.
    pub(crate) fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let start = format!("action=\"{action}\">");
        let form =
            self.body.split_once(&start).unwrap_or_else(|| panic!("no form {action} in {}", self.body)).1;
        let form = form.split("</form>").next().unwrap();
        let hidden = tags(form).filter(|tag| tag.starts_with("<input type=\"hidden\""));
        hidden.map(|tag| (attribute(tag, "name").unwrap(), attribute(tag, "value").unwrap())).collect()
    }

    /// The forms of the page, by where they are sent.
    pub(crate) fn actions(&self) -> Vec<String> {
        tags(&self.body)
            .filter(|tag| tag.starts_with("<form"))
            .filter_map(|tag| attribute(tag, "action"))
            .collect()
    }

    /// The rules that every answer keeps.
    fn keeps_the_rules(&self, what: &str) {
        for (name, value) in [
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("strict-transport-security", "max-age=31536000"),
            ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                 frame-ancestors 'none'; base-uri 'none'",
            ),
        ] {
            assert_eq!(self.header(name), value, "{what}");
        }
        if !self.header("content-type").starts_with("text/html") {
            return;
        }
        assert_eq!(self.header("cache-control"), "no-store", "{what}");
        if !self.body.is_empty() {
            self.is_accessible(what);
        }
    }

    /// The rules that the markup of every page keeps.
    fn is_accessible(&self, what: &str) {
        let body = &self.body;
        for (part, times) in
            [("<h1", 1), ("<main", 1), ("<title>", 1), ("<html lang=\"", 1), ("href=\"#content\"", 1)]
        {
            assert_eq!(body.matches(part).count(), times, "{part} {what} {body}");
        }
        let mut ids = BTreeSet::new();
        for id in tags(body).filter_map(|tag| attribute(tag, "id")) {
            assert!(ids.insert(id.clone()), "{id} twice: {what}");
        }
        let labelled: BTreeSet<_> = tags(body).filter_map(|tag| attribute(tag, "for")).collect();
        for tag in tags(body) {
            let lower = tag.to_ascii_lowercase();
            assert!(!lower.starts_with("<script") && !lower.starts_with("<style"), "{what} {tag}");
            for (name, _) in attributes(tag) {
                assert!(name != "style" && !name.starts_with("on"), "{what} {tag}");
            }
            for described in ["aria-describedby", "aria-labelledby"] {
                for id in attribute(tag, described).unwrap_or_default().split(' ').filter(|id| !id.is_empty())
                {
                    assert!(ids.contains(id), "{id} is missing: {what} {tag}");
                }
            }
            let kind = attribute(tag, "type");
            let is_seen = (tag.starts_with("<input") || tag.starts_with("<select"))
                && !matches!(kind.as_deref(), Some("hidden" | "checkbox"))
                && attribute(tag, "aria-hidden").is_none();
            if is_seen {
                let id = attribute(tag, "id").unwrap_or_default();
                assert!(labelled.contains(&id), "{what} {tag}");
                assert!(
                    tag.starts_with("<select") || attribute(tag, "autocomplete").is_some(),
                    "{what} {tag}"
                );
            }
        }
    }
}

/// The tags of a page, each with its brackets. What is shown holds no bracket, as it is escaped.
pub(crate) fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(move |part| {
        let end = part.find('>')?;
        let start = part.as_ptr().addr() - html.as_ptr().addr() - 1;
        html.get(start..=start + 1 + end)
    })
}

/// The attributes of a tag that have a value.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag;
    while let Some((before, after)) = rest.split_once("=\"") {
        let name = before.rsplit([' ', '"', '\n']).next().unwrap_or_default();
        let Some((value, behind)) = after.split_once('"') else { break };
        found.push((name.to_ascii_lowercase(), unescaped(value)));
        rest = behind;
    }
    found
}

pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
    attributes(tag).into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

/// A text without the escapes of the templates.
fn unescaped(text: &str) -> String {
    let pairs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}
