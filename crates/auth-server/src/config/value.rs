//! Types of values. Each knows the form in which its values are written, and errors say it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use auth_core::{Exact, ExactPoint, Quota};
use http::uri::Authority;
use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected};

use super::ConfigError;

/// The most bytes of a realm's slug.
const LONGEST_SLUG: usize = 64;

/// Reads a text that `parse` takes. `form` says in a noun phrase how such texts are written.
pub(super) fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    form: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Visitor<F>(&'static str, F);
    impl<T, F: FnOnce(&str) -> Option<T>> de::Visitor<'_> for Visitor<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            let Self(form, parse) = self;
            parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &form))
        }
    }
    deserializer.deserialize_str(Visitor(form, parse))
}

/// Reads a number greater than zero.
pub(super) fn positive<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + PartialEq,
{
    let number = T::deserialize(deserializer)?;
    if number == T::default() {
        return Err(de::Error::invalid_value(Unexpected::Unsigned(0), &"a number greater than zero"));
    }
    Ok(number)
}

/// Reads a number greater than zero, for a key that may be missing.
pub(super) fn optional_positive<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + PartialEq,
{
    positive(deserializer).map(Some)
}

/// Reads a duration longer than nothing.
pub(super) fn positive_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let form = "a duration longer than nothing, such as \"30m\"";
    text(deserializer, form, |text| Span::parse(text).ok().filter(|span| !span.0.is_zero()))
}

/// Reads an IP address and a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let form = "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"";
    text(deserializer, form, |text| text.parse().ok())
}

/// Reads an IP address and a port, for a key that may be missing.
pub(super) fn optional_address<'de, D>(deserializer: D) -> Result<Option<SocketAddr>, D::Error>
where
    D: Deserializer<'de>,
{
    address(deserializer).map(Some)
}

/// Reads the slug of a realm.
pub(super) fn slug<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let is_slug_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let form = "the slug of a realm, 1 to 64 lower-case letters, digits, - and _";
    text(deserializer, form, |text| {
        let is_slug = (1..=LONGEST_SLUG).contains(&text.len()) && text.bytes().all(is_slug_byte);
        is_slug.then(|| text.to_owned())
    })
}

/// Reads the slug of a realm, for a key that may be missing.
pub(super) fn optional_slug<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    slug(deserializer).map(Some)
}

/// Reads the name or the address of a host, with a port or without one.
pub(super) fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = String::deserialize(deserializer)?;
    if is_host(&given) {
        return Ok(given);
    }
    // What is left of a URL.
    let rest = given.split_once("://").map_or(given.as_str(), |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if rest != given && is_host(rest) {
        return Err(de::Error::custom(format_args!("{given:?} is not a host name: write {rest:?}")));
    }
    let form = "a host name in ASCII such as \"chat.example.org\", with a port unless it is the usual one";
    Err(de::Error::invalid_value(Unexpected::Str(&given), &form))
}

/// The error of a name that is no exact point of the protocol that a section is about.
pub(super) fn no_point(section: &str, name: &str, points: &[ExactPoint]) -> ConfigError {
    let known: Vec<&str> = points.iter().map(ExactPoint::as_str).collect();
    ConfigError::new(format!(
        "{section} exact: there is no point `{name}`: the points are {}",
        known.join(", ")
    ))
}

/// Whether a text is the name or the address of a host, with a port or without one.
pub(super) fn is_host(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let host = authority.host();
    let is_port = match text.strip_prefix(host) {
        Some("") => true,
        Some(_) => authority.port_u16().is_some_and(|port| port != 0),
        None => false,
    };
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_name = host.split('.').all(|label| !label.is_empty() && label.bytes().all(is_name_byte));
    is_port && (is_name || host.starts_with('['))
}

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
        let form = "a duration, which is written like \"30m\", \"500ms\" or \"90 days\"";
        text(deserializer, form, |text| Self::parse(text).ok())
    }
}

/// `"on"` or `"off"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a switch")]
pub enum Switch {
    /// Switched on.
    #[default]
    On,
    /// Switched off.
    Off,
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "\"on\" or \"off\"", |text| match text {
            "on" => Some(Self::On),
            "off" => Some(Self::Off),
            _ => None,
        })
    }
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
            #[serde(deserialize_with = "positive")]
            attempts: u32,
            #[serde(deserialize_with = "positive_span")]
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
                    Err(E::invalid_value(Unexpected::Str(text), &self))
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Limit::On(Quota { attempts: table.attempts, window: table.window.0 }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `true`, `false`, or a list of exact points by name.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl<'de> Deserialize<'de> for ExactPoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ExactPoints;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or a list of points such as [\"code-replay\"]")
            }

            fn visit_bool<E: de::Error>(self, all: bool) -> Result<ExactPoints, E> {
                Ok(ExactPoints::All(all))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, names: A) -> Result<ExactPoints, A::Error> {
                let names = de::value::SeqAccessDeserializer::new(names);
                Vec::deserialize(names).map(ExactPoints::Some)
            }
        }
        deserializer.deserialize_any(Visitor)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_a_name_or_an_address_and_may_have_a_port() {
        for (text, expected) in [
            ("chat.example.org", true),
            ("Chat.example.org", true),
            ("zulipdev.com:9991", true),
            ("127.0.0.1:9991", true),
            ("[::1]:9991", true),
            ("localhost", true),
            ("xn--example2-cua.org", true),
            ("", false),
            ("https://chat.example.org", false),
            ("chat.example.org/", false),
            ("chat.example.org:", false),
            ("chat.example.org:0", false),
            ("chat.example.org:99999", false),
            ("a@chat.example.org", false),
            (".example.org", false),
            ("*.example.org", false),
            ("chat.example.org.", false),
            ("chat example.org", false),
            ("exämple.org", false),
            ("[::1", false),
        ] {
            assert_eq!(is_host(text), expected, "{text}");
        }
    }
}
