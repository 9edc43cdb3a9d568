//! Types of values: durations, switches, quotas, exact points.

use std::fmt;
use std::time::Duration;

use auth_core::{Exact, ExactPoint, Quota};
use serde::Deserialize;
use serde::de::{self, Deserializer};

/// A duration, written `30m`, `10 s` or `90 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain value")]
pub struct Span(pub Duration);

impl Span {
    /// A duration in seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// A sentence that shows how durations are written.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = || "a duration is written like \"30m\", \"500ms\" or \"90 days\"";
        let days = ["days", "day", "d"].iter().find_map(|unit| text.trim().strip_suffix(unit));
        if let Some(days) = days {
            let days: u32 = days.trim().parse().map_err(|_| wrong())?;
            return Ok(Self(Duration::from_secs(u64::from(days) * 86_400)));
        }
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        Duration::try_from(span).map(Self).map_err(|_| wrong())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// `"on"` or `"off"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a switch")]
pub enum Switch {
    /// Switched on.
    #[default]
    On,
    /// Switched off.
    Off,
}

/// A rate limit: `"off"`, or a quota such as `{ attempts = 5, window = "30m" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a limit is on or off")]
pub enum Limit {
    /// No limit.
    Off,
    /// At most as many attempts within a window as the quota says.
    On(Quota),
}

impl Limit {
    /// At most `attempts` attempts within `secs` seconds.
    #[must_use]
    pub const fn per(attempts: u32, secs: u64) -> Self {
        Self::On(Quota { attempts, window: Duration::from_secs(secs) })
    }

    /// The quota; `None` for `"off"`.
    #[must_use]
    pub fn quota(self) -> Option<Quota> {
        match self {
            Self::Off => None,
            Self::On(quota) => Some(quota),
        }
    }
}

impl From<Option<Quota>> for Limit {
    fn from(quota: Option<Quota>) -> Self {
        quota.map_or(Self::Off, Self::On)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            attempts: u32,
            window: Span,
        }
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Limit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"off\" or { attempts = 5, window = \"30m\" }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
                if text == "off" {
                    Ok(Limit::Off)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                if table.attempts == 0 || table.window.0.is_zero() {
                    return Err(de::Error::custom("attempts and window must be greater than zero"));
                }
                Ok(Limit::On(Quota { attempts: table.attempts, window: table.window.0 }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `true`, `false`, or a list of exact points by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "all, none or some")]
pub enum ExactPoints {
    /// All points of the protocol, or none.
    All(bool),
    /// The points of these names.
    Some(Vec<String>),
}

impl Default for ExactPoints {
    fn default() -> Self {
        Self::All(false)
    }
}

impl ExactPoints {
    /// The points that are switched on, of those that a protocol has.
    pub(super) fn of(&self, points: &[ExactPoint]) -> Exact {
        match self {
            Self::All(true) => Exact::only(points.iter().copied()),
            Self::All(false) => Exact::default(),
            Self::Some(names) => {
                let is_named = |point: &ExactPoint| names.iter().any(|name| name == point.as_str());
                Exact::only(points.iter().copied().filter(is_named))
            }
        }
    }

    /// The first name that is no point of the protocol.
    pub(super) fn unknown(&self, points: &[ExactPoint]) -> Option<&str> {
        let is_unknown = |name: &&str| !points.iter().any(|point| point.as_str() == *name);
        match self {
            Self::All(_) => None,
            Self::Some(names) => names.iter().map(String::as_str).find(is_unknown),
        }
    }
}
