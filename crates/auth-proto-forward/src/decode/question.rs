//! What a proxy asks about: the method, the host and the target of its client's request.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Method, Request};

use crate::config::Dialect;
use crate::route::AUTH;

const ORIGINAL_URL: HeaderName = HeaderName::from_static("x-original-url");
const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");
const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The headers that tell one dialect from another. A client may send `X-Forwarded-Host` and `-Proto` in any.
static TELLING: [(HeaderName, Dialect); 4] = [
    (ORIGINAL_URL, Dialect::Nginx),
    (ORIGINAL_METHOD, Dialect::Nginx),
    (FORWARDED_URI, Dialect::XForwarded),
    (FORWARDED_METHOD, Dialect::XForwarded),
];

/// A request that a proxy holds back until it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests build it")]
pub struct Question {
    /// The method.
    pub method: Method,
    /// The host in lower case, without a dot at its end, and with its port unless that is 443.
    pub host: String,
    /// The path and the query, as the client sent them: visible ASCII that begins with a slash.
    pub target: String,
}

/// Why a question can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuestionError {
    /// A header of the dialect is missing.
    Missing(HeaderName),
    /// A header of the dialect is there twice.
    Repeated(HeaderName),
    /// A header of the dialect can't be read; `Host` stands for the request itself.
    Unreadable(HeaderName),
    /// There is a header of another dialect: a client made it up, or the configuration is wrong.
    OtherDialect(HeaderName),
}

impl Question {
    /// Reads what a request of a trusted proxy asks about.
    ///
    /// # Errors
    /// [`QuestionError`] when the request is not of this dialect, or of another one besides.
    ///
    /// ```
    /// use auth_proto_forward::Dialect;
    /// use auth_proto_forward::decode::question::Question;
    ///
    /// let request = http::Request::post("/forward/auth/page?x").header("Host", "Wiki.Example.org").body(()).unwrap();
    /// let question = Question::of(Dialect::Envoy, &request).unwrap();
    /// assert_eq!((question.host.as_str(), question.target.as_str()), ("wiki.example.org", "/page?x"));
    /// ```
    pub fn of<B>(dialect: Dialect, request: &Request<B>) -> Result<Self, QuestionError> {
        let headers = request.headers();
        let other = TELLING.iter().find(|(name, of)| *of != dialect && headers.contains_key(name));
        if let Some((name, _)) = other {
            return Err(QuestionError::OtherDialect(name.clone()));
        }
        match dialect {
            Dialect::Nginx => {
                let unreadable = || QuestionError::Unreadable(ORIGINAL_URL);
                let url = single(headers, &ORIGINAL_URL)?;
                let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
                let rest = rest.ok_or_else(unreadable)?;
                let (host, target) = rest.split_at(rest.find('/').ok_or_else(unreadable)?);
                let method = method(single(headers, &ORIGINAL_METHOD)?, &ORIGINAL_METHOD)?;
                Self::new(method, (host, &ORIGINAL_URL), (target, &ORIGINAL_URL))
            }
            Dialect::XForwarded => {
                // That it is there is all: which scheme it is decides nothing.
                single(headers, &FORWARDED_PROTO)?;
                let method = method(single(headers, &FORWARDED_METHOD)?, &FORWARDED_METHOD)?;
                let host = single(headers, &FORWARDED_HOST)?;
                let target = single(headers, &FORWARDED_URI)?;
                Self::new(method, (host, &FORWARDED_HOST), (target, &FORWARDED_URI))
            }
            Dialect::Envoy => {
                let target = request.uri().path_and_query().and_then(|all| all.as_str().strip_prefix(AUTH));
                let target = target.ok_or(QuestionError::Unreadable(HOST))?;
                let host = single(headers, &HOST)?;
                Self::new(request.method().clone(), (host, &HOST), (target, &HOST))
            }
        }
    }

    fn new(
        method: Method,
        (host, host_name): (&str, &HeaderName),
        (target, target_name): (&str, &HeaderName),
    ) -> Result<Self, QuestionError> {
        let host = host_of(host).ok_or_else(|| QuestionError::Unreadable(host_name.clone()))?;
        let is_target = target.starts_with('/')
            && !target.contains('#')
            && target.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_target {
            return Err(QuestionError::Unreadable(target_name.clone()));
        }
        Ok(Self { method, host, target: target.to_owned() })
    }

    /// The path that was asked for, as sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&self.target, |(path, _)| path)
    }
}

/// A host in the one form in which hosts are compared; `None` for a text that is none.
///
/// ```
/// use auth_proto_forward::decode::question::host_of;
///
/// assert_eq!(host_of("Wiki.Example.ORG.:443").as_deref(), Some("wiki.example.org"));
/// assert_eq!(host_of("wiki.example.org:8443").as_deref(), Some("wiki.example.org:8443"));
/// assert_eq!(host_of("user@wiki.example.org"), None);
/// ```
#[must_use]
pub fn host_of(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_[]:".contains(&byte);
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_name);
    if authority.as_str().contains('@') || !host.split('.').all(is_label) {
        return None;
    }
    let after = authority.as_str().get(authority.host().len()..)?;
    match after.strip_prefix(':') {
        None if after.is_empty() => Some(host.to_owned()),
        Some("443") => Some(host.to_owned()),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok() => {
            Some(format!("{host}:{port}"))
        }
        _ => None,
    }
}

fn method(text: &str, name: &HeaderName) -> Result<Method, QuestionError> {
    Method::from_bytes(text.as_bytes()).map_err(|_| QuestionError::Unreadable(name.clone()))
}

/// The one value of a header.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, QuestionError> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next().ok_or_else(|| QuestionError::Missing(name.clone()))?;
    if values.next().is_some() {
        return Err(QuestionError::Repeated(name.clone()));
    }
    value.to_str().map_err(|_| QuestionError::Unreadable(name.clone()))
}

#[cfg(test)]
mod tests;
