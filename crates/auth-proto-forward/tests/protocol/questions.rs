//! What proxies ask, in each dialect, and what they are answered.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    BodyRule, InternalError, LoginError, Peer, Protocol, ProtocolName, RequestError, Role, SecretReply, User,
};
use auth_proto_forward::{Config, Dialect, Rule};
use http::{HeaderMap, Method};

use crate::fixtures::{
    CLIENT, PROXY, ada, ask, config, header, protocol, question, request, services, services_for, status,
    with_cookie,
};

const ALL: [Dialect; 3] = [Dialect::Nginx, Dialect::XForwarded, Dialect::Envoy];
const GOOD: (&str, &str) = ("authorization", "Bearer good");
const BAD: (&str, &str) = ("authorization", "Bearer bad");
const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9");

#[tokio::test]
async fn each_dialect_is_answered_with_who_is_there() {
    for dialect in ALL {
        let services = services().on_groups(|_| Ok(Arc::from(["crew".to_owned(), "staff".to_owned()])));
        let (protocol, services) = protocol(config(dialect), services);
        for method in ["GET", "POST", "HEAD", "OPTIONS", "PROPFIND"] {
            let sent = [GOOD, ("cookie", "a=1; b=2"), ("upgrade", "websocket"), ("connection", "upgrade")];
            let answer = ask(&protocol, question(dialect, method, "wiki.example.org/page?x", &sent)).await;
            assert_eq!(status(&answer), 200, "{dialect:?} {method}");
            let told = ["remote-user", "remote-email", "remote-name", "remote-groups", "cookie"];
            let told = told.map(|name| header(&answer, name).unwrap_or_default());
            assert_eq!(
                told,
                ["ada", "ada@example.org", "Ada Lovelace", "crew,staff", "a=1; b=2"],
                "{dialect:?}"
            );
            assert_eq!(header(&answer, "remote-subject"), Some(ada().id.to_string().as_str()));
            assert!(answer.response.body().is_empty());
        }
        assert!(services.attempts().is_empty() && services.actions().is_empty(), "nothing is written");
        assert_eq!(services.checks()[0].peer.address.to_string(), CLIENT);
    }
}

#[tokio::test]
async fn whoever_is_unknown_is_led_to_the_pages_where_that_is_of_use() {
    let location =
        "https://auth.example.org/forward/sign-in?return_to=https%3A%2F%2Fwiki.example.org%2Fa%3Fb%3Dc";
    for (dialect, cookie, method, sent, expected, leads) in [
        (Dialect::XForwarded, true, "GET", &[PAGE][..], 303, true),
        (Dialect::Envoy, true, "GET", &[PAGE], 303, true),
        (Dialect::Nginx, true, "GET", &[PAGE], 401, true),
        (Dialect::XForwarded, true, "HEAD", &[PAGE, BAD], 303, true),
        (Dialect::XForwarded, true, "POST", &[PAGE], 401, false),
        (Dialect::XForwarded, true, "GET", &[("accept", "application/json")], 401, false),
        (Dialect::XForwarded, true, "GET", &[("accept", "*/*")], 401, false),
        (Dialect::XForwarded, true, "GET", &[], 401, false),
        (Dialect::XForwarded, false, "GET", &[PAGE], 401, false),
        (Dialect::Nginx, false, "GET", &[BAD], 401, false),
    ] {
        let config = if cookie { with_cookie(dialect) } else { config(dialect) };
        let (protocol, _) = protocol(config, services());
        let answer = ask(&protocol, question(dialect, method, "wiki.example.org/a?b=c", sent)).await;
        let case = format!("{dialect:?} {cookie} {method} {sent:?}");
        assert_eq!(status(&answer), expected, "{case}");
        assert_eq!(header(&answer, "location"), leads.then_some(location), "{case}");
        assert_eq!(
            answer.response.headers().get_all("www-authenticate").iter().count(),
            usize::from(expected == 401)
        );
        assert_eq!(header(&answer, "cache-control"), Some("no-store"), "{case}");
        assert!(header(&answer, "remote-user").is_none() && header(&answer, "cookie").is_none(), "{case}");
    }
}

#[tokio::test]
async fn browsers_are_shown_no_window_where_there_are_pages() {
    for (cookie, sent, scheme) in [
        (true, &[PAGE][..], "Bearer"),
        (true, &[("sec-fetch-site", "same-origin")], "Bearer"),
        (true, &[], "Basic"),
        (false, &[PAGE], "Basic"),
    ] {
        let config = if cookie { with_cookie(Dialect::Nginx) } else { config(Dialect::Nginx) };
        let (protocol, _) = protocol(config, services());
        let answer = ask(&protocol, question(Dialect::Nginx, "GET", "wiki.example.org/", sent)).await;
        assert!(header(&answer, "www-authenticate").unwrap().starts_with(scheme), "{cookie} {sent:?}");
    }
}

#[tokio::test]
async fn only_trusted_proxies_are_answered() {
    for dialect in ALL {
        let (protocol, services) = protocol(config(dialect), services());
        let sent = question(dialect, "GET", "wiki.example.org/", &[GOOD]);
        for (peer, expected) in [
            (Peer::new(CLIENT.parse().unwrap()), 403),
            // The client's own address may be a proxy's; what counts is who is connected.
            (Peer::new(PROXY.parse().unwrap()).through(CLIENT.parse().unwrap()), 403),
            (Peer::new(CLIENT.parse().unwrap()).through(PROXY.parse().unwrap()), 200),
        ] {
            let answer = protocol.handle(sent.clone(), &peer).await;
            assert_eq!(status(&answer), expected, "{dialect:?} {peer:?}");
        }
        assert_eq!(services.checks().len(), 1, "of others nothing is looked at");
    }
}

