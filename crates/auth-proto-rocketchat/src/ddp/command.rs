//! Text frames of a client → commands. Nothing here panics or does I/O.

use std::fmt;

use serde_json::{Map, Value};

/// A message of a client.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "all messages that the server reads")]
pub enum Command {
    /// The greeting.
    Connect {
        /// The version that the client speaks.
        version: String,
        /// The versions that the client could speak, best first.
        support: Vec<String>,
    },
    /// Asks the server for a sign of life.
    Ping {
        /// The id that comes back in the answer.
        id: Option<Value>,
    },
    /// Answers a ping.
    Pong,
    /// Calls a method.
    Method {
        /// The id of the call.
        id: String,
        /// The name of the method.
        name: String,
        /// The parameters.
        params: Params,
    },
    /// Subscribes to a publication.
    Sub {
        /// The id of the subscription.
        id: String,
    },
    /// Ends a subscription.
    Unsub {
        /// The id of the subscription.
        id: String,
    },
}

/// The parameters of a method. There are secrets among them, so `Debug` shows their number alone.
#[derive(Clone, Default, PartialEq)]
pub struct Params(Vec<Value>);

impl Params {
    /// Takes the parameter at `index`; null where there is none.
    pub(super) fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map(Value::take).unwrap_or_default()
    }

    /// Removes the last parameter if it is an object with this key.
    pub(super) fn take_last_with(&mut self, key: &str) -> Option<Value> {
        self.0.pop_if(|last| last.get(key).is_some())
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({})", self.0.len())
    }
}

/// A frame that can't be read, by the kind of message that it seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has an answer of its own")]
pub enum FrameError {
    /// Not JSON, not an object, or without a kind.
    Message,
    /// Of no known kind.
    Kind,
    /// A greeting without a version, or with versions that are no texts.
    Connect,
    /// A call without a name or an id, or whose parameters are no list.
    Method,
    /// A subscription without a name or an id, or whose parameters are no list.
    Subscription,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "no message of DDP",
            Self::Kind => "unknown kind of message",
            Self::Connect => "malformed greeting",
            Self::Method => "malformed method call",
            Self::Subscription => "malformed subscription",
        })
    }
}

impl std::error::Error for FrameError {}

impl Command {
    /// Reads a frame.
    ///
    /// # Errors
    /// A [`FrameError`] with the kind of message that the frame seems to be.
    ///
    /// ```
    /// use auth_proto_rocketchat::ddp::{Command, FrameError};
    /// assert_eq!(Command::decode(r#"{"msg":"pong"}"#), Ok(Command::Pong));
    /// assert_eq!(Command::decode(r#"{"msg":"method","id":1}"#), Err(FrameError::Method));
    /// ```
    pub fn decode(frame: &str) -> Result<Self, FrameError> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(frame) else {
            return Err(FrameError::Message);
        };
        let kind = text(&mut fields, "msg").filter(|kind| !kind.is_empty()).ok_or(FrameError::Message)?;
        match kind.as_str() {
            "connect" => connect(fields).ok_or(FrameError::Connect),
            "ping" => Ok(Self::Ping { id: fields.remove("id") }),
            "pong" => Ok(Self::Pong),
            "method" => method(fields).ok_or(FrameError::Method),
            "sub" => sub(fields).ok_or(FrameError::Subscription),
            "unsub" => {
                let id = text(&mut fields, "id").ok_or(FrameError::Subscription)?;
                Ok(Self::Unsub { id })
            }
            _ => Err(FrameError::Kind),
        }
    }
}

/// A client that lists no versions could speak the one that it names.
fn connect(mut fields: Map<String, Value>) -> Option<Command> {
    let version = text(&mut fields, "version")?;
    let support = match fields.remove("support") {
        None => vec![version.clone()],
        Some(Value::Array(versions)) => versions
            .into_iter()
            .map(into_text)
            .collect::<Option<_>>()
            .filter(|all: &Vec<_>| !all.is_empty())?,
        Some(_) => return None,
    };
    Some(Command::Connect { version, support })
}

fn method(mut fields: Map<String, Value>) -> Option<Command> {
    let (id, name) = (text(&mut fields, "id")?, text(&mut fields, "method")?);
    Some(Command::Method { id, name, params: params(&mut fields)? })
}

fn sub(mut fields: Map<String, Value>) -> Option<Command> {
    let id = text(&mut fields, "id")?;
    text(&mut fields, "name")?;
    params(&mut fields)?;
    Some(Command::Sub { id })
}

fn params(fields: &mut Map<String, Value>) -> Option<Params> {
    match fields.remove("params") {
        None => Some(Params::default()),
        Some(Value::Array(params)) => Some(Params(params)),
        Some(_) => None,
    }
}

