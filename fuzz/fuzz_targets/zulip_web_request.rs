//! Reading what a browser sends to Zulip's pages panics for nothing: a masked secret is read back, and no `next` leads to
//! another site.
#![no_main]

use std::net::IpAddr;

use auth_core::{Peer, Token};
use auth_proto_zulip::decode::assertion;
use auth_proto_zulip::decode::cookies::Cookies;
use auth_proto_zulip::decode::csrf::{self, Sent};
use auth_proto_zulip::decode::next;
use auth_proto_zulip::{DesktopKey, RemoteUser};
use ipnet::IpNet;

const SITE: &str = "https://zulip.example.org";

libfuzzer_sys::fuzz_target!(|sent: &[u8]| {
    let text = String::from_utf8_lossy(sent);
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_bytes(sent) {
        headers.insert("cookie", value);
    }
    for is_secure in [true, false] {
        let cookie = Cookies::of(&headers, is_secure).csrf;
        let _ = csrf::check(&Sent {
            is_secure,
            host: "zulip.example.org",
            origin: None,
            referer: Some(&text),
            cookie: cookie.as_ref(),
            field: Some(&text),
            header: None,
        });
    }
    if let Ok(secret) = csrf::secret_of(&text) {
        let masked = csrf::mask(&secret, &"zA9b".repeat(8));
        assert!(csrf::secret_of(masked.expose()) == Ok(Token::new(secret.expose())));
    }
    let _ = assertion::email_of(&text);
    let _ = DesktopKey::parse(&text).map(|key| key.open(&text));
    if let Ok(key) = DesktopKey::parse(&"1234abcd".repeat(8)) {
        assert_eq!(key.open(&text), None);
    }
    let fronts = RemoteUser {
        header: http::header::COOKIE,
        proxies: vec![IpNet::from(IpAddr::from([192, 0, 2, 7]))],
        append_domain: None,
        only: false,
    };
    if let Some(user) = fronts.address(&headers, &Peer::new([192, 0, 2, 7].into())) {
        assert!(!user.is_empty() && user.trim() == user);
        assert_eq!(fronts.address(&headers, &Peer::new([192, 0, 2, 1].into())), None);
    }
    for location in [next::on_site(SITE, &text), next::after_form(SITE, &text, "/")] {
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()) && !location.contains('\\'));
        let is_here = location.starts_with(SITE)
            && matches!(location.as_bytes().get(SITE.len()), None | Some(b'/' | b'?' | b'#'));
        let head = location.split(['/', '?', '#']).next().unwrap_or_default();
        let is_relative = !location.starts_with("//") && !head.contains(':');
        assert!(is_here || is_relative, "{location}");
    }
});
