//! Log-ins and credential checks through HTTP, beside what is the most there could be: the bare hash, and a bare hyper
//! server that answers the same bytes. Driven by `wrk`.
//!
//! `cargo xtask bench http`
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use auth_argon2::Params;
use auth_conformance::Server;
use auth_conformance::http::{Request, Response};
use benches::argon2id;
use benches::report::{Report, Table};
use benches::rounds::{measure, median};
use benches::server::{self, PASSWORD};
use bytes::Bytes;
use clap::Parser;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Drives the server and a bare one in turns.
#[derive(Parser)]
struct Arguments {
    /// The built server; the release build unless told.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Turns of each.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long each turn lasts.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// A folder for Markdown and bars.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Be the bare server: the file that holds the answer.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
}

/// What is asked, over and over.
struct Load {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    headers: Vec<(String, String)>,
    body: String,
    connections: u32,
}

const LOG_IN_CONNECTIONS: u32 = 16;
const CHECK_CONNECTIONS: u32 = 32;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(answer) = &arguments.bare {
        return be_bare(answer);
    }
    let binary = arguments.server.clone().unwrap_or_else(server::release_binary);
    let server = server::start(&binary, "")?;
    let mut report = Report::default();
    log_ins(&arguments, &server, &mut report)?;
    checks(&arguments, &server, &mut report)?;
    println!("{}", report.text());
    if let Some(folder) = arguments.out {
        report.write(&folder, "http")?;
    }
    Ok(())
}

/// Log-ins a second, beside the hashes a second that the cores can do: one at a time on each while the others rest,
/// and several together on all at once.
fn log_ins(arguments: &Arguments, server: &Server, report: &mut Report) -> Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let best = auth_argon2::Kernel::detect();
    let (alone, together) = (argon2id::our_name(best, 1), argon2id::our_name(best, 3));
    let one = |name: &str, cores: usize| {
        let teams = (0..cores).map(|_| {
            let rivals = argon2id::rivals(Params::default())?;
            anyhow::Ok(rivals.into_iter().filter(|rival| rival.name() == name).collect::<Vec<_>>())
        });
        let measured = measure(teams.collect::<Result<Vec<_>>>()?, 15)?;
        anyhow::Ok(measured.first().context("our own")?.median())
    };
    let loads = log_in_loads();
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); loads.len()];
    let (mut bare, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds {
        bare.push(cores as f64 / one(&alone, 1)?);
        busy.push(cores as f64 / one(&together, cores)?);
        for (load, found) in loads.iter().zip(&mut found) {
            found.push(load.drive(server.address(), arguments.seconds)?);
        }
    }
    let ratio =
        |found: &[f64], most: &[f64]| median(found.iter().zip(most).map(|(found, most)| found / most));
    let mut rows = vec![
        (
            "cores ÷ one hash on an idle core".to_owned(),
            vec![format!("{:.0}", median(bare.iter().copied())), "1.00".to_owned(), String::new()],
        ),
        (
            "all cores, three hashes together on each".to_owned(),
            vec![
                format!("{:.0}", median(busy.iter().copied())),
                format!("{:.2}", ratio(&busy, &bare)),
                "1.00".to_owned(),
            ],
        ),
    ];
    for (load, found) in loads.iter().zip(&found) {
        report.at_least(
            format!(
                "{} through HTTP, {LOG_IN_CONNECTIONS} connections, against cores ÷ bare hash time",
                load.name
            ),
            0.92,
            ratio(found, &bare),
        );
        let per_second = format!("{:.0}", median(found.iter().copied()));
        rows.push((
            load.name.to_owned(),
            vec![per_second, format!("{:.2}", ratio(found, &bare)), format!("{:.2}", ratio(found, &busy))],
        ));
    }
    let columns = ["", "a second", "× cores ÷ hash", "× busy cores"].map(str::to_owned).to_vec();
    report.table(Table { title: "Log-ins".to_owned(), columns, rows, bars: None });
    Ok(())
}

/// Checks of credentials a second, each beside the bare server that answers the same.
fn checks(arguments: &Arguments, server: &Server, report: &mut Report) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("bench-http-").tempdir()?;
    let mut rows = Vec::new();
    for load in check_loads(server)? {
        let answer = server.send(&load.request())?;
        ensure!((200..300).contains(&answer.status), "{}: {}", load.name, answer.text());
        let file = folder.path().join("answer");
        std::fs::write(&file, as_bytes(&answer))?;
        let bare = Bare::start(&file)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds {
            theirs.push(load.drive(bare.address, arguments.seconds)?);
            ours.push(load.drive(server.address(), arguments.seconds)?);
        }
        let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs));
        let what = format!(
            "check of a {} through HTTP, {CHECK_CONNECTIONS} connections, against bare hyper",
            load.name
        );
        report.at_least(what, 0.6, ratio);
        let (ours, theirs) = (median(ours.into_iter()), median(theirs.into_iter()));
        rows.push((
            load.name.to_owned(),
            vec![format!("{ours:.0}"), format!("{theirs:.0}"), format!("{ratio:.2}")],
        ));
    }
    let columns = ["", "a second", "bare hyper", "ratio"].map(str::to_owned).to_vec();
    report.table(Table { title: "Credential checks".to_owned(), columns, rows, bars: None });
    Ok(())
}

