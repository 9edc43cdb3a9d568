//! Progress on standard error.

/// Prints one line that says what is being done.
#[expect(clippy::print_stderr, reason = "progress is for the person who waits")]
pub(crate) fn say(text: &str) {
    eprintln!("== {text}");
}
