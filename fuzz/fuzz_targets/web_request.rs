//! Reading what a browser sends to the pages panics for nothing, and a path that is taken stays at this site.
#![no_main]

use auth_pages::asked_for;
use auth_proto_web::decode::cookies::Cookies;
use auth_proto_web::decode::fields::Fields;
use auth_proto_web::decode::host::subdomain;
use auth_proto_web::decode::next::Next;
use auth_proto_web::decode::sender::Sender;

libfuzzer_sys::fuzz_target!(|sent: &[u8]| {
    let fields = Fields::new(sent);
    let _ = (fields.password("password"), fields.code("code"), fields.token("form"));
    if let Some(next) = fields.text("next").and_then(|next| Next::parse(&next)) {
        let path = next.as_str();
        assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && path.is_ascii());
        assert!(http::HeaderValue::from_str(path).is_ok());
    }
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_bytes(sent) {
        for name in ["cookie", "accept-language", "sec-fetch-site"] {
            headers.insert(name, value.clone());
        }
    }
    let _ = (Cookies::of(&headers), asked_for(&headers), Sender::of(&headers, "https://auth.example.org"));
    let _ = subdomain(&String::from_utf8_lossy(sent), "example.org");
});
