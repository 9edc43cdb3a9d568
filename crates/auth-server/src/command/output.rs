//! What commands print on standard output.

use std::fmt;
use std::io::Write;

/// Prints a line.
pub(super) fn print_line(line: impl fmt::Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
