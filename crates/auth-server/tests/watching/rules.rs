//! The alerts and the dashboard of `deploy/prometheus`, by Prometheus itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use auth_conformance::clock::Stopwatch;
use auth_conformance::http::{self, Request};
use auth_conformance::process::{Process, free_address};
use serde_json::{Value, json};

use crate::metrics::documented;
use crate::{Watched, config};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// The queries of the dashboard, as Grafana sends them.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap());
    queries.map(|query| query.replace("$__rate_interval", "1m").replace("$instance", ".*")).collect()
}

#[test]
fn alerts_are_raised_and_stay_quiet_as_their_tests_say_and_each_has_both() {
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
        let output = Command::new("promtool").args(arguments).current_dir(deploy("")).output().unwrap();
        let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success(), "{arguments:?}: {told:?}");
    }
    let (alerts, tests) = (read("alerts.yml"), read("alerts_test.yml"));
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        for kind in ["raised", "quiet"] {
            assert!(tests.contains(&format!("- name: {name}, {kind}\n")), "{name}, {kind}");
        }
    }
}

#[test]
fn alerts_and_dashboard_ask_for_documented_metrics_and_leave_none_out() {
    let documented: BTreeSet<String> = documented().into_keys().collect();
    let words = |text: &str| -> BTreeSet<String> {
        let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let words = text.split(|letter| !is_part(letter)).filter(|word| word.starts_with("auth_server_"));
        words.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
    };
    let alerts = words(&read("alerts.yml"));
    assert!(alerts.is_subset(&documented), "{:?}", alerts.difference(&documented));
    assert_eq!(words(&queries().join("\n")), documented);
}

/// A Prometheus that asks a server each second.
struct Prometheus {
    address: std::net::SocketAddr,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn start(watched: &Watched) -> Self {
        let (folder, address) = (tempfile::tempdir().unwrap(), free_address().unwrap());
        let file = folder.path().join("prometheus.yml");
        let target = watched.address();
        let config = format!(
            "global: {{ scrape_interval: 1s }}\nrule_files: ['{}']\nscrape_configs:\n  - job_name: auth-server\n    \
             static_configs: [{{ targets: ['{target}'] }}]\n",
            deploy("alerts.yml").display()
        );
        fs::write(&file, config).unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap());
        let mut process = Process::spawn(&mut command).unwrap();
        process.wait_until_listening(address, &log).unwrap();
        let clock = Stopwatch::start();
        while http::send(address, &Request::new("GET", "/-/ready")).unwrap().status != 200 {
            assert!(clock.elapsed().as_secs() < 20, "Prometheus is not ready");
            std::thread::yield_now();
        }
        Self { address, _process: process, _folder: folder }
    }

    /// The result of a query: how many series it gives.
    fn ask(&self, query: &str) -> usize {
        let request = Request::new("POST", "/api/v1/query");
        let form: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
        let reply = http::send(self.address, &request.form(&form)).unwrap();
        let reply = reply.json().unwrap_or_else(|| panic!("{query}: {}", reply.text()));
        assert_eq!(reply["status"], "success", "{query}: {reply}");
        reply["data"]["result"].as_array().unwrap().len()
    }
}

#[test]
fn every_query_of_the_dashboard_has_an_answer() {
    let watched = Watched::start(config());
    let prometheus = Prometheus::start(&watched);
    let clock = Stopwatch::start();
    let mut unanswered: BTreeMap<String, bool> = queries().into_iter().map(|query| (query, true)).collect();
    // There is no directory here, no mail and no backup.
    let only_elsewhere = ["_directory_", "_mail_oldest_", "_backup_"];
    let is_elsewhere = |query: &str| only_elsewhere.iter().any(|part| query.contains(part));
    while unanswered.iter().any(|(query, _)| !is_elsewhere(query)) {
        let login = json!({"user": "iago", "password": "correct-horse-battery-9876"});
        watched.server.send(&Request::new("POST", "/api/v1/login").json(&login)).unwrap();
        let wrong = json!({"user": "nobody", "password": "wrong"});
        watched.server.send(&Request::new("POST", "/api/v1/login").json(&wrong)).unwrap();
        unanswered.retain(|query, _| prometheus.ask(query) == 0);
        assert!(clock.elapsed().as_secs() < 60, "{:#?}", unanswered.keys());
    }
    assert_eq!(unanswered.len(), 4, "{:#?}", unanswered.keys());
    assert_eq!(prometheus.ask("up{job=\"auth-server\"} == 1"), 1);
    crate::server::stop(watched.server);
}
