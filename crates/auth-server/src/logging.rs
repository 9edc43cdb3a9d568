//! Log lines, on standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::panic;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use auth_core::{Clock, SystemClock, Timestamp};
use serde::Serialize;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::config::{Log, LogFormat, LogRanks};
use crate::log_rank::{Ranked, is_journal, rank};
use crate::log_writer::{Bounds, LogWriter};

/// What waits while standard error can't be written to, or its reader is slow.
const BOUNDS: Bounds = Bounds { bytes: 1 << 20, pause: Duration::from_millis(100) };

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// The writer of this process, whose log there is one of.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Sets the level or filter of this process's log.
static SET_LEVEL: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// The log of this process. Dropping it waits a moment until the last lines are written.
pub(crate) struct OpenLog;

/// Starts logging, once per process. No caller that logs a line waits for standard error, or fails with it.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn start(log: &Log) -> anyhow::Result<OpenLog> {
    let filter = EnvFilter::try_new(&log.level).context("[log] level is not a level or filter")?;
    let format = log.format;
    // A descriptor of its own, so that nobody who writes to standard error waits for the thread that does.
    let out = File::from(io::stderr().as_fd().try_clone_to_owned().context("standard error")?);
    let is_wanted = match log.ranks {
        LogRanks::Auto => is_journal(&out),
        LogRanks::On => true,
        LogRanks::Off => false,
    };
    let note = move |missing| {
        let rank = if is_wanted { rank(Level::WARN) } else { "" };
        rank.to_owned() + &missing_lines(format, SystemClock.now(), missing)
    };
    let writer = LogWriter::start(BOUNDS, out, note).context("the log")?;
    // A second start in one process leaves the first in place.
    if WRITER.set(writer.clone()).is_ok() {
        let make = move || writer.clone();
        let lines =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(make).log_internal_errors(false);
        // A handle that has lost its subscriber sets nothing.
        let _ = match format {
            LogFormat::Text => {
                let text = tracing_subscriber::fmt::format().with_ansi(false);
                let lines = lines.with_ansi(false).event_format(Ranked { lines: text, is_wanted });
                let lines = lines.with_filter_reloading();
                let handle = lines.reload_handle();
                let _ = SET_LEVEL.set(Box::new(move |filter| drop(handle.reload(filter))));
                lines.try_init()
            }
            LogFormat::Json => {
                let json = tracing_subscriber::fmt::format().json().flatten_event(true);
                let lines =
                    lines.fmt_fields(JsonFields::new()).event_format(Ranked { lines: json, is_wanted });
                let lines = lines.with_filter_reloading();
                let handle = lines.reload_handle();
                let _ = SET_LEVEL.set(Box::new(move |filter| drop(handle.reload(filter))));
                lines.try_init()
            }
        };
        panic::set_hook(Box::new(log_panic));
    }
    Ok(OpenLog)
}

/// Sets the level of this process's log.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn set_level(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).context("[log] level is not a level or filter")?;
    if let Some(set) = SET_LEVEL.get() {
        set(filter);
    }
    Ok(())
}

/// How many lines of this process's log were dropped.
pub(crate) fn lost_lines() -> u64 {
    WRITER.get().map_or(0, LogWriter::lost)
}

impl Drop for OpenLog {
    fn drop(&mut self) {
        if let Some(writer) = WRITER.get() {
            writer.drain(LAST_LINES);
        }
    }
}

/// Logs a panic. The standard library's hook would wait for standard error.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(backtrace));
    let cause = panic.payload_as_str().unwrap_or("of unknown cause");
    let place = panic.location().map(tracing::field::display);
    tracing::error!(cause, place, backtrace, "a thread panicked: this is a defect");
}

/// The line that stands for lines that were dropped, in the form of the others. It is shown at every level.
fn missing_lines(format: LogFormat, now: Timestamp, lines: u64) -> String {
    #[derive(Serialize)]
    struct Line {
        timestamp: String,
        level: &'static str,
        message: String,
        lines: u64,
        target: &'static str,
    }
    let timestamp = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default().to_string();
    let message = format!("{lines} log lines lost");
    let target = module_path!();
    match format {
        LogFormat::Text => format!("{timestamp}  WARN {target}: {message} lines={lines}\n"),
        LogFormat::Json => {
            let line = Line { timestamp, level: "WARN", message, lines, target };
            serde_json::to_string(&line).unwrap_or_default() + "\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_lines_are_told_in_the_form_of_the_others() {
        let line = |format| missing_lines(format, Timestamp::from_secs(1_700_000_000), 12);
        let text = "2023-11-14T22:13:20Z  WARN auth_server::logging: 12 log lines lost lines=12\n";
        assert_eq!(line(LogFormat::Text), text);
        let json = concat!(
            r#"{"timestamp":"2023-11-14T22:13:20Z","level":"WARN","message":"12 log lines lost","lines":12,"#,
            r#""target":"auth_server::logging"}"#,
            "\n"
        );
        assert_eq!(line(LogFormat::Json), json);
    }
}
