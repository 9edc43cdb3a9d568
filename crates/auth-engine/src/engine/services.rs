//! The services of auth-core: each call goes to the service of the engine that it is for.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    ActionError, AddressVerification, ApiKey, ApiKeys, Authenticator, Caller, CheckReply, CredentialCheck,
    DevelopmentUsers, Enrolment, Grant, Identifier, InternalError, LoginAttempt, LoginReply, OneTimeCode,
    OwnAccount, Password, PasswordReset, Peer, PersonalToken, PersonalTokens, Principal, Profile,
    ProtocolName, RateLimitStatus, Realm, RealmId, RealmName, Realms, RequestLimits, SecondFactors, Sessions,
    Timestamp, Token, TokenError, TokenForm, TokenRenewal,
};

use super::Engine;

#[async_trait]
impl Authenticator for Engine {
    async fn log_in(&self, attempt: LoginAttempt) -> LoginReply {
        self.pipeline.log_in(attempt).await
    }

    async fn check(&self, check: CredentialCheck) -> CheckReply {
        self.checker.check(&check).await
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        if let Some(credential) = principal.credential {
            self.store.remove(credential, None).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl TokenRenewal for Engine {
    async fn renew(&self, check: CredentialCheck, form: TokenForm) -> Result<Grant, TokenError> {
        self.renewer.renew(check, form).await
    }
}

impl RequestLimits for Engine {
    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus> {
        self.limits.admit(protocol, route, peer)
    }
}

#[async_trait]
impl Realms for Engine {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        self.realms.realm(name).await
    }
}

#[async_trait]
impl ApiKeys for Engine {
    async fn regenerate_api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        self.api_keys.regenerate_api_key(caller).await
    }
}

#[async_trait]
impl DevelopmentUsers for Engine {
    async fn development_users(&self) -> Result<Vec<Profile>, ActionError> {
        self.development.development_users().await
    }
}

#[async_trait]
impl Sessions for Engine {
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.sessions.end_other_sessions(caller).await
    }

    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError> {
        self.sessions.end_sessions(caller, of).await
    }

    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Result<(Profile, Grant), ActionError> {
        self.sessions.create_session(caller, of, secret).await
    }

    async fn another_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        self.sessions.another_session(caller).await
    }
}

#[async_trait]
impl PersonalTokens for Engine {
    async fn create_personal_token(
        &self,
        caller: &Caller<'_>,
        name: &str,
        bypass: bool,
    ) -> Result<Token, ActionError> {
        self.personal_tokens.create_personal_token(caller, name, bypass).await
    }

    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError> {
        self.personal_tokens.replace_personal_token(caller, name).await
    }

    async fn personal_tokens(&self, caller: &Caller<'_>) -> Result<Vec<PersonalToken>, ActionError> {
        self.personal_tokens.personal_tokens(caller).await
    }

    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<(), ActionError> {
        self.personal_tokens.remove_personal_token(caller, name).await
    }
}

#[async_trait]
impl SecondFactors for Engine {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Result<Enrolment, ActionError> {
        self.second_factors.enrol_device(caller).await
    }

    async fn confirm_device(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        self.second_factors.confirm_device(caller, code).await
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Result<bool, ActionError> {
        self.second_factors.remove_device(caller, code).await
    }

    async fn renew_backup_codes(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        self.second_factors.renew_backup_codes(caller, code).await
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Result<usize, ActionError> {
        self.second_factors.backup_codes_left(caller).await
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Result<(), ActionError> {
        self.second_factors.reset_device(caller, of).await
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.require_mailed_codes(caller).await
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.waive_mailed_codes(caller).await
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Result<Timestamp, ActionError> {
        self.second_factors.mail_code(realm, who).await
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.second_factors.confirm(caller).await
    }
}

#[async_trait]
impl PasswordReset for Engine {
    async fn forgot_password(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError> {
        self.password_reset.forgot_password(realm, address).await
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<(), ActionError> {
        self.password_reset.reset_password(realm, token, new, peer, protocol).await
    }
}

#[async_trait]
impl OwnAccount for Engine {
    async fn suggest_user_name(&self, caller: &Caller<'_>) -> Result<String, ActionError> {
        self.own_account.suggest_user_name(caller).await
    }

    async fn choose_user_name(&self, caller: &Caller<'_>, name: &str) -> Result<Profile, ActionError> {
        self.own_account.choose_user_name(caller, name).await
    }

    async fn change_password(&self, caller: &Caller<'_>, new: &Password) -> Result<Profile, ActionError> {
        self.own_account.change_password(caller, new).await
    }
}

#[async_trait]
impl AddressVerification for Engine {
    async fn mail_address_proof(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError> {
        self.address_verification.mail_address_proof(realm, address).await
    }

    async fn verify_address(
        &self,
        realm: RealmId,
        token: &Token,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<(), ActionError> {
        self.address_verification.verify_address(realm, token, peer, protocol).await
    }
}
