//! The shell lines of docs/operating.md, run as they stand there.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::path::Path;
use std::process::Command;

const MANUAL: &str = include_str!("../../../docs/operating.md");

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@example.org","email_verified":true,"password":"correct-horse-battery-9876","zulip_api_key":"gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"}
{"kind":"user","realm":"main","username":"hamlet","email":"hamlet@example.org","password":"correct-horse-battery-9876"}
"#;

/// The blocks of shell lines, each with the sentence before it.
fn tasks() -> Vec<(String, &'static str)> {
    let mut tasks = Vec::new();
    let mut rest = MANUAL;
    while let Some((before, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```").unwrap();
        tasks.push((before.trim().rsplit("\n\n").next().unwrap().to_owned(), block));
        rest = after;
    }
    tasks
}

#[test]
fn each_task_of_the_manual_is_done_by_its_lines() {
    let tasks = tasks();
    assert!(tasks.len() >= 20, "{} tasks", tasks.len());
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    let config = server::config()
        .set("admin.socket", socket.to_str().unwrap())
        .set("web.url", "http://localhost:8080")
        .set("log.level", "info");
    let server = server::start(&config, USERS);
    let programs = server::binary().parent().unwrap();
    for (what, lines) in tasks {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &format!("PATH=\"$PROGRAMS:$PATH\"\n{lines}")])
            .current_dir(server.dir())
            .env("AUTH_SERVER_SOCKET", &socket)
            .env("PROGRAMS", programs)
            .output()
            .unwrap();
        let told = [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(output.status.success(), "{what}\n{lines}{told}");
    }
    // What the lines were to leave behind.
    let dir: &Path = server.dir();
    let link = std::fs::read_to_string(dir.join("link.txt")).unwrap();
    assert!(link.starts_with("http://localhost:8080/reset-password/"), "{link}");
    let audit = std::fs::read_to_string(dir.join("audit.jsonl")).unwrap();
    for act in
        ["sessions-ended", "device-removed", "user-created", "profile-updated", "deleted", "realm-written"]
    {
        assert!(audit.contains(&format!("\"act\":\"{act}\"")), "{act}");
    }
    assert!(dir.join("copy.db").metadata().unwrap().len() > 0);
    server::stop(server);
}
