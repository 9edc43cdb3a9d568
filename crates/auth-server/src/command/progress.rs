//! The progress line at the foot of the terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A line at the foot of the terminal that shows how far a command is. It is shown only if standard error is a terminal,
/// and removed when it is dropped.
#[derive(Debug)]
pub(super) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub(super) fn new() -> Self {
        Self(ProgressBar::no_length())
    }

    /// Shows how many items of a step are done, and how many there are if that is known.
    pub(super) fn show(&self, step: &str, done: u64, of: Option<u64>) {
        let Self(bar) = self;
        if bar.message() != step {
            bar.reset();
            bar.set_style(style(of.is_some()));
            bar.set_message(step.to_owned());
        }
        if let Some(of) = of {
            bar.set_length(of);
        }
        bar.set_position(done);
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left"
    } else {
        "{spinner} {msg} {human_pos}, {per_sec}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
