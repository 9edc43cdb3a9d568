//! Runs the cases of a set: one server for all cases of a plain setup, one for each case of a setup with steps.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Options;
use crate::http::Request;
use crate::matching::{Strictness, judge, shown};
use crate::report::{Report, Verdict};
use crate::server::Server;
use crate::setup::{self, Setup, Step, merge};
use crate::values::Values;

/// A case: what is given, what is sent, what is expected.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) id: String,
    /// The state it starts from, in words or as an object.
    pub(crate) given: Value,
    /// What is sent.
    pub(crate) request: CaseRequest,
    /// What is expected.
    pub(crate) expect: Value,
}

/// What a case sends.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct CaseRequest {
    /// The method.
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    /// Names and values.
    pub(crate) headers: Option<Map<String, Value>>,
    /// Text, or JSON to be written.
    pub(crate) body: Value,
}

/// What is particular to the cases of one protocol.
pub(crate) trait Dialect: Sync {
    /// The set's name: `NAME-cases.jsonl`, `setups/NAME.toml`, `fixtures/NAME.jsonl`.
    fn name(&self) -> &'static str;

    /// The host that steps ask for.
    fn host(&self) -> Option<&'static str> {
        None
    }

    /// What a case says is given, in words.
    fn given(&self, case: &Case) -> String {
        case.given.as_str().unwrap_or_default().to_owned()
    }

    /// Whether the case starts from empty limits on a server that others have used.
    fn restarts_before(&self, _case: &Case) -> bool {
        false
    }

    /// Whether keys that aren't expected are differences.
    fn is_exact(&self, _expect: &Value) -> bool {
        false
    }

    /// Gets the token that the case presents, and keeps it in the values under `TOKEN`.
    fn token(&self, _case: &Case, _server: &Server, _values: &mut Values) -> Result<Option<String>> {
        Ok(None)
    }

    /// What a request that was sent has ended.
    fn after(&self, _case: &Case, _values: &mut Values) {}
}

/// Runs all cases of a set.
pub(crate) fn run(dialect: &dyn Dialect, options: &Options) -> Result<Report> {
    let cases: Vec<Case> = options.read_lines(&format!("{}-cases.jsonl", dialect.name()))?;
    let setups = setup::read(&options.data.join("setups").join(format!("{}.toml", dialect.name())))?;
    let mut report = Report::default();
    let mut groups: Vec<Vec<&Case>> = vec![Vec::new(); setups.len()];
    for case in &cases {
        let given = dialect.given(case);
        match setup::find(&setups, &case.id, &given).and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(case),
            None if options.selects(&case.id) => {
                report.add(&case.id, Verdict::OutOfReach(format!("no setup for: {}", shown(&given))));
            }
            None => {}
        }
    }
    let mut groups_of_a_server = Vec::new();
    for (setup, group) in setups.iter().zip(groups) {
        let is_selected = |case: &&&Case| options.selects(&case.id);
        if !setup.before.is_empty() {
            let cases = group.iter().filter(is_selected);
            groups_of_a_server.extend(cases.map(|case| (setup, vec![*case])));
        } else if group.iter().any(|case| is_selected(&case)) {
            groups_of_a_server.push((setup, group));
        }
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<Report> {
        let mut report = Report::default();
        while let Some((setup, group)) = groups_of_a_server.get(next.fetch_add(1, Ordering::Relaxed)) {
            run_group(dialect, options, setup, group, &mut report)?;
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
    dialect: &dyn Dialect,
    options: &Options,
    setup: &Setup,
    group: &[&Case],
    report: &mut Report,
) -> Result<()> {
    let config = setup.configuration(&options.fixture(&format!("{}.toml", setup.fixture))?)?;
    let users = setup.import(&options.people(setup, dialect.name())?)?;
    let mut values = Values::of_users(&users);
    values.save("data", &options.data.to_string_lossy());
    let ready = Server::start(&options.binary, &config, &users).and_then(|mut server| {
        for (number, step) in setup.before.iter().enumerate() {
            take(step, dialect.host(), &mut server, &mut values)
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
        if index > 0 && dialect.restarts_before(case) {
            server.restart()?;
        }
        let verdict = run_case(dialect, options, setup, case, &server, &mut values)
            .unwrap_or_else(|error| Verdict::OutOfReach(format!("{error:#}")));
        if options.selects(&case.id) {
            report.add(&case.id, verdict);
        }
        dialect.after(case, &mut values);
    }
    server.stop()
}

fn run_case(
    dialect: &dyn Dialect,
    options: &Options,
    setup: &Setup,
    case: &Case,
    server: &Server,
    values: &mut Values,
) -> Result<Verdict> {
    let presented = dialect.token(case, server, values)?;
    let mut expect = case.expect.clone();
    if !setup.expect.is_empty() {
        merge(&mut expect, &serde_json::json!({"json": setup.expect}));
    }
    let expect = values.fill_json(&expect, server)?;
    let mut request = Request::new(&case.request.method, &values.fill(&case.request.path, server)?);
    for (name, value) in case.request.headers.iter().flatten() {
        let value = values.fill(value.as_str().unwrap_or_default(), server)?;
        request = request.header(name, &value.replace("${TOKEN}", presented.as_deref().unwrap_or("?")));
    }
    request.body = match values.fill_json(&case.request.body, server)? {
        Value::Null => Vec::new(),
        Value::String(text) => text.into_bytes(),
        json => json.to_string().into_bytes(),
    };
    let answer = server.send(&request)?;
    let how = Strictness { exact: dialect.is_exact(&expect), patience: options.patience };
    Ok(judge(&expect, how, &answer, presented.as_deref()).into())
}

/// Does one step of a setup.
fn take(step: &Step, host: Option<&str>, server: &mut Server, values: &mut Values) -> Result<()> {
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
        let args = args.iter().map(|arg| values.fill(arg, server)).collect::<Result<Vec<_>>>()?;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let done = server.command(&args, &step.stdin)?;
        ensure!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    for n in 1..=step.times.unwrap_or(1) {
        let Some((method, path)) = step.send.as_deref().and_then(|line| line.split_once(' ')) else { break };
        values.save("n", &n.to_string());
        let mut request = Request::new(method, &values.fill(path, server)?);
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        for (name, value) in &step.headers {
            request = request.header(name, &values.fill(value, server)?);
        }
        if let Some(form) = &step.form {
            request = request.form(&values.fill(form, server)?);
        }
        if let Some(json) = &step.json {
            request = request.json(&values.fill_json(json, server)?);
        }
        let answer = server.send(&request)?;
        let status = step.status.unwrap_or(200);
        ensure!(answer.status == status, "{} instead of {status}: {}", answer.status, shown(&answer.text()));
        let json = answer.json().unwrap_or_default();
        for (name, pointer) in &step.save {
            let value = text_at(&json, pointer).with_context(|| format!("no {pointer}"))?;
            values.save(name, &value);
        }
    }
    Ok(())
}

/// The text at a JSON pointer. A `!` in it goes on inside JSON that is a text itself.
fn text_at(json: &Value, pointer: &str) -> Option<String> {
    match pointer.split_once('!') {
        None => json.pointer(pointer)?.as_str().map(str::to_owned),
        Some((outer, inner)) => {
            let text = json.pointer(outer)?.as_str()?;
            text_at(&serde_json::from_str(text).ok()?, inner)
        }
    }
}
