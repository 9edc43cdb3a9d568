//! What a client says: text frames → commands. Pure, and never a panic.

use std::fmt;

use serde_json::{Map, Value};

/// A frame that can be read.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "all that a client may say")]
pub enum Command {
    /// The greeting.
    Connect {
        /// The version it speaks.
        version: String,
        /// The versions it could speak, best first.
        support: Vec<String>,
    },
    /// Asks whether anybody listens.
    Ping {
        /// Comes back with the answer.
        id: Option<Value>,
    },
    /// Answers a ping.
    Pong,
    /// Calls a method.
    Method {
        /// Names the call.
        id: String,
        /// Names the method.
        name: String,
        /// What the method is given.
        params: Params,
    },
    /// Subscribes to something.
    Sub {
        /// Names the subscription.
        id: String,
    },
    /// Ends a subscription.
    Unsub {
        /// Names the subscription.
        id: String,
    },
}

/// The parameters of a method: there are secrets among them, so they are never shown.
#[derive(Clone, Default, PartialEq)]
pub struct Params(Vec<Value>);

impl Params {
    /// Takes the parameter at a place out; null where there is none.
    pub(super) fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map(Value::take).unwrap_or_default()
    }

    /// Takes the last parameter away if it is an object with this key.
    pub(super) fn take_last_with(&mut self, key: &str) -> Option<Value> {
        self.0.pop_if(|last| last.get(key).is_some())
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({})", self.0.len())
    }
}

/// A frame that can't be read, and which kind of message it seemed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has an answer of its own")]
pub enum Unreadable {
    /// Not JSON, not an object, or of no known kind.
    Message,
    /// A greeting without versions.
    Connect,
    /// A call without name or id, or whose parameters are no list.
    Method,
    /// A subscription without name or id, or whose parameters are no list.
    Subscription,
}

impl Command {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`Unreadable`] with what it seemed to be.
    ///
    /// ```
    /// use auth_proto_rocketchat::ddp::{Command, Unreadable};
    /// assert_eq!(Command::decode(r#"{"msg":"pong"}"#), Ok(Command::Pong));
    /// assert_eq!(Command::decode(r#"{"msg":"method","id":1}"#), Err(Unreadable::Method));
    /// ```
    pub fn decode(frame: &str) -> Result<Self, Unreadable> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(frame) else {
            return Err(Unreadable::Message);
        };
        let kind = text(&mut fields, "msg").ok_or(Unreadable::Message)?;
        match kind.as_str() {
            "connect" => connect(fields).ok_or(Unreadable::Connect),
            "ping" => Ok(Self::Ping { id: fields.remove("id") }),
            "pong" => Ok(Self::Pong),
            "method" => method(fields).ok_or(Unreadable::Method),
            "sub" => sub(fields).ok_or(Unreadable::Subscription),
            "unsub" => {
                let id = text(&mut fields, "id").ok_or(Unreadable::Subscription)?;
                Ok(Self::Unsub { id })
            }
            _ => Err(Unreadable::Message),
        }
    }
}

/// Who names no versions it could speak, speaks the one it says.
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
    fn frames_are_read_as_what_they_say() {
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
            (json!({"msg": "connect", "support": ["1"]}), Err(Unreadable::Connect)),
            (json!({"msg": "connect", "version": 1, "support": ["1"]}), Err(Unreadable::Connect)),
            (json!({"msg": "connect", "version": "1", "support": "1"}), Err(Unreadable::Connect)),
            (json!({"msg": "connect", "version": "1", "support": ["1", 2]}), Err(Unreadable::Connect)),
            (json!({"msg": "connect", "version": "1", "support": []}), Err(Unreadable::Connect)),
            (json!({"msg": "ping"}), Ok(Command::Ping { id: None })),
            (json!({"msg": "ping", "id": "7"}), Ok(Command::Ping { id: Some("7".into()) })),
            (json!({"msg": "pong", "id": "7"}), Ok(Command::Pong)),
            (json!({"msg": "method", "id": "7", "method": "login"}), Ok(method(vec![]))),
            (
                json!({"msg": "method", "id": "7", "method": "login", "params": [1]}),
                Ok(method(vec![1.into()])),
            ),
            (json!({"msg": "method", "id": "7", "method": "login", "params": {}}), Err(Unreadable::Method)),
            (json!({"msg": "method", "id": 7, "method": "login"}), Err(Unreadable::Method)),
            (json!({"msg": "method", "id": "7"}), Err(Unreadable::Method)),
            (
                json!({"msg": "sub", "id": "7", "name": "stream", "params": []}),
                Ok(Command::Sub { id: id.clone() }),
            ),
            (json!({"msg": "sub", "id": "7"}), Err(Unreadable::Subscription)),
            (json!({"msg": "sub", "name": "stream"}), Err(Unreadable::Subscription)),
            (json!({"msg": "sub", "id": "7", "name": "stream", "params": 1}), Err(Unreadable::Subscription)),
            (json!({"msg": "unsub", "id": "7"}), Ok(Command::Unsub { id: id.clone() })),
            (json!({"msg": "unsub"}), Err(Unreadable::Subscription)),
            (json!({"msg": "result", "id": "7"}), Err(Unreadable::Message)),
            (json!({"msg": 7}), Err(Unreadable::Message)),
            (json!({"server_id": "0"}), Err(Unreadable::Message)),
            (json!([{"msg": "ping"}]), Err(Unreadable::Message)),
            (json!("ping"), Err(Unreadable::Message)),
            (json!(null), Err(Unreadable::Message)),
        ] {
            assert_eq!(Command::decode(&frame.to_string()), expected, "{frame}");
        }
        for frame in ["", "ping", "{\"msg\":\"ping\"", "{\"msg\":\"ping\"}{}", &"[".repeat(100_000)] {
            assert_eq!(Command::decode(frame), Err(Unreadable::Message), "{frame:.20}");
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
        fn any_text_is_a_command_or_none(frame in ".*") {
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
