//! Request bodies as Rocket.Chat's router reads them.

use auth_core::without_byte_order_mark;
use serde_json::{Map, Value};

/// Reads a body into an object of parameters, or into an array where JSON holds one. `content_type` is the
/// value of that header, or empty where the request has none.
///
/// A body that can't be read is an empty object, never an error: malformed JSON, multipart forms, JSON that
/// is neither object nor array, text of any other type. Of fields given twice, the last one counts.
///
/// ```
/// use auth_proto_rocketchat::decode::body;
/// use serde_json::json;
/// let form = b"application/x-www-form-urlencoded";
/// assert_eq!(body(form, b"user=my%40email.com&password=a+b"), json!({"user": "my@email.com", "password": "a b"}));
/// ```
#[must_use]
pub fn body(content_type: &[u8], bytes: &[u8]) -> Value {
    let is =
        |media: &[u8]| content_type.windows(media.len()).any(|window| window.eq_ignore_ascii_case(media));

    let parsed = if is(b"multipart/form-data") {
        Value::Null
    } else if is(b"application/json") {
        serde_json::from_slice(without_byte_order_mark(bytes)).unwrap_or_default()
    } else if is(b"application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(bytes);
        fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
    } else {
        // Rocket.Chat makes an object of the characters by number, which no call looks at.
        Value::Null
    };
    match parsed {
        Value::Object(_) | Value::Array(_) => parsed,
        _ => Value::Object(Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const JSON: &[u8] = b"application/json";
    const FORM: &[u8] = b"application/x-www-form-urlencoded";

    fn check(content_type: &str, bytes: &[u8], expected: &Value) {
        let read = body(content_type.as_bytes(), bytes);
        assert_eq!(&read, expected, "{content_type} {}", bytes.escape_ascii());
    }

    #[test]
    fn body_is_read_as_its_type_says() {
        let user = json!({"user": "a"});
        let nothing = json!({});
        for (content_type, bytes, expected) in [
            ("application/json", &b"{\"user\":\"a\"}"[..], &user),
            ("application/json; charset=utf-8", b" {\"user\":\"a\"} ", &user),
            ("application/json", b"\xEF\xBB\xBF{\"user\":\"a\"}", &user),
            ("Application/JSON", b"{\"user\":\"a\"}", &user),
            ("application/json", b"{\"user\":\"b\",\"user\":\"a\"}", &user),
            ("application/json", b"{\"user\":\"a\",", &nothing),
            ("application/json", b"{\"user\":\"\xff\"}", &nothing),
            ("application/json", b"", &nothing),
            ("application/json", b"null", &nothing),
            ("application/json", b"7", &nothing),
            ("application/json", b"\"user\"", &nothing),
            ("application/json", b"[1]", &json!([1])),
            ("application/x-www-form-urlencoded", b"user=a", &user),
            ("application/x-www-form-urlencoded; charset=UTF-8", b"user=b&user=a", &user),
            ("application/x-www-form-urlencoded", b"", &nothing),
            ("multipart/form-data; boundary=application/json", b"{\"user\":\"a\"}", &nothing),
            ("text/plain", b"{\"user\":\"a\"}", &nothing),
            ("application/json-seq", b"{\"user\":\"a\"}", &user),
            ("", b"{\"user\":\"a\"}", &nothing),
            ("", b"", &nothing),
        ] {
            check(content_type, bytes, expected);
        }
    }

    #[test]
    fn json_nested_too_deep_is_an_empty_object() {
        let deep = "[".repeat(100_000);
        check("application/json", deep.as_bytes(), &json!({}));
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_object_or_an_array(
            content_type in prop::collection::vec(any::<u8>(), 0..40),
            bytes in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            for header in [&content_type[..], JSON, FORM] {
                let read = body(header, &bytes);
                prop_assert!(read.is_object() || read.is_array());
            }
        }

        #[test]
        fn printed_forms_read_back(fields in prop::collection::btree_map(".*", ".*", 0..6)) {
            let printed = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            prop_assert_eq!(body(FORM, printed.as_bytes()), json!(fields));
        }

        #[test]
        fn printed_json_reads_back(fields in prop::collection::btree_map(".*", ".*", 0..6)) {
            prop_assert_eq!(body(JSON, &serde_json::to_vec(&fields).unwrap()), json!(fields));
        }
    }
}
