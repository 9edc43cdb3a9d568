//! What whoever waits at a terminal sees.

use indicatif::{ProgressBar, ProgressStyle};

/// A line at the foot of the terminal that says how far a command is. Where standard error is no terminal, nothing is
/// shown; and nothing is left of it when it is dropped.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        Self(ProgressBar::no_length())
    }

    /// Shows how much is done of a step, and how much there is of it where that is known.
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

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(with_end: bool) -> ProgressStyle {
    let shown = if with_end {
        "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left"
    } else {
        "{spinner} {msg} {human_pos}, {per_sec}"
    };
    ProgressStyle::with_template(shown).unwrap_or_else(|_| ProgressStyle::default_bar())
}
