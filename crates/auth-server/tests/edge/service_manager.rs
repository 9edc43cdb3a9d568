//! What the service manager passes to the built binary, and what it is told.

use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use auth_conformance::Server;
use auth_conformance::process::free_address;
use serde_json::json;

use crate::asking::{AtEnd, SETTINGS, USERS, ask_until, config, curl};
use crate::server;

/// A Python program that holds a socket as a service manager does, and starts the server with it again and again: at its start, and
/// when it reads a line. A number in front of the line is the signal by which the server before is ended.
const MANAGER: &str = r#"
import os, signal, socket, subprocess, sys
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(held.fileno(), 3)
os.set_inheritable(3, True)
shell = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec "$@"'
def start():
    return subprocess.Popen(["sh", "-c", shell, "sh", *sys.argv[2:]], pass_fds=[3])
server = start()
for line in sys.stdin:
    server.send_signal(int(line))
    server.wait()
    server = start()
    print("restarted", flush=True)
server.terminate()
sys.exit(server.wait())
"#;

/// The service manager's stand-in, with the server that it runs.
struct Manager(Child);

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_passed_socket_outlives_restarts_and_no_connection_is_refused() {
    let address = free_address().unwrap();
    let server =
        Server::prepare(server::binary(), &config(&[]).set("server.listen", json!(["systemd:http"])));
    let server = server.unwrap();
    server.import(USERS).unwrap();
    let file = server.dir().join("auth.toml");
    let manager = Command::new("python3")
        .args(["-c", MANAGER, &address.port().to_string()])
        .arg(server::binary())
        .args([Path::new("serve"), Path::new("--config"), &file])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut manager = Manager(manager.unwrap());
    let url = format!("http://{address}{SETTINGS}");
    // The socket is there as soon as the stand-in runs.
    let first = curl(&["--retry", "20", "--retry-connrefused", "--retry-delay", "1", &url]);
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let _end = AtEnd(&stop);
        for _ in 0..2 {
            scope.spawn(|| {
                let done = ask_until(&stop, || {
                    let answer = curl(&["--max-time", "20", &url]);
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                });
                count.fetch_add(done, Ordering::Relaxed);
            });
        }
        for _ in 0..3 {
            writeln!(manager.0.stdin.as_mut().unwrap(), "15").unwrap();
            let mut restarted = [0; 10];
            manager.0.stdout.as_mut().unwrap().read_exact(&mut restarted).unwrap();
            assert!(curl(&["--max-time", "20", &url]).starts_with("HTTP/1.1 200"));
        }
    });
    assert!(count.load(Ordering::Relaxed) > 0);
    drop(manager.0.stdin.take());
    assert!(manager.0.wait().unwrap().success());
}

#[test]
fn a_socket_that_was_not_passed_is_named() {
    let server =
        Server::prepare(server::binary(), &config(&[]).set("server.listen", json!(["systemd:http"])));
    let server = server.unwrap();
    server.import(USERS).unwrap();
    let output = server.command(&["serve", "--config", "@CONFIG@"], "").unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && printed.contains("passed no socket named http"), "{printed}");
}

#[test]
fn the_service_manager_is_told_of_each_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let told = UnixDatagram::bind(&path).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let next = || {
        let mut bytes = [0; 256];
        let length = told.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let next_but_alive = || loop {
        let message = next();
        if !message.starts_with("WATCHDOG=1") {
            break message;
        }
    };
    let mut server = Server::prepare(server::binary(), &config(&[])).unwrap();
    server.import(USERS).unwrap();
    server.set_env("NOTIFY_SOCKET", &path);
    server.set_env("WATCHDOG_USEC", "400000");
    server.serve().unwrap();
    assert!(next_but_alive().starts_with("READY=1"));
    for _ in 0..3 {
        assert!(next().starts_with("WATCHDOG=1"));
    }
    let pid = server.pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let reloading = next_but_alive();
    assert!(reloading.contains("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(next_but_alive().starts_with("READY=1"));
    server.stop().unwrap();
    assert!(next_but_alive().starts_with("STOPPING=1"));
}
