//! `/livez` and `/readyz`.

use std::process::Command;

use auth_conformance::http::{self, Request};
use test_postgres::{Cluster, Durability};

use crate::{Watched, config};

const READY: &str = "ok serving\nok store\nok ring\nok outbox\n";

#[test]
fn server_that_answers_is_alive_and_ready_and_says_so_at_its_own_address_alone() {
    let watched = Watched::start(config());
    for (path, text) in [("/livez", "ok tasks\n"), ("/readyz", READY)] {
        let response = watched.get(path);
        assert_eq!((response.status, response.text().as_str()), (200, text), "{path}");
        assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        let post = http::send(watched.address, &Request::new("POST", path)).unwrap();
        assert_eq!(post.status, 405, "{path}");
        let elsewhere = watched.server.send(&Request::new("GET", path)).unwrap();
        assert!(elsewhere.status >= 400 && elsewhere.text() != text, "{path}: a path of the protocols");
    }
    assert_eq!(watched.get("/healthz").status, 404);
    crate::server::stop(watched.server);
}

#[test]
fn server_whose_store_belongs_to_another_key_ring_is_not_ready_and_lives_on() {
    let watched = Watched::start(config());
    let program = "import sqlite3, sys\n\
         store = sqlite3.connect(sys.argv[1])\n\
         store.execute(\"update meta set value = x'00' where name = 'key-ring-check'\")\n\
         store.commit()";
    let store = watched.server.dir().join("auth.db");
    assert!(Command::new("python3").args(["-c", program]).arg(store).status().unwrap().success());
    let response = watched.wait_for("/readyz", 503);
    let text = "ok serving\nok store\nfailed ring: the store belongs to another key ring\nok outbox\n";
    assert_eq!(response.text(), text);
    assert_eq!(watched.get("/livez").status, 200);
    crate::server::stop(watched.server);
}

#[test]
fn server_is_not_ready_while_its_database_is_gone() {
    let mut cluster = Cluster::start(Durability::None).unwrap();
    let url = cluster.database().unwrap();
    let watched = Watched::start(config().set("store.url", url.as_str()));
    assert_eq!(watched.get("/readyz").text(), READY);
    cluster.kill().unwrap();
    let response = watched.wait_for("/readyz", 503);
    let text =
        "ok serving\nfailed store: can't be read\nfailed ring: not known without the store\nok outbox\n";
    assert_eq!(response.text(), text);
    let metrics = watched.get("/metrics").text();
    assert!(metrics.lines().any(|line| line == "auth_server_store_up 0"), "{metrics}");
    assert_eq!(watched.get("/livez").status, 200, "a restart would not help");
    cluster.restart().unwrap();
    assert_eq!(watched.wait_for("/readyz", 200).text(), READY);
    crate::server::stop(watched.server);
}

/// Sets how large files may grow that the server writes: with `0` it is as if its disk were full.
fn limit_files(watched: &Watched, bytes: &str) {
    let pid = watched.server.pid().unwrap();
    let mut command = Command::new("prlimit");
    command.args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:unlimited")]);
    assert!(command.status().unwrap().success(), "prlimit is part of util-linux");
}

#[test]
fn server_whose_disk_is_full_lives_tells_so_and_goes_on_when_there_is_room_again() {
    const PASSWORD: &str = "correct-horse-battery-9876";
    let watched = Watched::start(config());
    let rocketchat = Request::new("POST", "/api/v1/login")
        .json(&serde_json::json!({"user": "iago", "password": PASSWORD}));
    let zulip = Request::new("POST", "/api/v1/fetch_api_key")
        .form(&format!("username=iago%40zulip.com&password={PASSWORD}"));
    let zettelstore = Request::new("POST", "/a").basic("iago", PASSWORD);
    limit_files(&watched, "0");
    assert_eq!(watched.get("/readyz").text(), READY, "nobody wanted to write");
    for (request, form) in [
        (&rocketchat, "\"success\":false"),
        (&zulip, "\"result\":\"error\""),
        (&zettelstore, "Service Unavailable"),
    ] {
        let refused = watched.server.send(request).unwrap();
        assert!(refused.status >= 500 && refused.text().contains(form), "{}: {refused:?}", refused.text());
    }
    let response = watched.wait_for("/readyz", 503);
    assert_eq!(response.text(), "ok serving\nfailed store: can't be written\nok ring\nok outbox\n");
    assert_eq!(watched.get("/livez").status, 200, "a restart would not help");
    assert_eq!(watched.get("/metrics").status, 200);

    limit_files(&watched, "unlimited");
    assert_eq!(watched.wait_for("/readyz", 200).text(), READY);
    for request in [&rocketchat, &zulip, &zettelstore] {
        let granted = watched.server.send(request).unwrap();
        assert_eq!(granted.status, 200, "{}", granted.text());
    }
    crate::server::stop(watched.server);
}
