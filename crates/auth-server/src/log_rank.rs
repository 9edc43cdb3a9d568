//! The rank of a log line, as journald reads it: `<6>` before the line (sd-daemon(3)).

use std::fmt;
use std::fs::File;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::environment;

/// A format of lines, with the rank before each where it is wanted.
pub(crate) struct Ranked<F> {
    pub(crate) lines: F,
    pub(crate) is_wanted: bool,
}

impl<S, N, F> FormatEvent<S, N> for Ranked<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.is_wanted {
            writer.write_str(rank(*event.metadata().level()))?;
        }
        self.lines.format_event(context, writer, event)
    }
}

/// The rank of a level.
pub(crate) fn rank(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// Whether a file is the stream on which the journal takes lines of this process.
pub(crate) fn is_journal(out: &File) -> bool {
    let stream = environment::journal_stream();
    stream.is_some_and(|stream| {
        out.metadata().is_ok_and(|file| stream == format!("{}:{}", file.dev(), file.ino()))
    })
}
