//! An services that records what it is asked and gives the answers it was made with.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_core::{
    Accounts, ActionError, ApiKey, Authenticator, Caller, CheckReply, CredentialCheck, CredentialId, Done,
    Enrolment, Grant, Identifier, InternalError, LoginAttempt, LoginReply, OneTimeCode, Passwords, Peer,
    PersonalToken, PersonalTokens, Principal, Profile, Protocol, ProtocolName, RateLimitStatus, Realm,
    RealmId, RealmName, Realms, SecondFactors, Sessions, Timestamp, Token, TokenError, TokenForm,
};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::fixture;

type LogIn = dyn Fn(&LoginAttempt) -> Result<LoginReply, InternalError> + Send + Sync;
type Check = dyn Fn(&CredentialCheck) -> Result<CheckReply, InternalError> + Send + Sync;

/// Answers given in advance, and the questions asked.
pub(crate) struct Fixed {
    pub(crate) log_in: Box<LogIn>,
    pub(crate) check: Box<Check>,
    pub(crate) revoke: Box<dyn Fn() -> Result<(), InternalError> + Send + Sync>,
    pub(crate) realm: Box<dyn Fn() -> Result<Option<Realm>, InternalError> + Send + Sync>,
    pub(crate) rate_limit: Option<RateLimitStatus>,
    pub(crate) attempts: Mutex<Vec<LoginAttempt>>,
    pub(crate) revoked: Mutex<Vec<String>>,
    pub(crate) admitted: Mutex<Vec<&'static str>>,
    /// What calls on accounts are answered with: nothing against it, a fault, or a denial.
    pub(crate) denial: Option<Option<ActionError>>,
    pub(crate) calls: Mutex<Vec<String>>,
}

impl Default for Fixed {
    /// The contract's fixture users, no limits.
    fn default() -> Self {
        Self {
            log_in: Box::new(|attempt| Ok(fixture::log_in(attempt))),
            check: Box::new(|presentation| Ok(fixture::check(presentation))),
            revoke: Box::new(|| Ok(())),
            realm: Box::new(|| Ok(Some(fixture::realm()))),
            rate_limit: None,
            attempts: Mutex::default(),
            revoked: Mutex::default(),
            admitted: Mutex::default(),
            denial: None,
            calls: Mutex::default(),
        }
    }
}

#[async_trait]
impl Authenticator for Fixed {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        let reply = (self.log_in)(&attempt);
        self.attempts.lock().unwrap().push(attempt);
        reply
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        assert_eq!(presentation.protocol, ProtocolName::RocketChat);
        (self.check)(&presentation)
    }

    async fn renew(
        &self,
        _: CredentialCheck,
        _: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        panic!("Rocket.Chat renews nothing")
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        self.revoked.lock().unwrap().push(principal.profile.user.protocols.rocketchat.clone());
        (self.revoke)()
    }

    fn admit(&self, protocol: ProtocolName, route: &'static str, _: &Peer) -> Option<RateLimitStatus> {
        assert_eq!(protocol, ProtocolName::RocketChat);
        self.admitted.lock().unwrap().push(route);
        self.rate_limit
    }
}

#[async_trait]
impl Accounts for Fixed {
    async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> {
        panic!("not a Zulip protocol")
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        panic!("not a Zulip protocol")
    }
}

impl Fixed {
    /// Records a call on an account and answers it.
    fn account<T>(&self, call: String, caller: Option<&Caller<'_>>, value: T) -> Done<T> {
        let mut call = call;
        if let Some(Caller { proof, agent, .. }) = caller {
            let code = proof.code.as_ref().map(|code| format!(" code {}", code.expose()));
            let method = proof.method.map(|method| format!(" by {method:?}"));
            let agent = if agent.is_empty() { String::new() } else { format!(" with {agent}") };
            call = format!("{call}{}{}{agent}", code.unwrap_or_default(), method.unwrap_or_default());
        }
        self.calls.lock().unwrap().push(call);
        match &self.denial {
            None => Ok(Ok(value)),
            Some(None) => Err(InternalError::unavailable("gone")),
            Some(Some(denial)) => Ok(Err(denial.clone())),
        }
    }
}

