//! Reading what a proxy asks panics for nothing; what is read has one form, and leads to no other host.
#![no_main]

use auth_proto_forward::Dialect;
use auth_proto_forward::decode::cookies::Cookies;
use auth_proto_forward::decode::credential::presented;
use auth_proto_forward::decode::path::normalised;
use auth_proto_forward::decode::question::{Question, host_of};
use auth_proto_forward::decode::return_address::ReturnAddress;

libfuzzer_sys::fuzz_target!(|sent: &[u8]| {
    // Lines of headers, the first of which is the target of the request.
    let mut lines = sent.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let uri = std::str::from_utf8(target).ok().and_then(|text| text.parse().ok());
    let mut request = http::Request::new(());
    *request.uri_mut() = uri.unwrap_or_default();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = http::HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            request.headers_mut().append(name, value);
        }
    }
    let hosts = ["wiki.example.org".to_owned()];
    for (dialect, _) in Dialect::ALL {
        let Ok(question) = Question::of(dialect, &request) else { continue };
        assert_eq!(host_of(&question.host).as_deref(), Some(question.host.as_str()));
        assert!(
            question.path().starts_with('/') && question.target.bytes().all(|byte| byte.is_ascii_graphic())
        );
        if let Some(path) = normalised(question.path()) {
            assert!(path.starts_with('/') && !path.contains("//"));
            assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
        }
    }
    let cookies = Cookies::of(request.headers());
    let _ = presented(request.headers(), &cookies);
    if let Some(others) = &cookies.others {
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::COOKIE, others.clone());
        let again = Cookies::of(&headers);
        assert!(again.forward.is_empty() && again.session.is_none());
    }
    if let Some(address) =
        std::str::from_utf8(target).ok().and_then(|text| ReturnAddress::parse(text, &hosts))
    {
        assert!(address.as_str().starts_with("https://wiki.example.org/"));
    }
});