fn log_in_loads() -> Vec<Load> {
    let form = ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let load = |name, path, body: String| Load {
        name,
        method: "POST",
        path,
        headers: vec![form.clone()],
        body,
        connections: LOG_IN_CONNECTIONS,
    };
    vec![
        load(
            "Zulip log-ins",
            "/api/v1/fetch_api_key",
            format!("username=user0%40example.com&password={PASSWORD}"),
        ),
        load("Rocket.Chat log-ins", "/api/v1/login", format!("user=user1&password={PASSWORD}")),
        load("Zettelstore log-ins", "/a", format!("username=user2&password={PASSWORD}")),
    ]
}

fn check_loads(server: &Server) -> Result<Vec<Load>> {
    let mut answers = Vec::new();
    for load in log_in_loads() {
        let answer = server.send(&load.request())?;
        answers.push(answer.json().with_context(|| format!("{}: {}", load.name, answer.text()))?);
    }
    let text = |index: usize, place: &str| {
        let found =
            answers.get(index).and_then(|answer| answer.pointer(place)).and_then(|value| value.as_str());
        found.map(str::to_owned).with_context(|| format!("no {place} in the answer"))
    };
    let basic = Request::new("GET", "/").basic("user0@example.com", &text(0, "/api_key")?);
    let basic = basic.get("authorization").context("a header")?.to_owned();
    let header = |name: &str, value: String| (name.to_owned(), value);
    let load = |name, method, path, headers| Load {
        name,
        method,
        path,
        headers,
        body: String::new(),
        connections: CHECK_CONNECTIONS,
    };
    Ok(vec![
        load("Zulip key", "GET", "/api/v1/users/me", vec![header("Authorization", basic)]),
        load(
            "Rocket.Chat token",
            "GET",
            "/api/v1/me",
            vec![
                header("X-User-Id", text(1, "/data/userId")?),
                header("X-Auth-Token", text(1, "/data/authToken")?),
            ],
        ),
        load(
            "Zettelstore JWT",
            "POST",
            "/x?cmd=authenticated",
            vec![header("Authorization", format!("Bearer {}", text(2, "/token")?))],
        ),
    ])
}

impl Load {
    fn request(&self) -> Request {
        let mut request = Request::new(self.method, self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body = self.body.clone().into_bytes();
        request
    }

    /// Answers a second. All must be good ones.
    fn drive(&self, to: SocketAddr, seconds: u32) -> Result<f64> {
        let folder = tempfile::Builder::new().prefix("bench-wrk-").tempdir()?;
        let script = folder.path().join("load.lua");
        std::fs::write(&script, self.script())?;
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", &format!("-c{}", self.connections), &format!("-d{seconds}s"), "-s"]).arg(&script);
        let done =
            wrk.arg(format!("http://{to}{}", self.path)).output().context("there is no wrk: install it")?;
        let said = String::from_utf8_lossy(&done.stdout);
        let result =
            said.lines().find_map(|line| line.strip_prefix("RESULT ")).context("wrk said nothing")?;
        let numbers: Vec<f64> = result.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [requests, microseconds, wrong] = numbers[..] else { bail!("wrk said {result}") };
        ensure!(
            wrong == 0.0 && requests > 0.0,
            "{}: {wrong} of {requests} answers were wrong\n{said}",
            self.name
        );
        Ok(requests / microseconds * 1e6)
    }

    fn script(&self) -> String {
        let mut script = format!("wrk.method = {:?}\nwrk.body = {:?}\n", self.method, self.body);
        for (name, value) in &self.headers {
            script.push_str(&format!("wrk.headers[{name:?}] = {value:?}\n"));
        }
        script.push_str(
            "function done(summary)\n  local e = summary.errors\n  local wrong = e.status + e.connect + e.read + \
             e.write + e.timeout\n  io.write(string.format(\"RESULT %d %d %d\\n\", summary.requests, \
             summary.duration, wrong))\nend\n",
        );
        script
    }
}

/// The bare server, a process of its own. It is ended when this is dropped.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn start(answer: &Path) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--bare")
            .arg(answer)
            .stdout(Stdio::piped())
            .spawn()
            .context("the bare server")?;
        let mut line = String::new();
        let mut said = std::io::BufReader::new(child.stdout.take().context("no pipe")?);
        std::io::BufRead::read_line(&mut said, &mut line)?;
        let began = Instant::now();
        let address = line.trim().parse().with_context(|| format!("the bare server said {line:?}"))?;
        let bare = Self { child, address };
        while std::net::TcpStream::connect(bare.address).is_err() {
            ensure!(began.elapsed() < Duration::from_secs(10), "the bare server doesn't listen");
        }
        Ok(bare)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// An answer as a file: status, headers, an empty line, the body.
fn as_bytes(answer: &Response) -> Vec<u8> {
    let mut bytes = format!("{}\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        if !["connection", "content-length", "date", "transfer-encoding"]
            .contains(&name.to_lowercase().as_str())
        {
            bytes.extend(format!("{name}: {value}\n").into_bytes());
        }
    }
    bytes.push(b'\n');
    bytes.extend(&answer.body);
    bytes
}

/// Answers every request with what the file holds.
fn be_bare(file: &Path) -> Result<()> {
    let bytes = std::fs::read(file)?;
    let end = bytes.windows(2).position(|window| window == b"\n\n").context("no empty line")?;
    let (head, body) = bytes.split_at(end + 2);
    let mut lines = std::str::from_utf8(head)?.lines();
    let mut answer = http::Response::builder().status(lines.next().context("no status")?);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        answer = answer.header(name, value);
    }
    let answer = answer.body(Full::new(Bytes::copy_from_slice(body)))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let _ = stream.set_nodelay(true);
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(answer.clone())));
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
            });
        }
    })
}
