//! The steps of a setup, which come before a case's request.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::Value;

use crate::comparison::excerpt;
use crate::html::Page;
use crate::http::{Request, Response};
use crate::oracle::desktop;
use crate::server::Server;
use crate::setup::Step;
use crate::variables::Variables;

/// Runs one step.
pub(super) fn run(
    step: &Step,
    host: Option<&str>,
    server: &mut Server,
    variables: &mut Variables,
) -> Result<()> {
    if let Some(ms) = step.wait_ms {
        thread::sleep(Duration::from_millis(ms));
    }
    if let Some(changes) = &step.modify {
        server.directory()?.modify(changes)?;
    }
    if step.directory_ends {
        server.directory()?.kill();
    }
    if let Some(args) = &step.run {
        let args = args.iter().map(|arg| variables.expand(arg, server)).collect::<Result<Vec<_>>>()?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        server.run(&args, &step.stdin)?;
    }
    for n in 1..=step.times.unwrap_or(1) {
        let Some((method, path)) = step.send.as_deref().and_then(|line| line.split_once(' ')) else { break };
        variables.set("n", &n.to_string());
        let request = Request::new(method, &variables.expand(path, server)?);
        send(step, host, request, server, variables)?;
    }
    Ok(())
}

/// Sends the request of a step, and keeps what later texts refer to.
fn send(
    step: &Step,
    host: Option<&str>,
    mut request: Request,
    server: &Server,
    variables: &mut Variables,
) -> Result<()> {
    if let Some(host) = host {
        request = request.header("Host", host);
    }
    for (name, value) in &step.headers {
        request = request.header(name, &variables.expand(value, server)?);
    }
    if let Some(form) = &step.form {
        request = request.form(&variables.expand(form, server)?);
    }
    if let Some(json) = &step.json {
        request = request.json(&variables.expand_json(json, server)?);
    }
    if let (true, Some(cookies)) = (step.browser, variables.cookies()) {
        request = request.header("Cookie", &cookies);
    }
    let mails = server.mail_count();
    let response = server.send(&request)?;
    if step.browser {
        variables.keep_cookies(&response);
    }
    let status = step.status.unwrap_or(200);
    ensure!(
        response.status == status,
        "{} instead of {status}: {}",
        response.status,
        excerpt(&response.text())
    );
    let json = response.json().unwrap_or_default();
    for (name, pointer) in &step.save {
        let value = text_at(&json, pointer).with_context(|| format!("no {pointer}"))?;
        variables.set(name, &value);
    }
    read(&step.read, &response, variables)?;
    if let Some(to) = &step.mailed {
        let (uid, token) = mailed_link(&variables.expand(to, server)?, mails, server)?;
        variables.set("uid", &uid);
        variables.set("link-token", &token);
    }
    Ok(())
}

/// Keeps parts of a page.
fn read(parts: &BTreeMap<String, String>, response: &Response, variables: &mut Variables) -> Result<()> {
    let page = Page::parse(&response.text());
    for (name, part) in parts {
        let value = match part.split_once(' ') {
            Some(("field", field)) => page.field(field).map(str::to_owned),
            Some(("token", pad)) => page.desktop_data.as_deref().and_then(|data| desktop::open(data, pad)),
            _ => None,
        };
        variables.set(name, &value.with_context(|| format!("no {part}"))?);
    }
    Ok(())
}

/// Waits for a mail with a link to a new password, after the first `count` mails, and returns the link's two last parts.
fn mailed_link(to: &str, count: usize, server: &Server) -> Result<(String, String)> {
    let link = Regex::new("/accounts/password/reset/([^/ ]+)/([^/ ]+)/")?;
    server.wait_for_mail(count, |(recipient, text)| {
        let found = link.captures(text).filter(|_| recipient.eq_ignore_ascii_case(to))?;
        Some((found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().to_owned()))
    })
}

/// The text at a JSON pointer. A `!` in the pointer continues inside a text that is JSON itself.
fn text_at(json: &Value, pointer: &str) -> Option<String> {
    match pointer.split_once('!') {
        None => json.pointer(pointer)?.as_str().map(str::to_owned),
        Some((outer, inner)) => {
            let text = json.pointer(outer)?.as_str()?;
            text_at(&serde_json::from_str(text).ok()?, inner)
        }
    }
}
