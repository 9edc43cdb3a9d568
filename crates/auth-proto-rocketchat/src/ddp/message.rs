//! Messages of the server → text frames.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::MethodError;
use super::method::MethodResult;
use super::user_document::UserFields;

/// A message to a client.
#[derive(Serialize)]
#[serde(tag = "msg", rename_all = "lowercase")]
pub(crate) enum Message<'a> {
    /// Accepts the greeting.
    Connected { session: &'a str },
    /// Refuses the greeting, with the version that would be accepted.
    Failed { version: &'static str },
    /// Asks the client for a sign of life.
    Ping,
    /// Answers a ping.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
    /// The outcome of a method; without either field for a method that gives no result.
    Result {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a MethodResult>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'a MethodError>,
    },
    /// A document is there from now on, in the client's copy of a collection.
    Added { collection: &'static str, id: &'a str, fields: &'a UserFields },
    /// Fields of a document have other values, or are gone.
    Changed {
        collection: &'static str,
        id: &'a str,
        #[serde(skip_serializing_if = "UserFields::is_empty")]
        fields: &'a UserFields,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        cleared: Vec<&'static str>,
    },
    /// A document is gone.
    Removed { collection: &'static str, id: &'a str },
    /// Says that everything that these methods have changed was sent.
    Updated { methods: [&'a str; 1] },
    /// Says that everything with which these subscriptions begin was sent.
    Ready { subs: [&'a str; 1] },
    /// Ends a subscription.
    Nosub { id: &'a str },
    /// Says that a frame could not be taken, with the frame where it is a message.
    #[serde(rename_all = "camelCase")]
    Error {
        reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        offending_message: Option<&'a RawValue>,
    },
}

impl<'a> Message<'a> {
    /// The outcome of a method.
    pub(crate) fn result(id: &'a str, outcome: &'a Result<Option<MethodResult>, MethodError>) -> Self {
        match outcome {
            Ok(result) => Self::Result { id, result: result.as_ref(), error: None },
            Err(error) => Self::Result { id, result: None, error: Some(error) },
        }
    }

    /// The message as a text frame.
    pub(crate) fn encode(&self) -> String {
        // Text, numbers and lists are always written into memory; anything else is a defect.
        serde_json::to_string(self)
            .unwrap_or_else(|_| r#"{"msg":"error","reason":"Internal server error"}"#.to_owned())
    }
}
