//! A conversation as a test holds it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::{Peer, Timestamp};
use auth_proto_rocketchat::ddp::{Output, Session, SessionConfig};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use serde_json::{Value, json};

use crate::services::{Changes, services};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_700_000_000);

pub(crate) struct Talk {
    pub(crate) services: Arc<FakeServices>,
    changes: Arc<Mutex<Changes>>,
    pub(crate) session: Session,
    pub(crate) now: Timestamp,
}

impl Talk {
    /// Before the greeting.
    pub(crate) fn silent() -> Self {
        Self::with(SessionConfig::default())
    }

    pub(crate) fn with(session: SessionConfig) -> Self {
        let changes = Arc::default();
        Self::before(services(&changes), changes, session)
    }

    /// Before services that know no realm.
    pub(crate) fn without_realm() -> Self {
        Self::before(FakeServices::new(), Arc::default(), SessionConfig::default())
    }

    fn before(services: FakeServices, changes: Arc<Mutex<Changes>>, session: SessionConfig) -> Self {
        let services = Arc::new(services);
        let config = Config::new("chat", "http://localhost:3000");
        let protocol = Arc::new(RocketChatProtocol::new(config, Arc::clone(&services) as _));
        let session = Session::new(protocol, session, peer(), "session-id".to_owned(), START);
        Self { services, changes, session, now: START }
    }

    /// What the test changes about the services.
    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap()
    }

    /// After the greeting.
    pub(crate) async fn greeted() -> Self {
        let mut talk = Self::silent();
        talk.greet().await;
        talk
    }

    pub(crate) async fn greet(&mut self) {
        let greeting = json!({"msg": "connect", "version": "1", "support": ["1", "pre2", "pre1"]});
        assert_eq!(self.say(&greeting).await, [r#"{"msg":"connected","session":"session-id"}"#]);
    }

    /// With a user signed in.
    pub(crate) async fn signed_in() -> Self {
        let mut talk = Self::greeted().await;
        talk.log_in(&plain("myusername")).await.unwrap();
        talk
    }

    /// Sends a frame; gives the frames that come back.
    pub(crate) async fn say(&mut self, frame: &Value) -> Vec<String> {
        let output = self.output(&frame.to_string()).await;
        assert_eq!(output.close, None);
        output.frames
    }

    /// Sends a frame; gives all that the session wants done.
    pub(crate) async fn output(&mut self, frame: &str) -> Output {
        self.session.on_frame(frame, self.now).await
    }

    /// Calls a method; gives its result or error.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let said = self.say(&json!({"msg": "method", "id": "7", "method": method, "params": params})).await;
        let said: Vec<_> =
            said.into_iter().filter(|frame| !frame.contains(r#""collection":"users""#)).collect();
        let [result, updated] = &said[..] else { panic!("{said:?}") };
        assert_eq!(updated, r#"{"msg":"updated","methods":["7"]}"#);
        let mut result: Value = serde_json::from_str(result).unwrap();
        assert_eq!((&result["msg"], &result["id"]), (&json!("result"), &json!("7")));
        match result.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(result["result"].take()),
        }
    }

    pub(crate) async fn log_in(&mut self, form: &Value) -> Result<Value, Value> {
        self.call("login", json!([form])).await
    }

    pub(crate) async fn wait(&mut self, time: Duration) -> Output {
        self.now = self.now + time;
        self.session.on_time(self.now).await
    }
}

pub(crate) fn peer() -> Peer {
    Peer::new([192, 0, 2, 7].into()).with_agent("test/1")
}

/// A login of a fixture user by password.
pub(crate) fn plain(user_name: &str) -> Value {
    json!({"user": {"username": user_name}, "password": "mypassword"})
}
