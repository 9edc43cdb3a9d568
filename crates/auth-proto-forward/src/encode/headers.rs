//! Answers that let somebody through, and those that lead on.

use auth_core::User;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The headers that tell an application who is there.
pub const IDENTITY: [HeaderName; 5] = [
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("remote-email"),
    HeaderName::from_static("remote-name"),
    HeaderName::from_static("remote-groups"),
    HeaderName::from_static("remote-subject"),
];

/// What is encoded in a value besides bytes outside ASCII. A percent sign is, so that the values can be decoded for certain.
const IN_TEXT: &AsciiSet = &CONTROLS.add(b'%');

/// What is encoded in one value of a list.
const IN_LIST: &AsciiSet = &IN_TEXT.add(b',');

/// The values of [`IDENTITY`] for a user, in order; an empty one where there is nothing to tell, since Caddy 2.6 would make up a
/// header that an answer lacks. `None` for a user without a name.
///
/// `Remote-User` is the user name, or else the address. A user name that is like an address is passed over: it might be
/// another one's address.
pub(crate) fn identity(user: &User, groups: &[String]) -> Option<[HeaderValue; 5]> {
    let email = user.email();
    let name = user.user_name().filter(|name| !name.contains('@'));
    let name = name.or(email.map(|email| email.address)).filter(|name| !name.trim().is_empty())?;
    let verified = email.filter(|email| email.verified).map_or("", |email| email.address);
    let groups: Vec<String> = groups.iter().map(|group| encoded(group, IN_LIST)).collect();
    let values = [
        encoded(name, IN_TEXT),
        encoded(verified, IN_TEXT),
        encoded(&user.full_name, IN_TEXT),
        groups.join(","),
        user.id.to_string(),
    ];
    // What is encoded is ASCII that can be seen, and spaces.
    Some(values.map(|value| HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))))
}

/// A text as ASCII: percent-encoded where it would be anything else.
fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text.trim(), set).to_string()
}

/// Lets somebody through, and tells who it is. The cookies are those that the application is to have.
pub(crate) fn let_through(identity: [HeaderValue; 5], cookies: Option<HeaderValue>) -> Response<Bytes> {
    let mut response = empty(StatusCode::OK);
    response.headers_mut().extend(IDENTITY.into_iter().zip(identity));
    if let Some(mut cookies) = cookies {
        cookies.set_sensitive(true);
        response.headers_mut().insert(COOKIE, cookies);
    }
    response
}

/// Leads a browser on.
pub(crate) fn see_other(to: &str) -> Response<Bytes> {
    let mut response = empty(StatusCode::SEE_OTHER);
    set_location(&mut response, to);
    response
}

/// Names the page that comes next.
pub(crate) fn set_location(response: &mut Response<Bytes>, to: &str) {
    // An address is visible ASCII, which always makes a header.
    if let Ok(location) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, location);
    }
}

/// Sets a cookie.
pub(crate) fn set_cookie(response: &mut Response<Bytes>, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// A status without a body, which nothing may keep.
pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use auth_core::testing::UserBuilder;
    use auth_core::{LoginName, NameKind};

    use super::*;

    fn told(user: &User, groups: &[&str]) -> Option<Vec<String>> {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let response = let_through(identity(user, &groups)?, None);
        let value =
            |name| response.headers().get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
        Some(IDENTITY.into_iter().map(value).collect())
    }

    fn name(kind: NameKind, exact: &str, verified: bool) -> LoginName {
        LoginName { kind, exact: exact.to_owned(), verified }
    }

    #[test]
    fn values_are_ascii_and_can_be_decoded() {
        let user = |full_name: &str, names: &[LoginName]| User {
            full_name: full_name.to_owned(),
            names: names.to_vec(),
            ..UserBuilder::new("ada").build()
        };
        let ada = name(NameKind::UserName, "ada", false);
        let address = |verified| name(NameKind::Email, "ada@example.org", verified);
        for (user, groups, expected) in [
            (
                user("Ada Lovelace", &[ada.clone(), address(true)]),
                &["staff", "a,b"][..],
                ["ada", "ada@example.org", "Ada Lovelace", "staff,a%2Cb"],
            ),
            (user("Iägo 100%", &[ada.clone(), address(false)]), &[], ["ada", "", "I%C3%A4go 100%25", ""]),
            (user(" \r\nX: y\u{7f}\0", &[ada]), &["ä b"], ["ada", "", "X: y%7F%00", "%C3%A4 b"]),
            (user("", &[address(false)]), &[], ["ada@example.org", "", "", ""]),
            (
                user("", &[name(NameKind::UserName, "bea@example.org", false), address(true)]),
                &[],
                ["ada@example.org", "ada@example.org", "", ""],
            ),
        ] {
            let told = told(&user, groups).unwrap();
            assert_eq!(told[..4], expected, "{user:?}");
            assert_eq!(told[4], user.id.to_string());
        }
        for names in [&[][..], &[name(NameKind::UserName, "bea@example.org", false)]] {
            assert_eq!(told(&user("Bea", names), &[]), None, "{names:?}");
        }
    }

    #[test]
    fn cookies_of_the_application_are_handed_back() {
        let ada = identity(&UserBuilder::new("ada").build(), &[]).unwrap();
        let response = let_through(ada, Some(HeaderValue::from_static("a=1")));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[COOKIE], "a=1");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
