//! Sockets of Rocket.Chat: opened, greeted, logged in on, used and left.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::Message;

use super::run::Run;
use crate::nodes::servers::{PASSWORD, USERS};
use crate::socket::open;

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
    let mut socket = open(address, "/websocket", &format!("X-Forwarded-For: {from}\r\n"))?;
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
