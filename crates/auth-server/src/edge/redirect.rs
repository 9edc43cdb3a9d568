//! Redirects from HTTP to HTTPS.

use bytes::Bytes;
use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;

use crate::response::{closing, plain};

/// What a request is told that may carry a secret.
const REFUSED: &str = "Passwords and tokens are taken by HTTPS alone. What was sent here in clear may have been read: change it.";

/// Sends a browser to the same place of a site by TLS. A request that may carry a secret is refused, so that its sender notices.
pub(crate) fn redirect<B>(site: &Uri, request: &Request<B>) -> Response<Full<Bytes>> {
    let place = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let site = site.authority().map_or("", |authority| authority.as_str());
    let location = HeaderValue::try_from(format!("https://{site}{place}"));
    match (request.method(), location) {
        (&Method::GET | &Method::HEAD, Ok(location)) => {
            let mut response = plain(StatusCode::PERMANENT_REDIRECT, "");
            response.headers_mut().insert(LOCATION, location);
            response
        }
        _ => closing(plain(StatusCode::FORBIDDEN, REFUSED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn get_and_head_are_sent_to_the_same_place_by_tls_and_others_are_refused() {
        let site: Uri = "https://login.example.org:8443".parse().unwrap();
        for (method, target, expected) in [
            ("GET", "/", Some("https://login.example.org:8443/")),
            (
                "HEAD",
                "/sign-in?next=%2Faccount&a=b",
                Some("https://login.example.org:8443/sign-in?next=%2Faccount&a=b"),
            ),
            ("GET", "//evil.example/", Some("https://login.example.org:8443//evil.example/")),
            ("GET", "/@evil.example", Some("https://login.example.org:8443/@evil.example")),
            ("POST", "/sign-in", None),
            ("PUT", "/", None),
            ("OPTIONS", "*", None),
        ] {
            let request = Request::builder().method(method).uri(target).body(()).unwrap();
            let response = redirect(&site, &request);
            let location = response.headers().get(LOCATION).map(|location| location.to_str().unwrap());
            assert_eq!(location, expected, "{method} {target}");
            let status = if expected.is_some() { 308 } else { 403 };
            assert_eq!(response.status(), status, "{method} {target}");
        }
    }
}
