//! The addresses of clients, as the log of attempts has them.

use serde_json::Value;

use crate::fixtures::{CLIENT, Site, basic};

/// The client of the newest attempt of a name.
fn client_of(site: &Site, outcome: &str) -> String {
    // Attempts are written in batches: the command asks the running server, which writes them first.
    let printed =
        site.command(&["attempts", "--json", "--protocol", "forward", "--last", "1", "--outcome", outcome]);
    let row: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    row["client"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()
}

pub(crate) fn are_the_clients_own_behind_one_proxy_and_behind_two(site: &Site) {
    let wrong = basic("ada", "wrong");
    for lie in ["X-Real-IP: 203.0.113.1", "X-Forwarded-For: 203.0.113.1", "Forwarded: for=203.0.113.1"] {
        site.refused(401, lie, || site.get("/", &[&wrong, lie]));
        assert_eq!(client_of(site, "wrong-password"), CLIENT, "{:?}, {lie}", site.kind);
    }
    let front = site.proxy.front(&site.server).unwrap();
    for lie in ["X-Real-IP: 203.0.113.2", "X-Forwarded-For: 203.0.113.2", "Forwarded: for=\"203.0.113.2"] {
        site.refused(401, lie, || site.ask(front.address(), &[], "/", &[&wrong, lie]));
        assert_eq!(client_of(site, "wrong-password"), CLIENT, "{:?} behind nginx, {lie}", site.kind);
    }
}

pub(crate) fn limits_are_told_to_the_client(site: &Site) {
    let wrong = basic("eve", "wrong");
    let statuses: Vec<u16> = (0..11).map(|_| site.get("/", &[&wrong]).status).collect();
    assert_eq!(statuses[..10], [401; 10], "{:?}", site.kind);
    let answer = site.refused(429, "too many attempts", || site.get("/", &[&wrong]));
    assert!(answer.header("retry-after").is_some(), "{:?}: {answer:?}", site.kind);
}
