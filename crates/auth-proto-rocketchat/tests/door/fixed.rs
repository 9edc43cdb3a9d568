//! An inside that records what it is asked and gives the answers it was made with.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_core::{
    Accounts, ApiKey, Authenticator, CheckRefusal, CheckReply, Door, DoorKind, Fault, Grant, LoginAttempt,
    LoginReply, Peer, Presentation, Principal, Profile, Realm, RealmName, Realms, Standing, TokenForm,
};
use auth_proto_rocketchat::{Config, RocketChatDoor};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::fixture;

type LogIn = dyn Fn(&LoginAttempt) -> Result<LoginReply, Fault> + Send + Sync;
type Check = dyn Fn(&Presentation) -> Result<CheckReply, Fault> + Send + Sync;

/// Answers given in advance, and the questions asked.
pub(crate) struct Fixed {
    pub(crate) log_in: Box<LogIn>,
    pub(crate) check: Box<Check>,
    pub(crate) revoke: Box<dyn Fn() -> Result<(), Fault> + Send + Sync>,
    pub(crate) realm: Box<dyn Fn() -> Result<Option<Realm>, Fault> + Send + Sync>,
    pub(crate) standing: Option<Standing>,
    pub(crate) attempts: Mutex<Vec<LoginAttempt>>,
    pub(crate) revoked: Mutex<Vec<String>>,
    pub(crate) admitted: Mutex<Vec<&'static str>>,
}

impl Default for Fixed {
    /// The contract's fixture users, no limits.
    fn default() -> Self {
        Self {
            log_in: Box::new(|attempt| Ok(fixture::log_in(attempt))),
            check: Box::new(|presentation| Ok(fixture::check(presentation))),
            revoke: Box::new(|| Ok(())),
            realm: Box::new(|| Ok(Some(fixture::realm()))),
            standing: None,
            attempts: Mutex::default(),
            revoked: Mutex::default(),
            admitted: Mutex::default(),
        }
    }
}

#[async_trait]
impl Authenticator for Fixed {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, Fault> {
        let reply = (self.log_in)(&attempt);
        self.attempts.lock().unwrap().push(attempt);
        reply
    }

    async fn check(&self, presentation: Presentation) -> Result<CheckReply, Fault> {
        assert_eq!(presentation.door, DoorKind::RocketChat);
        (self.check)(&presentation)
    }

    async fn renew(&self, _: Presentation, _: TokenForm) -> Result<Result<Grant, CheckRefusal>, Fault> {
        panic!("Rocket.Chat renews nothing")
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), Fault> {
        self.revoked.lock().unwrap().push(principal.profile.user.doors.rocketchat.clone());
        (self.revoke)()
    }

    fn admit(&self, door: DoorKind, route: &'static str, _: &Peer) -> Option<Standing> {
        assert_eq!(door, DoorKind::RocketChat);
        self.admitted.lock().unwrap().push(route);
        self.standing
    }
}

#[async_trait]
impl Accounts for Fixed {
    async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, Fault> {
        panic!("not a Zulip door")
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, Fault> {
        panic!("not a Zulip door")
    }
}

#[async_trait]
impl Realms for Fixed {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Realm>, Fault> {
        assert_eq!(name, RealmName::Slug("chat"));
        (self.realm)()
    }
}

/// The ordinary settings of these tests.
pub(crate) fn config() -> Config {
    Config::new("chat", "http://localhost:3000")
}

/// The address all requests come from.
pub(crate) fn peer() -> Peer {
    Peer::new([192, 0, 2, 7].into())
}

/// A request with headers and a body.
pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// A log-in with a JSON body.
pub(crate) fn log_in(body: &Value) -> Request<Bytes> {
    request("POST", "/api/v1/login", &[("Content-Type", "application/json")], body.to_string())
}

/// Asks a door.
pub(crate) async fn ask(config: Config, inside: Arc<Fixed>, request: Request<Bytes>) -> Response<Bytes> {
    RocketChatDoor::new(config, inside).answer(request, &peer()).await.response
}

/// A header of an answer.
pub(crate) fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The body of an answer as text.
pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}