fn text(fields: &mut Map<String, Value>, key: &str) -> Option<String> {
    fields.remove(key).and_then(into_text)
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_are_read_by_their_kind() {
        let (id, name) = ("7".to_owned(), "login".to_owned());
        let both = || vec!["1".to_owned(), "pre2".to_owned()];
        let method = |params| Command::Method { id: id.clone(), name: name.clone(), params: Params(params) };
        for (frame, expected) in [
            (
                json!({"msg": "connect", "version": "1", "support": ["1", "pre2"], "session": "x"}),
                Ok(Command::Connect { version: "1".into(), support: both() }),
            ),
            (
                json!({"msg": "connect", "version": "1"}),
                Ok(Command::Connect { version: "1".into(), support: vec!["1".into()] }),
            ),
            (json!({"msg": "connect", "support": ["1"]}), Err(FrameError::Connect)),
            (json!({"msg": "connect", "version": 1, "support": ["1"]}), Err(FrameError::Connect)),
            (json!({"msg": "connect", "version": "1", "support": "1"}), Err(FrameError::Connect)),
            (json!({"msg": "connect", "version": "1", "support": ["1", 2]}), Err(FrameError::Connect)),
            (json!({"msg": "connect", "version": "1", "support": []}), Err(FrameError::Connect)),
            (json!({"msg": "ping"}), Ok(Command::Ping { id: None })),
            (json!({"msg": "ping", "id": "7"}), Ok(Command::Ping { id: Some("7".into()) })),
            (json!({"msg": "pong", "id": "7"}), Ok(Command::Pong)),
            (json!({"msg": "method", "id": "7", "method": "login"}), Ok(method(vec![]))),
            (
                json!({"msg": "method", "id": "7", "method": "login", "params": [1]}),
                Ok(method(vec![1.into()])),
            ),
            (json!({"msg": "method", "id": "7", "method": "login", "params": {}}), Err(FrameError::Method)),
            (json!({"msg": "method", "id": 7, "method": "login"}), Err(FrameError::Method)),
            (json!({"msg": "method", "id": "7"}), Err(FrameError::Method)),
            (
                json!({"msg": "sub", "id": "7", "name": "stream", "params": []}),
                Ok(Command::Sub { id: id.clone() }),
            ),
            (json!({"msg": "sub", "id": "7"}), Err(FrameError::Subscription)),
            (json!({"msg": "sub", "name": "stream"}), Err(FrameError::Subscription)),
            (json!({"msg": "sub", "id": "7", "name": "stream", "params": 1}), Err(FrameError::Subscription)),
            (json!({"msg": "unsub", "id": "7"}), Ok(Command::Unsub { id: id.clone() })),
            (json!({"msg": "unsub"}), Err(FrameError::Subscription)),
            (json!({"msg": "result", "id": "7"}), Err(FrameError::Kind)),
            (json!({"msg": "", "id": "7"}), Err(FrameError::Message)),
            (json!({"msg": 7}), Err(FrameError::Message)),
            (json!({"server_id": "0"}), Err(FrameError::Message)),
            (json!([{"msg": "ping"}]), Err(FrameError::Message)),
            (json!("ping"), Err(FrameError::Message)),
            (json!(null), Err(FrameError::Message)),
        ] {
            assert_eq!(Command::decode(&frame.to_string()), expected, "{frame}");
        }
        for frame in ["", "ping", "{\"msg\":\"ping\"", "{\"msg\":\"ping\"}{}", &"[".repeat(100_000)] {
            assert_eq!(Command::decode(frame), Err(FrameError::Message), "{frame:.20}");
        }
    }

    #[test]
    fn parameters_are_never_shown() {
        let frame = json!({"msg": "method", "id": "7", "method": "login", "params": [{"resume": "secret"}]});
        assert!(!format!("{:?}", Command::decode(&frame.to_string())).contains("secret"));
    }

    #[test]
    fn second_factor_is_taken_from_the_end_alone() {
        let mut params = Params(vec![json!({"twoFactorCode": "1"}), json!("x")]);
        assert_eq!(params.take_last_with("twoFactorCode"), None);
        let mut params = Params(vec![json!("x"), json!({"twoFactorCode": "1"})]);
        assert_eq!(params.take_last_with("twoFactorCode"), Some(json!({"twoFactorCode": "1"})));
        assert_eq!((params.take(0), params.take(1), params.take(0)), (json!("x"), Value::Null, Value::Null));
    }

    proptest! {
        #[test]
        fn any_text_is_a_command_or_an_error(frame in ".*") {
            let _ = Command::decode(&frame);
        }

        #[test]
        fn printed_calls_read_back(id in ".*", name in ".*", params in prop::collection::vec(".*", 0..4)) {
            let frame = json!({"msg": "method", "id": id, "method": name, "params": params});
            let params = Params(params.into_iter().map(Value::from).collect());
            prop_assert_eq!(Command::decode(&frame.to_string()), Ok(Command::Method { id, name, params }));
        }
    }
}
