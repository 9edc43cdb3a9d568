//! What the server says: messages → text frames.

use serde::Serialize;
use serde_json::Value;

use super::error::MethodError;
use super::method::Answer;

/// A message to a client.
#[derive(Serialize)]
#[serde(tag = "msg", rename_all = "lowercase")]
pub(crate) enum Message<'a> {
    /// The greeting is accepted.
    Connected { session: &'a str },
    /// The greeting is refused, with the version that would be accepted.
    Failed { version: &'static str },
    /// Asks whether anybody listens.
    Ping,
    /// Answers a ping.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
    /// What a method came to; neither field for a method without a result.
    Result {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a Answer>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a MethodError>,
    },
    /// All that these methods have changed was sent.
    Updated { methods: [&'a str; 1] },
    /// All that these subscriptions begin with was sent.
    Ready { subs: [&'a str; 1] },
    /// A subscription has ended.
    Nosub { id: &'a str },
    /// A frame could not be read.
    Error { reason: &'static str },
}

impl<'a> Message<'a> {
    /// What a method came to.
    pub(crate) fn result(id: &'a str, outcome: &'a Result<Option<Answer>, MethodError>) -> Self {
        match outcome {
            Ok(result) => Self::Result { id, result: result.as_ref(), error: None },
            Err(error) => Self::Result { id, result: None, error: Some(error) },
        }
    }

    /// The text frame.
    pub(crate) fn encode(&self) -> String {
        // Serializing strings, numbers and lists into memory can't fail; were it to, it is a defect of ours.
        serde_json::to_string(self)
            .unwrap_or_else(|_| r#"{"msg":"error","reason":"Internal server error"}"#.to_owned())
    }
}
