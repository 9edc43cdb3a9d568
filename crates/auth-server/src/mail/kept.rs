//! Mails that a demonstration keeps in memory in place of sending them, and the page that shows them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use async_trait::async_trait;
use auth_core::{
    Answer, BodyRule, InternalError, Language, Peer, Protocol, ProtocolName, RequestError, Route, RouteMatch,
};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, Method, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::html::{Paragraph, html, paragraphs};

/// The path of the page.
pub(crate) const PATH: &str = "/dev/mail";

/// The mails that are kept at most: the latest.
const MOST: usize = 50;

/// The latest mails of a demonstration.
#[derive(Default)]
pub struct KeptMails(watch::Sender<Latest>);

/// The latest mails, and how many there were.
#[derive(Default)]
struct Latest {
    count: u64,
    /// The latest first.
    mails: VecDeque<KeptMail>,
}

/// A mail as its reader would get it.
#[derive(Clone)]
pub(crate) struct KeptMail {
    /// The how-manieth mail it is, from 1: it gets its number when it is kept.
    pub(crate) number: u64,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) language: Language,
    pub(crate) text: Zeroizing<String>,
}

impl KeptMails {
    /// Keeps a mail, and forgets the oldest one where there are too many.
    pub(super) fn keep(&self, mail: KeptMail) {
        self.0.send_modify(|latest| {
            latest.count += 1;
            latest.mails.truncate(MOST - 1);
            latest.mails.push_front(KeptMail { number: latest.count, ..mail });
        });
    }

    /// The mails, the latest first.
    pub(crate) fn all(&self) -> Vec<KeptMail> {
        self.0.borrow().mails.iter().cloned().collect()
    }

    /// Waits until a mail is there that is wanted, at most so long.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&KeptMail) -> bool, at_most: Duration) {
        let mut seen = self.0.subscribe();
        let is_there = seen.wait_for(|latest| latest.mails.iter().any(&wanted));
        // Without one in time there is none.
        drop(timeout(at_most, is_there).await);
    }
}

/// The page that shows the mails of a demonstration.
#[derive(Debug)]
pub(crate) struct MailPage(pub(crate) Arc<KeptMails>);

#[derive(Template)]
#[template(path = "kept-mails.html")]
struct Page<'a> {
    mails: &'a [KeptMail],
}

impl KeptMail {
    fn paragraphs(&self) -> Vec<Paragraph<'_>> {
        paragraphs(&self.text)
    }

    /// The part in HTML.
    ///
    /// # Errors
    /// None is known.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        html(&self.subject, self.language, &self.text)
    }

    /// The links, which are to be clicked.
    pub(crate) fn links(&self) -> Vec<&str> {
        let link = |paragraph| if let Paragraph::Link(link) = paragraph { Some(link) } else { None };
        self.paragraphs().into_iter().filter_map(link).collect()
    }

    /// The one-time codes, without the hyphen that stands in the middle of each.
    pub(crate) fn codes(&self) -> Vec<String> {
        let lines = |paragraph| if let Paragraph::Lines(lines) = paragraph { lines } else { Vec::new() };
        let words = self.paragraphs().into_iter().flat_map(lines).flat_map(str::split_whitespace);
        words.filter_map(|word| code(word.trim_end_matches('.'))).collect()
    }
}

/// The code that is written as a word of six digits, with a hyphen in the middle.
fn code(word: &str) -> Option<String> {
    let is_half = |half: &str| half.len() == 3 && half.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = word.split_once('-').filter(|(first, second)| is_half(first) && is_half(second))?;
    Some(format!("{first}{second}"))
}

#[async_trait]
impl Protocol for MailPage {
    fn name(&self) -> ProtocolName {
        const NAME: ProtocolName = ProtocolName::new("mail");
        NAME
    }

    fn route(&self, path: &str) -> Route {
        let matched = if path == PATH { RouteMatch::Documented } else { RouteMatch::None };
        Route { matched, pattern: PATH, index: 0 }
    }

    fn body_rule(&self, _: &Route, _: &Method, _: &HeaderMap) -> BodyRule {
        BodyRule::Ignored
    }

    fn refuse(&self, error: RequestError) -> Answer {
        match error {
            RequestError::BodyTooSlow => response(StatusCode::REQUEST_TIMEOUT, String::new()).into(),
            RequestError::Internal(error) => {
                Answer::failed(response(StatusCode::INTERNAL_SERVER_ERROR, String::new()), error)
            }
            _ => response(StatusCode::BAD_REQUEST, String::new()).into(),
        }
    }

