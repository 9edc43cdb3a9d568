//! Runs the transcripts of a real Zulip's pages and web sessions (docs/contract/zulip-web.md, section 9).
//!
//! Transcripts of a browser hang on each other: a session id, a link or a key of one answer is sent by later requests. So
//! each server of the recording runs once, its transcripts in order, and [`carried`](crate::carried) replaces recorded values by those of
//! this run. [`history`] brings about what no transcript of the file shows, and [`differences`](mod@differences) compares.

mod accounts;
mod differences;
mod front;
mod history;
mod mails;
mod rules;

use std::thread;
use std::time::Duration;

use anyhow::Result;

use self::differences::{Context, differences};
use self::front::Front;
pub(crate) use self::rules::Rules;
use crate::options::Options;
use crate::recorded::Transcript;
use crate::report::{Report, Verdict};
use crate::setup::{self, Setup};

/// The time that a mail takes which must not come.
const NO_MAIL: Duration = Duration::from_millis(300);

/// Runs the transcripts, each server of the recording by itself; `setups/zulip-web-live.toml` has a setup for each.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let transcripts: Vec<Transcript> = options.read_lines("zulip-web-live.jsonl")?;
    let setups = setup::read(&options.data.join("setups/zulip-web-live.toml"))?;
    let rules = Rules::read(options)?;
    let mut report = Report::default();
    let mut groups: Vec<Vec<&Transcript>> = vec![Vec::new(); setups.len()];
    for transcript in &transcripts {
        match setup::find(&setups, &transcript.id, &transcript.front).and_then(|index| groups.get_mut(index))
        {
            Some(group) => group.push(transcript),
            None if options.selects(&transcript.id) => {
                report
                    .add(&transcript.id, Verdict::NotRun(format!("no setup for front {}", transcript.front)));
            }
            None => {}
        }
    }
    let is_selected = |group: &[&Transcript]| group.iter().any(|transcript| options.selects(&transcript.id));
    thread::scope(|scope| {
        let jobs = setups.iter().zip(&groups).filter(|(_, group)| is_selected(group));
        let workers: Vec<_> = jobs
            .map(|(setup, group)| {
                let rules = &rules;
                scope.spawn(move || run_group(options, setup, rules, group))
            })
            .collect();
        for worker in workers {
            report.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(report)
    })
}

fn run_group(options: &Options, setup: &Setup, rules: &Rules, group: &[&Transcript]) -> Result<Report> {
    let mut report = Report::default();
    let mut front = Front::start(options, setup, rules)?;
    for transcript in group {
        let series: Vec<&Transcript> =
            group.iter().filter(|other| series_of(&other.id) == series_of(&transcript.id)).copied().collect();
        let verdict = run_transcript(&mut front, transcript, &series, setup)
            .unwrap_or_else(|error| Verdict::Differs(vec![format!("before it: {error:#}")]));
        if options.selects(&transcript.id) {
            report.add(&transcript.id, verdict);
        }
    }
    front.server.stop()?;
    Ok(report)
}

fn run_transcript(
    front: &mut Front<'_>,
    transcript: &Transcript,
    series: &[&Transcript],
    setup: &Setup,
) -> Result<Verdict> {
    front.prepare(transcript, series)?;
    let request = front.request_of(transcript)?;
    let mails = front.server.mail_count();
    let response = front.server.send(&request)?;
    let host = request.header_value("host").unwrap_or_default();
    let realm_uri = format!("{}://{host}", front.scheme);
    let subdomain = front.subdomain(host).to_owned();
    let api_key =
        |email: &str| front.accounts.find(email, Some(&subdomain)).map(|account| account.api_key.clone());
    let context = Context {
        sent_cookies: request.header_value("cookie").unwrap_or_default(),
        behind_proxy: setup.proxy.is_some(),
        realm_uri: &realm_uri,
        api_key: &api_key,
    };
    let mut found = differences(transcript, &response, &front.rules.pages, &context)?;
    // Whether a mail came of asking for a new password tells whether there is an account. Those that were asked for through
    // the proxy were not recorded.
    let asks = transcript.request.path == "/accounts/password/reset/" && transcript.request.method == "POST";
    let complete = asks && setup.proxy.is_none();
    if complete && transcript.mails.is_empty() {
        thread::sleep(NO_MAIL);
    }
    found.extend(mails::differences(&transcript.mails, complete, mails, &front.server, &front.rules.mails)?);
    front.finish(transcript, &response)?;
    Ok(found.into())
}

/// The series that a transcript belongs to, the first word of its id: its transcripts were recorded in turn.
fn series_of(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}
