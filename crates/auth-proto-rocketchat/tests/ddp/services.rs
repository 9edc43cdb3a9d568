//! An services that knows the fixture users, can be told to forget tokens or to fail, and records what it is asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use auth_core::{
    Accounts, ActionError, ApiKey, Authenticator, Caller, CheckReply, CredentialCheck, Done, Enrolment,
    Grant, InternalError, LoginAttempt, LoginReply, OneTimeCode, Passwords, Peer, PersonalTokens, Principal,
    Profile, ProtocolName, RateLimitStatus, Realm, RealmName, Realms, SecondFactorProof, SecondFactors,
    Sessions, Timestamp, Token, TokenError, TokenForm,
};

use crate::fixture;

#[derive(Default)]
pub(crate) struct Services {
    /// Tokens are good no more.
    pub(crate) forgetful: Mutex<bool>,
    /// Nothing can be looked up.
    pub(crate) broken: Mutex<bool>,
    /// The moment of the next log-in's answer.
    pub(crate) not_before: Mutex<Option<Timestamp>>,
    /// What calls on second factors are denied for.
    pub(crate) denial: Mutex<Option<ActionError>>,
    pub(crate) attempts: Mutex<Vec<LoginAttempt>>,
    pub(crate) checks: Mutex<usize>,
    pub(crate) revoked: Mutex<Vec<String>>,
    /// Calls on second factors, with the code given and what came along.
    pub(crate) calls: Mutex<Vec<(&'static str, Option<String>, SecondFactorProof)>>,
}

impl Services {
    fn fault(&self) -> Result<(), InternalError> {
        if *self.broken.lock().unwrap() { Err(InternalError::unavailable("gone")) } else { Ok(()) }
    }

    fn called<T>(
        &self,
        name: &'static str,
        caller: &Caller<'_>,
        code: Option<&OneTimeCode>,
        answer: T,
    ) -> Done<T> {
        assert_eq!((caller.agent, caller.peer), ("test/1", &crate::talk::peer()));
        let code = code.map(|code| code.expose().to_owned());
        self.calls.lock().unwrap().push((name, code, caller.proof.clone()));
        Ok(self.denial.lock().unwrap().clone().map_or(Ok(answer), Err))
    }
}

#[async_trait]
impl Authenticator for Services {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        self.fault()?;
        let reply = fixture::log_in(&attempt);
        self.attempts.lock().unwrap().push(attempt);
        Ok(LoginReply { not_before: *self.not_before.lock().unwrap(), ..reply })
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        self.fault()?;
        assert_eq!(
            (presentation.protocol, &presentation.peer),
            (ProtocolName::RocketChat, &crate::talk::peer())
        );
        *self.checks.lock().unwrap() += 1;
        if *self.forgetful.lock().unwrap() {
            return Ok(CheckReply { outcome: Err(TokenError::UserInactive), rate_limit: None });
        }
        Ok(fixture::check(&presentation))
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
        Ok(())
    }

    fn admit(&self, _: ProtocolName, _: &'static str, _: &Peer) -> Option<RateLimitStatus> {
        panic!("sockets are not counted by route")
    }
}

#[async_trait]
impl SecondFactors for Services {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Done<Enrolment> {
        let enrolment = Enrolment { secret: Token::new("SECRET"), url: Token::new("otpauth://totp/x") };
        self.called("enrol", caller, None, enrolment)
    }

    async fn confirm_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        self.called("confirm", caller, Some(code), vec![OneTimeCode::new("aBcD2345")])
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<bool> {
        self.called("remove", caller, Some(code), code.expose() == "123456")
    }

    async fn renew_backup_codes(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        self.called("renew", caller, Some(code), vec![OneTimeCode::new("eFgH6789")])
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Done<usize> {
        self.called("left", caller, None, 12)
    }
}

#[async_trait]
impl Accounts for Services {
    async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> {
        panic!("not a Zulip protocol")
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        panic!("not a Zulip protocol")
    }
}

impl Sessions for Services {}
impl PersonalTokens for Services {}
impl Passwords for Services {}

#[async_trait]
impl Realms for Services {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        assert_eq!(name, RealmName::Slug("chat"));
        Ok(Some(Arc::new(fixture::realm())))
    }
}
