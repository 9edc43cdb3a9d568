//! Progress on standard error.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The steps that were begun, and when.
static STEPS: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// Prints one line that says what is being done.
#[expect(clippy::print_stderr, reason = "progress is for the person who waits")]
pub(crate) fn say(text: &str) {
    eprintln!("== {text}");
}

/// Says that a step begins, which ends where the next one begins.
pub(crate) fn step(text: &str) {
    say(text);
    STEPS.lock().unwrap_or_else(PoisonError::into_inner).push((text.to_owned(), now()));
}

/// Ends the last step, and says how long each took.
pub(crate) fn sum_up() {
    let steps = std::mem::take(&mut *STEPS.lock().unwrap_or_else(PoisonError::into_inner));
    let ends = steps.iter().skip(1).map(|(_, begun)| *begun).chain([now()]);
    let mut total = 0;
    for ((text, begun), end) in steps.iter().zip(ends) {
        let seconds = end.saturating_duration_since(*begun).as_secs();
        total += seconds;
        say(&format!("{seconds:5} s  {text}"));
    }
    say(&format!("{total:5} s  in all"));
}

#[expect(clippy::disallowed_methods, reason = "how long steps take is what is told")]
fn now() -> Instant {
    Instant::now()
}
