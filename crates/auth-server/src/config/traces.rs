//! Section `[traces]`: where spans of requests are sent.

use http::Uri;
use serde::{Deserialize, Deserializer};

use super::ConfigError;
use super::value::text;

/// Section `[traces]`: where spans of requests are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Traces {
    /// The address at which a collector takes spans by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; without it
    /// none are made. The build must have the feature `otlp`.
    #[serde(deserialize_with = "endpoint")]
    pub otlp_endpoint: Option<String>,
    /// The share of requests that have a span, from 0 to 1. Where a trusted proxy has begun a trace, its choice holds.
    #[serde(deserialize_with = "share")]
    pub sample: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample: 0.1 }
    }
}

impl Traces {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_for(cfg!(feature = "otlp"))
    }

    fn check_for(&self, can_send: bool) -> Result<(), ConfigError> {
        if self.otlp_endpoint.is_none() || can_send {
            return Ok(());
        }
        Err(ConfigError::new(
            "[traces] otlp_endpoint: this program can't send traces: build it with the feature `otlp`",
        ))
    }
}

fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let form = "an address such as \"http://127.0.0.1:4318/v1/traces\", without TLS";
    let is_endpoint = |text: &str| {
        let uri = text.parse::<Uri>().ok();
        uri.is_some_and(|uri| {
            uri.scheme_str() == Some("http")
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.path() != "/"
        })
    };
    text(deserializer, form, |text| is_endpoint(text).then(|| text.to_owned())).map(Some)
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) {
        return Ok(share);
    }
    Err(serde::de::Error::custom(format_args!("{share} is not a share from 0 to 1")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_an_address_of_plain_http_with_a_path_and_the_share_from_0_to_1() {
        for (text, expected) in [
            ("otlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"", true),
            ("otlp_endpoint = \"http://[::1]:4318/v1/traces\"", true),
            ("otlp_endpoint = \"https://collector/v1/traces\"", false),
            ("otlp_endpoint = \"http://user:secret@collector/v1/traces\"", false),
            ("otlp_endpoint = \"http://collector:4318\"", false),
            ("otlp_endpoint = \"collector\"", false),
            ("sample = 1.0", true),
            ("sample = 0.0", true),
            ("sample = 1.5", false),
            ("sample = -0.1", false),
        ] {
            assert_eq!(toml::from_str::<Traces>(text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn collector_is_refused_by_a_build_that_can_not_send() {
        let traces: Traces = toml::from_str("otlp_endpoint = \"http://127.0.0.1:4318/v1/traces\"").unwrap();
        assert!(traces.check_for(true).is_ok() && Traces::default().check_for(false).is_ok());
        let refused = traces.check_for(false).unwrap_err().to_string();
        assert!(refused.contains("[traces] otlp_endpoint") && refused.contains("`otlp`"), "{refused}");
    }
}
