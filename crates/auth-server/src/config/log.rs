//! Section `[log]`: log lines, and how long the log of attempts and the audit log are kept.

use serde::Deserialize;

use super::Span;

/// Section `[log]`: log lines, and how long the log of attempts and the audit log are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Log {
    /// The format of log lines.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter of `target=level`.
    pub level: String,
    /// Whether log lines show login names as typed, which are personal data.
    pub names: bool,
    /// How long the store keeps its log of attempts.
    pub keep_attempts: Span,
    /// The most attempts that the store's log keeps. Every minute, the oldest beyond them are deleted.
    pub max_attempts: u32,
    /// How long the store keeps its audit log: who changed which account, realm or key. No number of rows shortens it.
    pub keep_audit: Span,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: "info".to_owned(),
            names: false,
            keep_attempts: Span::secs(90 * 86_400),
            max_attempts: 1_000_000,
            keep_audit: Span::secs(400 * 86_400),
        }
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