#[tokio::test]
async fn a_question_that_is_mixed_or_broken_is_refused_before_any_credential_is_looked_at() {
    for dialect in ALL {
        let (protocol, services) = protocol(config(dialect), services());
        for lie in ["x-original-url", "x-original-method", "x-forwarded-uri", "x-forwarded-method"] {
            let sent = question(dialect, "GET", "wiki.example.org/", &[GOOD, (lie, "/public")]);
            assert_eq!(status(&ask(&protocol, sent).await), 400, "{dialect:?} {lie}");
        }
        let nothing = request("GET", "/forward/auth", &[GOOD]);
        assert_eq!(status(&ask(&protocol, nothing).await), 400, "{dialect:?}");
        let other = question(dialect, "GET", "other.example.org/", &[GOOD]);
        assert_eq!(status(&ask(&protocol, other).await), 403, "{dialect:?}");
        assert!(services.checks().is_empty());
    }
}

#[tokio::test]
async fn rules_are_by_host_path_role_and_group() {
    let rule = |host: &str, path: Option<&str>, roles: &[Role], groups: &[&str]| Rule {
        host: Some(host.to_owned()),
        path: path.map(str::to_owned),
        roles: roles.to_vec(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    let rules = vec![
        rule("wiki.example.org", Some("/admin"), &[Role::Owner, Role::Admin], &["root"]),
        rule("wiki.example.org", None, &[], &["staff"]),
    ];
    for (role, groups, url, expected) in [
        (Role::Member, &["staff"][..], "wiki.example.org/", 200),
        (Role::Member, &["staff"], "wiki.example.org/admin", 403),
        (Role::Member, &["staff"], "wiki.example.org/x/..//%61dmin/users", 403),
        (Role::Member, &["staff"], "wiki.example.org/admin%2fx", 400),
        (Role::Member, &["staff"], "wiki.example.org/..%2fadmin", 400),
        (Role::Member, &["staff"], "wiki.example.org/%2561dmin", 400),
        (Role::Member, &["root"], "wiki.example.org/admin", 200),
        (Role::Admin, &[], "wiki.example.org/admin", 200),
        (Role::Admin, &[], "wiki.example.org/", 403),
        (Role::Guest, &[], "wiki.example.org./", 403),
        (Role::Guest, &[], "git.example.org/any%2Fpath", 200),
    ] {
        for dialect in ALL {
            let groups: Arc<[String]> = groups.iter().map(|group| (*group).to_owned()).collect();
            let services = services_for(User { role, ..ada() }).on_groups(move |_| Ok(Arc::clone(&groups)));
            let config = Config { rules: rules.clone(), ..config(dialect) };
            let (protocol, _) = protocol(config, services);
            let answer = ask(&protocol, question(dialect, "GET", url, &[GOOD])).await;
            assert_eq!(status(&answer), expected, "{dialect:?} {role:?} {url}");
        }
    }
}

#[tokio::test]
async fn a_body_is_never_waited_for() {
    let (protocol, _) = protocol(config(Dialect::Nginx), services());
    for path in ["/forward/auth", "/forward/auth/x", "/forward/sign-in", "/forward/x"] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let route = protocol.route(path);
            assert_eq!(
                protocol.body_rule(&route, &method, &HeaderMap::new()),
                BodyRule::Ignored,
                "{method} {path}"
            );
        }
    }
    assert_eq!(protocol.name(), ProtocolName::FORWARD);
    assert_eq!(status(&ask(&protocol, request("GET", "/forward/x", &[])).await), 404);
}

#[tokio::test]
async fn limits_and_outages_are_told_apart_from_refusals() {
    let basic = ("authorization", "Basic YWRhOng=");
    let limited = LoginError::ClientLimited { retry_after: Duration::from_secs(7) };
    let outage = LoginError::Internal(InternalError::unavailable("the store is gone"));
    let busy = LoginError::Internal(InternalError::busy(Duration::from_secs(3)));
    for (error, expected, wait) in [
        (limited, 429, Some("7")),
        (outage, 503, None),
        (busy, 503, Some("3")),
        (LoginError::UserInactive, 401, None),
    ] {
        let told = error.clone();
        let services =
            services().on_secret(move |_| SecretReply { result: Err(told.clone()), not_before: None });
        let (protocol, _) = protocol(config(Dialect::Envoy), services);
        let answer = ask(&protocol, question(Dialect::Envoy, "GET", "wiki.example.org/", &[basic])).await;
        assert_eq!((status(&answer), header(&answer, "retry-after")), (expected, wait), "{error}");
        assert_eq!(answer.error.is_some(), expected == 503, "{error}");
    }
    let groups = services().on_groups(|_| Err(InternalError::unavailable("the store is gone")));
    let (protocol, _) = protocol(config(Dialect::Envoy), groups);
    let answer = ask(&protocol, question(Dialect::Envoy, "GET", "wiki.example.org/", &[GOOD])).await;
    assert_eq!(status(&answer), 503);
    for (error, expected) in [
        (RequestError::BodyTooSlow, 408),
        (RequestError::BodyBroken, 400),
        (RequestError::Banned, 403),
        (RequestError::Internal(InternalError::defect("x")), 500),
    ] {
        assert_eq!(status(&protocol.refuse(error)), expected);
    }
}
