//! The fields of URL-encoded forms and queries. Bytes that are not UTF-8 become U+FFFD.

use std::borrow::Cow;
use std::fmt;

use auth_core::{OneTimeCode, Password, Token};

/// The fields of a form or a query. Of a field that was sent twice the first one counts.
///
/// ```
/// use auth_proto_web::decode::fields::Fields;
///
/// let fields = Fields::new(b"name=zo%C3%AB&password=+pw+");
/// assert_eq!(fields.text("name").as_deref(), Some("zoë"));
/// assert_eq!(fields.password("password").unwrap().expose(), " pw ");
/// assert_eq!(format!("{fields:?}"), "Fields(…)");
/// ```
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields in a body or a query.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The first value of a field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.all(name).next()
    }

    /// All values of a field, as checkboxes of one name send them.
    pub fn all(&self, name: &str) -> impl Iterator<Item = Cow<'a, str>> {
        form_urlencoded::parse(self.0).filter(move |(key, _)| key == name).map(|(_, value)| value)
    }

    /// A password, as typed; `None` where it is missing or empty.
    #[must_use]
    pub fn password(&self, name: &str) -> Option<Password> {
        self.text(name).filter(|text| !text.is_empty()).map(|text| Password::new(text.into_owned()))
    }

    /// A code without the spaces that people type between its groups; `None` where nothing is left.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<OneTimeCode> {
        let text: String = self.text(name)?.split_whitespace().collect();
        (!text.is_empty()).then(|| OneTimeCode::new(text))
    }

    /// A token; `None` where it is missing or can't be one.
    #[must_use]
    pub fn token(&self, name: &str) -> Option<Token> {
        self.text(name).filter(|text| is_token(text)).map(|text| Token::new(text.into_owned()))
    }
}

impl fmt::Debug for Fields<'_> {
    /// Fields hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(…)")
    }
}

/// Whether a text can be a token or a sealed text: `[A-Za-z0-9_-]`, and not empty.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn first_field_of_a_name_counts() {
        let fields = Fields::new(b"a=1&a=2&b&=x&c=%zz&d=%FF");
        for (name, value) in
            [("a", Some("1")), ("b", Some("")), ("c", Some("%zz")), ("d", Some("\u{fffd}")), ("e", None)]
        {
            assert_eq!(fields.text(name).as_deref(), value, "{name}");
        }
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn codes_lose_the_spaces_between_their_groups() {
        for (body, code) in [
            ("code=123456", Some("123456")),
            ("code=+123+456%09", Some("123456")),
            ("code=+", None),
            ("", None),
        ] {
            let read = Fields::new(body.as_bytes()).code("code");
            assert_eq!(read.as_ref().map(OneTimeCode::expose), code, "{body}");
        }
    }

    #[test]
    fn tokens_have_letters_digits_hyphens_and_underscores() {
        for (body, good) in [
            ("t=aZ0_-", true),
            ("t=", false),
            ("t=a+b", false),
            ("t=%00", false),
            ("t=a.b", false),
            ("", false),
        ] {
            assert_eq!(Fields::new(body.as_bytes()).token("t").is_some(), good, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let fields = Fields::new(&body);
            let _ = (fields.text("a"), fields.code("a"), fields.token("a"), fields.password("a"));
        }

        #[test]
        fn printed_fields_read_back(name in ".*", password in ".+") {
            let pairs = [("name", &name), ("password", &password)];
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let fields = Fields::new(body.as_bytes());
            let read = fields.text("name").unwrap();
            prop_assert_eq!(read.as_ref(), name);
            let read = fields.password("password").unwrap();
            prop_assert_eq!(read.expose(), password);
        }
    }
}
