//! What is asked and answered, step by step, for an operator who wants to see it.

/// Takes notes, or none. No note holds a secret.
#[derive(Debug, Default)]
pub(crate) struct Journal(Option<Vec<String>>);

impl Journal {
    /// One that keeps its notes.
    pub(crate) fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    /// Notes a step; the line is only made where it is kept.
    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.0 {
            lines.push(line());
        }
    }

    /// What was noted.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}
