//! Values with a form of their own.

use std::fmt;
use std::time::Duration;

use auth_core::{Exact, ExactPoint, Quota};
use auth_engine::FailureGrid;
use serde::Deserialize;
use serde::de::{self, Deserializer, IntoDeserializer};

use crate::listener::LONGEST_WAIT;

/// The narrowest failure grid: clocks here count whole milliseconds.
const MIN_GRID: Duration = Duration::from_millis(1);

/// A length of time, written `30m`, `10 s`, `90 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain value")]
pub struct Span(pub Duration);

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Span {
    /// Reads a length of time.
    ///
    /// # Errors
    /// A sentence that says how it is written.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let wrong = || "a length of time is written like \"30m\", \"500ms\" or \"90 days\"";
        let days = ["days", "day", "d"].iter().find_map(|unit| text.trim().strip_suffix(unit));
        if let Some(days) = days {
            let days: u32 = days.trim().parse().map_err(|_| wrong())?;
            return Ok(Self(Duration::from_secs(u64::from(days) * 86_400)));
        }
        let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        Duration::try_from(span).map(Self).map_err(|_| wrong())
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

/// `"off"`, or so many tries in so long a time: `{ attempts = 5, window = "30m" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a limit is there or not")]
pub enum Limit {
    /// No limit.
    Off,
    /// A limit.
    On(Quota),
}

impl Limit {
    /// A limit of so many tries in so many seconds.
    #[must_use]
    pub const fn per(attempts: u32, secs: u64) -> Self {
        Self::On(Quota { attempts, window: Duration::from_secs(secs) })
    }

    /// The rule, where there is one.
    #[must_use]
    pub fn rule(self) -> Option<Quota> {
        match self {
            Self::Off => None,
            Self::On(rule) => Some(rule),
        }
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
                    return Err(de::Error::custom("attempts and window must be more than nothing"));
                }
                Ok(Limit::On(Quota { attempts: table.attempts, window: table.window.0 }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `"auto"`, `"off"`, or a width: when wrong passwords are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain value")]
pub struct Grid(pub FailureGrid);

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(match text.as_str() {
            "auto" => FailureGrid::Auto,
            "off" => FailureGrid::Off,
            _ => {
                let span = Span::deserialize(text.as_str().into_deserializer())
                    .map_err(|_: de::value::Error| wrong_grid())?;
                if !(MIN_GRID..=LONGEST_WAIT).contains(&span.0) {
                    return Err(wrong_grid());
                }
                FailureGrid::Fixed(span.0)
            }
        }))
    }
}

fn wrong_grid<E: de::Error>() -> E {
    E::custom("a failure grid is \"auto\", \"off\", or a width from \"1ms\" to \"5s\"")
}

/// `true`, `false`, or a list of points by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "all, none or some")]
pub enum ExactPoints {
    /// All or none.
    All(bool),
    /// Some.
    Some(Vec<String>),
}

impl Default for ExactPoints {
    fn default() -> Self {
        Self::All(false)
    }
}

impl ExactPoints {
    /// The points meant.
    #[must_use]
    pub fn points(&self) -> Exact {
        match self {
            Self::All(true) => Exact::all(),
            Self::All(false) => Exact::default(),
            Self::Some(names) => Exact::only(
                ExactPoint::ALL
                    .iter()
                    .filter(|(.., known)| names.iter().any(|name| name == known))
                    .map(|(point, ..)| *point),
            ),
        }
    }

    pub(super) fn unknown(&self, known: impl Fn(&str) -> bool) -> Option<&str> {
        match self {
            Self::All(_) => None,
            Self::Some(names) => names.iter().map(String::as_str).find(|name| !known(name)),
        }
    }
}

/// Puts `SECTION__KEY` into a table. The value is TOML, or else text.
pub(super) fn set(table: &mut toml::Table, name: &str, value: &str) -> Result<(), String> {
    let path: Vec<String> = name.split("__").map(str::to_lowercase).collect();
    let Some((key, sections)) = path.split_last().filter(|_| path.iter().all(|part| !part.is_empty())) else {
        return Err(format!("AUTH_SERVER__{name}: write it as AUTH_SERVER__SECTION__KEY"));
    };
    let mut place = table;
    for section in sections {
        let entry = place.entry(section.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = entry
            .as_table_mut()
            .ok_or_else(|| format!("AUTH_SERVER__{name}: `{section}` is a value, not a section"))?;
    }
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    place.insert(key.clone(), parsed);
    Ok(())
}
