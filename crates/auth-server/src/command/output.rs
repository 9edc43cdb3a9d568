//! What commands print on standard output.

use std::fmt;
use std::io::Write;

use auth_core::Timestamp;

/// Prints a line.
pub(super) fn print_line(line: impl fmt::Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// A timestamp in RFC 3339; `None` when the format can't express it.
pub(super) fn rfc3339(time: Timestamp) -> Option<String> {
    jiff::Timestamp::from_millisecond(time.as_millis()).map(|time| time.to_string()).ok()
}
