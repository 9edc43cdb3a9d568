//! A browser without a credential.

use crate::fixtures::{HOST, PASSWORD, Site, basic, cookie};

const HTML: &str = "Accept: text/html,*/*;q=0.8";

pub(crate) fn is_led_to_the_pages_and_back(site: &Site) {
    let address = site.proxy.address();
    let answer = site.refused(303, "a page", || site.get("/a?b=c", &[HTML]));
    let location = answer.header("location").unwrap();
    assert_eq!(
        location,
        "https://auth.example.org/forward/sign-in?return_to=https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3Dc",
        "{:?}",
        site.kind
    );
    let page = location.strip_prefix("https://auth.example.org").unwrap();
    let first = site.page(page, "");
    assert_eq!(first.status, 303);
    let (session, answer) = site.sign_in("ada", first.header("location").unwrap());
    assert_eq!(answer.header("location"), Some(page));
    let back = site.page(page, &session);
    assert_eq!((back.status, back.header("location")), (303, Some(format!("https://{HOST}/a?b=c").as_str())));
    let forward = format!("Cookie: {}", cookie(&back, "__Secure-auth-forward"));
    site.reached(&site.get("/a?b=c", &[HTML, &forward])).is_of("ada", site.kind);

    let post = ["--request", "POST", "--data-raw", "x"];
    site.refused(401, "a form", || site.ask(address, &post, "/a", &[HTML]));
    let script = site.refused(401, "a script", || {
        site.get("/a", &["Accept: application/json", "Sec-Fetch-Site: same-origin"])
    });
    assert!(script.header("www-authenticate").is_some_and(|ask| ask.starts_with("Bearer ")), "{script:?}");
    site.reached(&site.get("/", &[HTML, &basic("ada", PASSWORD)])).is_of("ada", site.kind);

    // The cookie is of no use at the pages, and ends with the session there.
    let forward_alone = forward.strip_prefix("Cookie: ").unwrap();
    assert_eq!(site.page("/account", forward_alone).status, 303);
    let renamed = forward_alone.replace("__Secure-auth-forward", "__Host-auth-session");
    assert_eq!(site.page("/account", &renamed).header("location"), Some("/sign-in?next=%2Faccount"));
    site.command(&["user", "end-sessions", "ada"]);
    site.refused(303, "after the session has ended", || site.get("/a", &[HTML, &forward]));
}
