//! What is logged, and how long it is kept.

use serde::Deserialize;

use super::Span;

/// What is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter of `target=level`.
    pub level: String,
    /// Whether names as typed stand in the log: they are personal data.
    pub names: bool,
    /// How long the store keeps its log of attempts.
    pub keep_attempts: Span,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}