fn name(who: Option<&Identifier>) -> String {
    match who {
        None => "self".to_owned(),
        Some(Identifier::ExternalId(id)) => format!("id {id}"),
        Some(Identifier::Name { kind, typed }) => format!("{kind:?} {typed}"),
        Some(other) => panic!("{other:?}"),
    }
}

/// The moment that the services gives where an answer must wait.
pub(crate) const LATER: Timestamp = Timestamp::from_secs(1_800_000_000);

#[async_trait]
impl Sessions for Fixed {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Done<()> {
        self.account("end others".into(), Some(caller), ())
    }

    async fn end_sessions(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Done<Profile> {
        self.account(format!("end all of {}", name(of)), Some(caller), fixture::profile("second", None))
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Done<(Profile, Grant)> {
        let token = Token::new(fixture::token("second"));
        let grant = Grant::RocketChatToken { token, expires: None };
        let call = format!("create for {} knowing {}", name(Some(of)), secret.expose());
        self.account(call, Some(caller), (fixture::profile("second", None), grant))
    }
}

#[async_trait]
impl PersonalTokens for Fixed {
    async fn create_personal_token(&self, caller: &Caller<'_>, name: &str, bypass: bool) -> Done<Token> {
        self.account(format!("make {name} {bypass}"), Some(caller), Token::new(fixture::token("pat")))
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Done<Token> {
        self.account(format!("renew {name}"), Some(caller), Token::new(fixture::token("pat")))
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Done<Vec<PersonalToken>> {
        let token = PersonalToken {
            id: CredentialId::from_bytes([7; 16]),
            name: "bot".into(),
            created: Timestamp::from_millis(1_767_323_045_678),
            last_part: "abc-_9".into(),
            bypass_second_factor: true,
        };
        self.account("list".into(), Some(caller), vec![token])
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Done<()> {
        self.account(format!("remove {name}"), Some(caller), ())
    }
}

#[async_trait]
impl SecondFactors for Fixed {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Done<Enrolment> {
        let enrolment = Enrolment { secret: Token::new("BASE32"), url: Token::new("otpauth://totp/x") };
        self.account("enrol".into(), Some(caller), enrolment)
    }

    async fn confirm_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        let codes = vec![OneTimeCode::new("aBcD2345"), OneTimeCode::new("eFgH6789")];
        self.account(format!("confirm {}", code.expose()), Some(caller), codes)
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<bool> {
        self.account(format!("remove device {}", code.expose()), Some(caller), code.expose() == "123456")
    }

    async fn renew_backup_codes(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        let codes = vec![OneTimeCode::new("jKmN2345")];
        self.account(format!("renew codes {}", code.expose()), Some(caller), codes)
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Done<usize> {
        self.account("count codes".into(), Some(caller), 11)
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Done<()> {
        self.account(format!("reset {}", name(of)), Some(caller), ())
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Done<()> {
        self.account("require mailed".into(), Some(caller), ())
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Done<()> {
        self.account("waive mailed".into(), Some(caller), ())
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Done<Timestamp> {
        assert_eq!(realm, fixture::realm().id);
        self.account(format!("mail to {}", name(Some(who))), None, LATER)
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Done<()> {
        self.account("confirm".into(), Some(caller), ())
    }
}

#[async_trait]
impl Passwords for Fixed {
    async fn forgot_password(&self, realm: RealmId, address: &str) -> Done<Timestamp> {
        assert_eq!(realm, fixture::realm().id);
        self.account(format!("forgot {address}"), None, LATER)
    }
}

#[async_trait]
impl Realms for Fixed {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        assert_eq!(name, RealmName::Slug("chat"));
        Ok((self.realm)()?.map(Arc::new))
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

/// Asks a protocol.
pub(crate) async fn ask(config: Config, services: Arc<Fixed>, request: Request<Bytes>) -> Response<Bytes> {
    RocketChatProtocol::new(config, services).answer(request, &peer()).await.response
}

/// A header of an answer.
pub(crate) fn header<'a>(response: &'a Response<Bytes>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

/// The body of an answer as text.
pub(crate) fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}
