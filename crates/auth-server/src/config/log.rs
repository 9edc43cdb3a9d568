//! Section `[log]`: log lines, and how long the log of attempts and the audit log are kept.

use auth_engine::Retention;
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Span;
use super::value::{positive, text};

/// Section `[log]`: log lines, and how long the log of attempts and the audit log are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Log {
    /// The format of log lines.
    pub format: LogFormat,
    /// Whether each line begins with its rank, as `<6>`, which the journal takes off and keeps as its priority.
    pub ranks: LogRanks,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter of `target=level`.
    #[serde(deserialize_with = "level")]
    pub level: String,
    /// Whether log lines show login names as typed, which are personal data.
    pub names: bool,
    /// How long the store keeps its log of attempts.
    pub keep_attempts: Span,
    /// The most attempts that the store's log keeps. Every minute, the oldest beyond them are deleted.
    #[serde(deserialize_with = "positive")]
    pub max_attempts: u32,
    /// How long the store keeps its audit log: who changed which account, realm or key. No number of rows shortens it.
    pub keep_audit: Span,
}

impl Log {
    /// How long the engine keeps its logs.
    pub(super) fn retention(&self) -> Retention {
        Retention {
            attempts: self.keep_attempts.0,
            max_attempts: self.max_attempts,
            audit: self.keep_audit.0,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        let Retention { attempts, max_attempts, audit } = Retention::default();
        Self {
            format: LogFormat::Text,
            ranks: LogRanks::Auto,
            level: "info".to_owned(),
            names: false,
            keep_attempts: Span(attempts),
            max_attempts,
            keep_audit: Span(audit),
        }
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// Plain text.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether log lines begin with their rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogRanks {
    /// Where standard error is the journal.
    #[default]
    Auto,
    /// Always: something else passes the lines on to a journal.
    On,
    /// Never.
    Off,
}

impl<'de> Deserialize<'de> for LogRanks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "\"auto\", \"on\" or \"off\"", |text| match text {
            "auto" => Some(Self::Auto),
            "on" => Some(Self::On),
            "off" => Some(Self::Off),
            _ => None,
        })
    }
}

impl<'de> Deserialize<'de> for LogFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "\"text\" or \"json\"", |text| match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        })
    }
}

/// Reads a level, or a filter of several.
fn level<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let form =
        "one of error, warn, info, debug, trace and off, or a filter such as \"info,auth::account=debug\"";
    text(deserializer, form, |text| is_filter(text).then(|| text.to_owned()))
}

/// Whether a text is a filter with a level in each of its parts. A word without a level would be taken for the name of a
/// part of the program, all of whose lines are logged, and no others.
fn is_filter(text: &str) -> bool {
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let has_level = |part: &str| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level).trim());
    text.split(',').all(has_level) && EnvFilter::try_new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_is_one_that_there_is_or_a_filter_of_such() {
        for (text, expected) in [
            ("info", true),
            ("WARN", true),
            ("off", true),
            ("info,auth::account=debug", true),
            ("auth_server=trace, warn", true),
            ("verbose", false),
            ("info,auth::account", false),
            ("auth::account=loud", false),
            ("information", false),
            ("", false),
            ("info,", false),
        ] {
            assert_eq!(is_filter(text), expected, "{text}");
        }
    }
}
