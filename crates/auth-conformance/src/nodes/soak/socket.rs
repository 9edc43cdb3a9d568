//! Sockets of Rocket.Chat: opened, greeted, logged in on, used and left.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::run::Run;
use crate::nodes::servers::{PASSWORD, USERS};

/// How long the answer to a frame may take. During an outage a login waits for the store.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Methods that are called on a socket before it is left.
const CALLS: u32 = 20;

/// Opens a socket, uses it and leaves it, again and again until the run stops.
pub(super) fn talk_until_stopped(run: &Run, address: SocketAddr, number: u32) {
    for round in 0_u32.. {
        if !run.goes_on() {
            return;
        }
        let before = run.may_be_unavailable();
        let user = format!("user{}", (number + 5 * round) as usize % USERS);
        let from = format!("203.0.113.{}", number * 8 + round % 8);
        if let Err(error) = talk(run, address, &user, &from)
            && !before
            && !run.may_be_unavailable()
        {
            run.fault(format!("a socket of {user}: {error:#}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn talk(run: &Run, address: SocketAddr, user: &str, from: &str) -> Result<()> {
    let mut socket = open(address, from)?;
    let mut said = |frame: Value, answer: &str| -> Result<Value> {
        socket.send(Message::text(frame.to_string()))?;
        loop {
            let Message::Text(text) = socket.read()? else { continue };
            run.frames.fetch_add(1, Ordering::Relaxed);
            let frame: Value = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
            match frame.get("msg").and_then(Value::as_str) {
                Some("ping" | "updated" | "added" | "changed" | "removed") | None => {}
                Some(kind) if kind == answer => return Ok(frame),
                Some(_) => bail!("{text} in place of {answer}"),
            }
        }
    };
    said(json!({"msg": "connect", "version": "1", "support": ["1"]}), "connected")?;
    let login = json!({"user": {"username": user}, "password": PASSWORD});
    let answer = said(json!({"msg": "method", "method": "login", "id": "1", "params": [login]}), "result")?;
    ensure!(
        answer.get("result").is_some() != answer.get("error").is_some(),
        "neither result nor error: {answer}"
    );
    for call in 0..CALLS {
        said(json!({"msg": "ping"}), "pong")?;
        let id = format!("c{call}");
        let answer = said(json!({"msg": "method", "method": "no-such", "id": id, "params": []}), "result")?;
        ensure!(answer.get("id").and_then(Value::as_str) == Some(&id), "{answer}");
        ensure!(answer.get("error").is_some(), "{answer}");
    }
    Ok(())
}

/// Opens a socket.
fn open(address: SocketAddr, from: &str) -> Result<WebSocket<TcpStream>> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let request = format!(
        "GET /websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Forwarded-For: {from}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
    Ok(WebSocket::from_raw_socket(stream, Role::Client, None))
}
