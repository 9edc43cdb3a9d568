//! Log-in sequences: what a client sends from its first contact to a working session, with the answer to each.
//!
//! Sequences are data (`data/sequences/*.toml`), one file for each client. A file has the keys of [`Sequence`]. A
//! sequence ends at its first step that differs, as the client would.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tungstenite::{Message, WebSocket};

use crate::comparison::{Strictness, compare, difference, excerpt};
use crate::http::Request;
use crate::options::Options;
use crate::report::{Report, Verdict};
use crate::server::Server;
use crate::setup::Setup;
use crate::socket;
use crate::variables::Variables;

/// The frames that are read in the hope of the one that is waited for.
const PATIENCE: usize = 20;

/// A client and what it sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct Sequence {
    /// The client, with its version.
    pub client: String,
    /// Where its requests were read.
    pub source: String,
    /// The test that drives the client itself, where it can be installed.
    pub driven_by: Option<String>,
    /// The name of the users' file among the fixtures, without `.jsonl`.
    pub users: String,
    /// The server that it meets.
    pub setup: Setup,
    /// The steps, in order.
    pub step: Vec<SequenceStep>,
}

/// A request with its answer, or frames on a socket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
#[non_exhaustive]
pub struct SequenceStep {
    /// What the client wants to know.
    pub why: String,
    /// The method and the path of a request.
    pub send: Option<String>,
    /// The headers of the request.
    pub headers: BTreeMap<String, String>,
    /// The body of the request, as an encoded form.
    pub form: Option<String>,
    /// The body of the request, as JSON.
    pub json: Option<Value>,
    /// What is expected of the answer, as in cases.
    pub expect: Value,
    /// The path at which a socket is opened.
    pub open: Option<String>,
    /// A frame that is sent on the socket.
    pub say: Option<Value>,
    /// Parts of frames that are waited for on the socket, in order; others between them are passed over.
    pub hear: Vec<Value>,
    /// Parts of the JSON answer, or of the last frame that was waited for, that later texts refer to as `{{name}}`: names
    /// and JSON pointers.
    pub save: BTreeMap<String, String>,
}

/// Reads all sequences, by the names of their files without `.toml`.
///
/// # Errors
/// When a file can't be read, or has an unknown key.
pub fn read(options: &Options) -> Result<Vec<(String, Sequence)>> {
    let folder = options.data.join("sequences");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        all.push((name, toml::from_str(&text).with_context(|| path.display().to_string())?));
    }
    all.sort_by(|(one, _): &(String, Sequence), (other, _)| one.cmp(other));
    Ok(all)
}

/// Runs the selected sequences, each on a server of its own.
///
/// # Errors
/// When the files can't be read.
pub fn run(options: &Options) -> Result<Report> {
    let mut report = Report::default();
    for (name, sequence) in read(options)?.iter().filter(|(name, _)| options.selects(name)) {
        let verdict =
            run_one(options, sequence).unwrap_or_else(|error| Verdict::NotRun(format!("{error:#}")));
        report.add(name, verdict);
    }
    Ok(report)
}

fn run_one(options: &Options, sequence: &Sequence) -> Result<Verdict> {
    let users = options.users(&sequence.setup, &sequence.users)?;
    let mut server = Server::start(&options.binary, &options.configuration(&sequence.setup)?, &users)?;
    let mut client = Client {
        variables: Variables::of_users(&users),
        server: &server,
        socket: None,
        patience: options.patience,
    };
    client.variables.set("address", &server.address().to_string());
    let mut differences = Vec::new();
    for (number, step) in (1..).zip(&sequence.step) {
        let found = client.take(step).with_context(|| format!("step {number}, {}", step.why))?;
        if !found.is_empty() {
            differences.push(format!("step {number}, {}: {}", step.why, found.join("; ")));
            break;
        }
    }
    server.stop()?;
    Ok(differences.into())
}

/// A client on its way.
struct Client<'a> {
    variables: Variables,
    server: &'a Server,
    socket: Option<WebSocket<TcpStream>>,
    patience: f64,
}

impl Client<'_> {
    /// Takes a step; gives the differences.
    fn take(&mut self, step: &SequenceStep) -> Result<Vec<String>> {
        if let Some(line) = &step.send {
            return self.send(step, line);
        }
        if let Some(path) = &step.open {
            self.socket = Some(socket::open(self.server.address(), path, "")?);
        }
        if let Some(frame) = &step.say {
            let frame = self.variables.expand_json(frame, self.server)?;
            self.socket()?.send(Message::text(frame.to_string()))?;
        }
        for expected in &step.hear {
            let expected = self.variables.expand_json(expected, self.server)?;
            let Some(frame) = self.wait_for(&expected)? else {
                return Ok(vec![format!("no frame holds {expected}")]);
            };
            self.save(step, &frame);
        }
        Ok(Vec::new())
    }

    fn send(&mut self, step: &SequenceStep, line: &str) -> Result<Vec<String>> {
        let (method, path) = line.split_once(' ').context("send is a method and a path")?;
        let mut request = Request::new(method, &self.variables.expand(path, self.server)?);
        for (name, value) in &step.headers {
            request = request.header(name, &self.variables.expand(value, self.server)?);
        }
        if let Some(form) = &step.form {
            request = request.form(&self.variables.expand(form, self.server)?);
        }
        if let Some(json) = &step.json {
            request = request.json(&self.variables.expand_json(json, self.server)?);
        }
        let response = self.server.send(&request)?;
        let expect = self.variables.expand_json(&step.expect, self.server)?;
        ensure!(expect.get("status").is_some(), "the step says no status");
        let strictness = Strictness { exact: false, patience: self.patience };
        let mut differences = compare(&expect, strictness, &response, None);
        if differences.is_empty() {
            self.save(step, &response.json().unwrap_or_default());
        } else {
            differences.push(excerpt(&response.text()));
        }
        Ok(differences)
    }

    /// The first frame that holds what is expected, if it comes in time.
    fn wait_for(&mut self, expected: &Value) -> Result<Option<Value>> {
        for _ in 0..PATIENCE {
            let Message::Text(text) = self.socket()?.read()? else { continue };
            let frame: Value = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
            if difference(expected, &frame, false, "$").is_none() {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    fn save(&mut self, step: &SequenceStep, json: &Value) {
        for (name, pointer) in &step.save {
            if let Some(value) = json.pointer(pointer).and_then(Value::as_str) {
                self.variables.set(name, value);
            }
        }
    }

    fn socket(&mut self) -> Result<&mut WebSocket<TcpStream>> {
        self.socket.as_mut().context("no socket is open")
    }
}
