//! Runs the cases of a set: one server for all cases of a setup without steps, one server for each case of a setup with
//! steps.

pub(crate) mod rocketchat;
pub(crate) mod zettelstore;
pub(crate) mod zulip;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::comparison::{Strictness, compare, excerpt};
use crate::http::Request;
use crate::json::merge;
use crate::options::Options;
use crate::report::{Report, Verdict};
use crate::server::Server;
use crate::setup::{self, Setup, Step};
use crate::variables::Variables;

/// A case: a starting state, a request and an expectation.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    /// The name of the case.
    pub(crate) id: String,
    /// The starting state, in words or as an object.
    pub(crate) given: Value,
    /// The request.
    pub(crate) request: CaseRequest,
    /// The expectation; see [`compare`].
    pub(crate) expect: Value,
}

/// The request of a case.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CaseRequest {
    /// The method.
    pub(crate) method: String,
    /// The path and the query.
    pub(crate) path: String,
    /// The headers by name.
    pub(crate) headers: Option<Map<String, Value>>,
    /// The body, as a text or as JSON.
    pub(crate) body: Value,
}

/// The particulars of one protocol's cases.
pub(crate) trait Protocol: Sync {
    /// The name of the set in its files: `NAME-cases.jsonl`, `setups/NAME.toml`, `fixtures/NAME.jsonl`.
    fn name(&self) -> &'static str;

    /// The `Host` header of the requests in steps.
    fn host(&self) -> Option<&'static str> {
        None
    }

    /// The starting state of a case, in words.
    fn given(&self, case: &Case) -> String {
        case.given.as_str().unwrap_or_default().to_owned()
    }

    /// Whether the server must be restarted before the case, so that the case starts from empty rate limiters.
    fn restarts_before(&self, _case: &Case) -> bool {
        false
    }

    /// Whether unexpected JSON keys are differences.
    fn is_exact(&self, _expect: &Value) -> bool {
        false
    }

    /// Gets the token that the request carries in place of `${TOKEN}`.
    fn token(&self, _case: &Case, _server: &Server, _variables: &mut Variables) -> Result<Option<String>> {
        Ok(None)
    }

    /// Is called after the request of a case.
    fn after(&self, _case: &Case, _variables: &mut Variables) {}
}

/// Runs the cases of a protocol.
pub(crate) fn run(protocol: &dyn Protocol, options: &Options) -> Result<Report> {
    let cases: Vec<Case> = options.read_lines(&format!("{}-cases.jsonl", protocol.name()))?;
    let setups = setup::read(&options.data.join("setups").join(format!("{}.toml", protocol.name())))?;
    let mut report = Report::default();
    let mut groups: Vec<Vec<&Case>> = vec![Vec::new(); setups.len()];
    for case in &cases {
        let given = protocol.given(case);
        match setup::find(&setups, &case.id, &given).and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(case),
            None if options.selects(&case.id) => {
                report.add(&case.id, Verdict::NotRun(format!("no setup for: {}", excerpt(&given))));
            }
            None => {}
        }
    }
    // Each group runs on a server of its own.
    let mut jobs = Vec::new();
    for (setup, group) in setups.iter().zip(groups) {
        let is_selected = |case: &&&Case| options.selects(&case.id);
        if !setup.before.is_empty() {
            let cases = group.iter().filter(is_selected);
            jobs.extend(cases.map(|case| (setup, vec![*case])));
        } else if group.iter().any(|case| is_selected(&case)) {
            jobs.push((setup, group));
        }
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<Report> {
        let mut report = Report::default();
        while let Some((setup, group)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            run_group(protocol, options, setup, group, &mut report)?;
        }
        Ok(report)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..options.servers.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            report.extend(worker.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(report)
    })
}

fn run_group(
    protocol: &dyn Protocol,
    options: &Options,
    setup: &Setup,
    group: &[&Case],
    report: &mut Report,
) -> Result<()> {
    let config = options.configuration(setup)?;
    let users = options.users(setup, protocol.name())?;
    let mut variables = Variables::of_users(&users);
    variables.set("data", &options.data.to_string_lossy());
    let ready = Server::start(&options.binary, &config, &users).and_then(|mut server| {
        for (number, step) in setup.before.iter().enumerate() {
            run_step(step, protocol.host(), &mut server, &mut variables)
                .with_context(|| format!("step {}", number + 1))?;
        }
        Ok(server)
    });
    let mut server = match ready {
        Ok(server) => server,
        Err(error) => {
            for case in group {
                report.add(&case.id, vec![format!("setup: {error:#}")]);
            }
            return Ok(());
        }
    };
    for (index, case) in group.iter().enumerate() {
        if index > 0 && protocol.restarts_before(case) {
            server.restart()?;
        }
        let verdict = run_case(protocol, options, setup, case, &server, &mut variables)
            .unwrap_or_else(|error| Verdict::NotRun(format!("{error:#}")));
        if options.selects(&case.id) {
            report.add(&case.id, verdict);
        }
        protocol.after(case, &mut variables);
    }
    server.stop()
}

fn run_case(
    protocol: &dyn Protocol,
    options: &Options,
    setup: &Setup,
    case: &Case,
    server: &Server,
    variables: &mut Variables,
) -> Result<Verdict> {
    let token = protocol.token(case, server, variables)?;
    let mut expect = case.expect.clone();
    if !setup.expect.is_empty() {
        merge(&mut expect, &serde_json::json!({"json": setup.expect}));
    }
    let expect = variables.expand_json(&expect, server)?;
    let mut request = Request::new(&case.request.method, &variables.expand(&case.request.path, server)?);
    for (name, value) in case.request.headers.iter().flatten() {
        let value = variables.expand(value.as_str().unwrap_or_default(), server)?;
        request = request.header(name, &value.replace("${TOKEN}", token.as_deref().unwrap_or("?")));
    }
    request.body = match variables.expand_json(&case.request.body, server)? {
        Value::Null => Vec::new(),
        Value::String(text) => text.into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let response = server.send(&request)?;
    let strictness = Strictness { exact: protocol.is_exact(&expect), patience: options.patience };
    Ok(compare(&expect, strictness, &response, token.as_deref()).into())
}

/// Runs one step of a setup.
fn run_step(step: &Step, host: Option<&str>, server: &mut Server, variables: &mut Variables) -> Result<()> {
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
        let mut request = Request::new(method, &variables.expand(path, server)?);
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
        let response = server.send(&request)?;
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
    }
    Ok(())
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
