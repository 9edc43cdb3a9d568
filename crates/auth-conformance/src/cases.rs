//! Runs the cases of a set: one server for all cases of a setup without steps, one server for each case of a setup with
//! steps.

pub(crate) mod rocketchat;
mod steps;
pub(crate) mod zettelstore;
pub(crate) mod zulip;
pub(crate) mod zulip_web;

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::comparison::{Strictness, compare, difference, excerpt};
use crate::http::Request;
use crate::json::merge;
use crate::options::Options;
use crate::oracle;
use crate::report::{Report, Verdict};
use crate::server::Server;
use crate::setup::{self, Setup};
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
    let mut groups: Vec<(Cow<'_, Setup>, Vec<&Case>)> =
        setups.iter().map(|setup| (Cow::Borrowed(setup), Vec::new())).collect();
    let mut of_parts: HashMap<String, usize> = HashMap::new();
    for case in cases.iter().filter(|case| case.request.method != "CALL") {
        let given = protocol.given(case);
        let found = setup::find(&setups, &case.id, &given).or_else(|| of_parts.get(&given).copied());
        let found = found.or_else(|| {
            groups.push((Cow::Owned(setup::of_parts(&setups, &given)?), Vec::new()));
            of_parts.insert(given.clone(), groups.len() - 1);
            Some(groups.len() - 1)
        });
        match found.and_then(|index| groups.get_mut(index)) {
            Some((_, group)) => group.push(case),
            None if options.selects(&case.id) => {
                report.add(&case.id, Verdict::NotRun(format!("no setup for: {}", excerpt(&given))));
            }
            None => {}
        }
    }
    for case in cases.iter().filter(|case| case.request.method == "CALL" && options.selects(&case.id)) {
        report.add(&case.id, compute(case));
    }
    // Each group runs on a server of its own.
    let mut jobs = Vec::new();
    for (setup, group) in &groups {
        let is_selected = |case: &&&Case| options.selects(&case.id);
        if !setup.before.is_empty() {
            let cases = group.iter().filter(is_selected);
            jobs.extend(cases.map(|case| (setup, vec![*case])));
        } else if group.iter().any(|case| is_selected(&case)) {
            jobs.push((setup, group.clone()));
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

/// Compares what an oracle computes with the vector of a case.
fn compute(case: &Case) -> Verdict {
    let expected = case.expect.get("json").unwrap_or(&Value::Null);
    match oracle::call(&case.request.path, expected) {
        Ok(computed) => difference(expected, &computed, true, "$").into_iter().collect::<Vec<_>>().into(),
        Err(error) => Verdict::NotRun(format!("{error:#}")),
    }
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
            steps::run(step, protocol.host(), &mut server, &mut variables)
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
    let replace = |text: &str| {
        let replace = setup.request.replace.iter();
        replace.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let path = variables.expand(&replace(&case.request.path), server)?;
    let body = case.request.body.as_str().map(|body| variables.expand(&replace(body), server)).transpose()?;
    let mut request = Request::new(&case.request.method, &path);
    for (name, value) in &setup.request.headers {
        request = request.header(name, &variables.expand(value, server)?);
    }
    for (name, value) in case.request.headers.iter().flatten() {
        let value = variables.expand(&replace(value.as_str().unwrap_or_default()), server)?;
        request = request.header(name, &value.replace("${TOKEN}", token.as_deref().unwrap_or("?")));
    }
    request.body = match (body, &case.request.body) {
        (Some(text), _) => text.into_bytes(),
        (None, Value::Null) => Vec::new(),
        (None, json) => variables.expand_json(json, server)?.to_string().into_bytes(),
    };
    let response = server.send(&request)?;
    let strictness = Strictness { exact: protocol.is_exact(&expect), patience: options.patience };
    Ok(compare(&expect, strictness, &response, token.as_deref()).into())
}