    async fn answer(&self, route: &Route, request: http::Request<Bytes>, _: &Peer) -> Answer {
        if route.matched != RouteMatch::Documented {
            return response(StatusCode::NOT_FOUND, String::new()).into();
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, String::new());
            refused.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
            return refused.into();
        }
        match (Page { mails: &self.0.all() }).render() {
            Ok(_) if request.method() == Method::HEAD => response(StatusCode::OK, String::new()).into(),
            Ok(page) => response(StatusCode::OK, page).into(),
            Err(error) => self.refuse(InternalError::defect(error).into()),
        }
    }
}

fn response(status: StatusCode, page: String) -> Response<Bytes> {
    const HEADERS: [(http::HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let mut response = Response::new(Bytes::from(page));
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

impl fmt::Debug for KeptMails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptMails").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(number: usize, text: &str) -> KeptMail {
        KeptMail {
            number: 0,
            to: "<ada>@example.org".to_owned(),
            subject: format!("Subject {number} & more"),
            language: Language::German,
            text: Zeroizing::new(text.to_owned()),
        }
    }

    async fn page(mails: &Arc<KeptMails>, method: Method, path: &str) -> (StatusCode, String) {
        let request = http::Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let peer = Peer::new([127, 0, 0, 1].into());
        let response = MailPage(Arc::clone(mails)).handle(request, &peer).await.response;
        assert!(
            response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'")
        );
        (response.status(), String::from_utf8(response.body().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn page_shows_the_latest_mails_with_their_links_and_nothing_of_them_as_markup() {
        let mails = Arc::new(KeptMails::default());
        let (status, empty) = page(&mails, Method::GET, PATH).await;
        assert!(status == StatusCode::OK && empty.contains("No mail yet"), "{empty}");
        for number in 0..MOST + 3 {
            mails.keep(mail(number, "Set <it> here:\n\nhttp://localhost:8080/reset-password/x&y\n"));
        }
        let (_, shown) = page(&mails, Method::GET, PATH).await;
        let url = "http://localhost:8080/reset-password/x&#38;y";
        assert_eq!(shown.matches(&format!("<a href=\"{url}\">{url}</a>")).count(), MOST, "{shown}");
        assert!(shown.contains("&#60;ada&#62;@example.org") && shown.contains("Set &#60;it&#62; here:"));
        assert!(shown.contains("<article lang=\"de\">"));
        let (latest, oldest) =
            (shown.find("Subject 52 &#38;").unwrap(), shown.find("Subject 3 &#38;").unwrap());
        assert!(latest < oldest && !shown.contains("Subject 2 &#38;"));
    }

    #[tokio::test]
    async fn page_is_at_its_path_alone_and_only_looked_at() {
        let mails = Arc::new(KeptMails::default());
        for (method, path, status) in [
            (Method::HEAD, PATH, 200),
            (Method::POST, PATH, 405),
            (Method::GET, "/dev/mail/", 404),
            (Method::GET, "/dev", 404),
        ] {
            let (told, body) = page(&mails, method, path).await;
            assert_eq!((told.as_u16(), body.as_str()), (status, ""), "{path}");
        }
    }

    #[test]
    fn links_and_codes_are_found_in_the_text_and_mails_are_numbered() {
        let mails = KeptMails::default();
        mails.keep(mail(
            1,
            "Set it here:\n\nhttp://localhost:8080/reset-password/123-456\n\nOr http://x.example",
        ));
        mails.keep(mail(2, "Your authentication code is 012-345.\n\nNot 123456, 123-45, 1234-567."));
        let [code, link] = &mails.all()[..] else { panic!("two mails") };
        assert_eq!((link.number, code.number), (1, 2));
        assert_eq!(link.codes(), Vec::<String>::new());
        assert_eq!(link.links(), ["http://localhost:8080/reset-password/123-456"]);
        assert_eq!((code.links(), code.codes()), (vec![], vec!["012345".to_owned()]));
        assert!(code.html().unwrap().contains("012-345"));
    }

    #[tokio::test(start_paused = true)]
    async fn mail_is_waited_for_until_it_comes_and_no_longer_than_wanted() {
        let mails = Arc::new(KeptMails::default());
        let late = Arc::clone(&mails);
        let keep = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            late.keep(mail(1, "Late."));
        });
        mails.wait_for(|_| true, Duration::from_secs(2)).await;
        assert_eq!(mails.all().len(), 0);
        mails.wait_for(|mail| mail.subject.contains("Subject 1"), Duration::from_secs(2)).await;
        assert_eq!(mails.all().len(), 1);
        keep.await.unwrap();
    }
}
