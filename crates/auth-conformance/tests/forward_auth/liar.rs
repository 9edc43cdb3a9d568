//! What a client says of itself and of its request.

use auth_conformance::forward_proxy::ProxyKind;
use auth_conformance::http::Response;

use crate::fixtures::{IDENTITY, PASSWORD, Site, basic};

/// The headers by which a client claims to be another one, in every spelling that applications take for the same.
const CLAIMS: [&str; 9] = [
    "Remote-User: evil",
    "remote-user: evil",
    "REMOTE_USER: evil",
    "Remote_User: evil",
    "remote_user: evil",
    "Remote-Groups: evil",
    "Remote_Groups: evil",
    "Remote-Email: evil",
    "remote_subject: evil",
];

/// The headers by which a client claims to ask for something else.
const PLACES: [&str; 8] = [
    "X-Original-URL: https://wiki.example.org/public",
    "X-Original-Method: OPTIONS",
    "X-Forwarded-Uri: /public",
    "X-Forwarded-Method: OPTIONS",
    "X-Forwarded-Host: other.example.org",
    "X-Forwarded-Proto: gopher",
    "X-Forwarded-Prefix: /public",
    "X-Rewrite-URL: /public",
];

pub(crate) fn a_client_is_nobody_but_the_owner_of_its_credential(site: &Site) {
    for claim in CLAIMS {
        site.refused(401, claim, || site.get("/", &[claim]));
        let head = site.reached(&site.get("/", &[claim, &basic("eve", PASSWORD)]));
        head.is_of("eve", site.kind);
        let said: String = IDENTITY.iter().flat_map(|name| head.values(name)).collect();
        assert!(!said.contains("evil"), "{:?}, {claim}: {}", site.kind, head.0);
    }
    let eve = basic("eve", PASSWORD);
    let all = [&CLAIMS[..], &[&eve]].concat();
    let head = site.reached(&site.get("/", &all));
    head.is_of("eve", site.kind);
    assert!(!head.0.contains("evil"), "{:?}: {}", site.kind, head.0);
}

/// No header that names another path reaches an application, and no connection leaves HTTP/1 except for a web socket.
pub(crate) fn an_application_is_asked_for_what_was_allowed_alone(site: &Site) {
    let eve = basic("eve", PASSWORD);
    for place in PLACES.iter().filter(|place| place.contains("/public") || place.ends_with("OPTIONS")) {
        let head = site.reached(&site.get("/", &[place, &eve]));
        let name = place.split(':').next().unwrap().to_lowercase();
        let is_the_clients = |value: &&str| value.contains("public") || *value == "OPTIONS";
        assert!(!head.values(&name).iter().any(is_the_clients), "{:?}, {place}: {}", site.kind, head.0);
    }
    let before = site.application.count();
    let leave = ["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAA"];
    let answer: Response = site.get("/", &[&leave[..], &[&eve]].concat());
    // Envoy refuses it. No other proxy passes on what a server needs to leave HTTP/1.
    if answer.status != 403 || site.application.count() != before {
        let head = site.reached(&answer);
        assert!(
            head.values("http2-settings").iter().all(|value| value.is_empty()),
            "{:?}: {}",
            site.kind,
            head.0
        );
        let keeps = site.kind == ProxyKind::Traefik;
        let upgrade = head.values("upgrade");
        assert!(keeps || !upgrade.contains(&"h2c"), "{:?}: {}", site.kind, head.0);
    }
}

pub(crate) fn rules_hold_however_a_path_is_written(site: &Site) {
    let (ada, eve) = (basic("ada", PASSWORD), basic("eve", PASSWORD));
    site.reached(&site.get("/admin", &[&ada])).is_of("ada", site.kind);
    // A proxy may refuse or lead on itself; what counts is that nothing gets through.
    let never = |path: &str, headers: &[&str]| {
        let before = site.application.count();
        let answer: Response = site.get(path, headers);
        let is_refused = matches!(answer.status, 301 | 302 | 307 | 308 | 400 | 403 | 404 | 421);
        assert!(is_refused, "{:?}, {path} {headers:?}: {answer:?}", site.kind);
        assert_eq!(site.application.count(), before, "{:?}, {path} {headers:?}", site.kind);
    };
    for path in [
        "/admin",
        "/admin/",
        "/admin/users?x",
        "//admin",
        "/x/../admin",
        "/./admin",
        "/%61dmin",
        "/x/%2e%2e/admin",
        "/%2561dmin",
        "/x%2f..%2fadmin",
        "/admin;x",
        "/admin%2f",
        "/..%5cadmin",
    ] {
        never(path, &[&eve]);
    }
    for place in PLACES {
        never("/admin", &[&eve, place]);
        // Where it is not refused, it changes nothing.
        let answer = site.get("/page", &[&ada, place]);
        assert!(matches!(answer.status, 200 | 400), "{:?}, {place}: {answer:?}", site.kind);
        let is_kept_out = matches!(
            site.kind,
            ProxyKind::Nginx | ProxyKind::Traefik | ProxyKind::Envoy | ProxyKind::Haproxy
        );
        assert!(answer.status == 200 || !is_kept_out, "{:?}, {place}: {answer:?}", site.kind);
    }
    never("/admin", &[&[&*eve][..], &PLACES].concat());
    never("/page", &[&eve, "Host: other.example.org"]);
}
