//! A record of the steps of a login, for the operator.

/// Records steps, or drops them. Callers put no secret into a step.
#[derive(Debug)]
pub(crate) struct Trace(Option<Vec<String>>);

impl Trace {
    /// A trace that drops every step.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// A trace that keeps every step.
    pub(crate) fn recording() -> Self {
        Self(Some(Vec::new()))
    }

    /// Whether steps are kept.
    pub(crate) fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// Adds a step. The text is built only if the trace is recording.
    pub(crate) fn add(&mut self, step: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(step());
        }
    }

    /// The recorded steps, oldest first.
    pub(crate) fn into_steps(self) -> Vec<String> {
        self.0.unwrap_or_default()
    }
}
