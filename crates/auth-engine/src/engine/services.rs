//! The services of auth-core: each call goes to the service of the engine that it is for.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    ActionError, AddressVerification, ApiKey, ApiKeys, Authenticator, Caller, CheckReply, CredentialCheck,
    CredentialId, DevelopmentUsers, Enrolment, ForwardSessions, Grant, Identifier, InternalError, Language,
    LoginAttempt, LoginReply, Memberships, NamedSecrets, NewAppPassword, OneTimeCode, OwnAccount, OwnChange,
    OwnCredential, OwnCredentials, Password, PasswordReply, PasswordReset, Peer, PersonalToken,
    PersonalTokens, Principal, Profile, ProtocolName, RateLimitStatus, Realm, RealmId, RealmName, Realms,
    RequestLimits, ResetLinkReply, ResetLinkRequest, SealedTexts, SecondFactors, SecretCheck, SecretReply,
    Sessions, TextPurpose, Timestamp, Token, TokenError, TokenForm, TokenRenewal, UserId,
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

    fn admit_user(&self, protocol: ProtocolName, principal: &Principal) -> Option<RateLimitStatus> {
        self.limits.admit_user(protocol, principal)
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
impl ForwardSessions for Engine {
    async fn forward_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        self.forward_sessions.forward_session(caller).await
    }
}

#[async_trait]
impl NamedSecrets for Engine {
    async fn check_secret(&self, check: SecretCheck) -> SecretReply {
        self.named_secrets.check_secret(check).await
    }
}

#[async_trait]
impl Memberships for Engine {
    async fn groups_of(&self, user: UserId) -> Result<Arc<[String]>, InternalError> {
        self.memberships.groups_of(user).await
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

    async fn device_removal(&self, caller: &Caller<'_>) -> Result<Option<Timestamp>, ActionError> {
        self.second_factors.device_removal(caller).await
    }

    async fn keep_device(&self, caller: &Caller<'_>) -> Result<bool, ActionError> {
        self.second_factors.keep_device(caller).await
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
    async fn forgot_password(
        &self,
        realm: RealmId,
        address: &str,
        language: Option<Language>,
    ) -> Result<Timestamp, ActionError> {
        self.password_reset.forgot_password(realm, address, language).await
    }

    async fn mail_reset_link(&self, asked: &ResetLinkRequest<'_>) -> Result<ResetLinkReply, ActionError> {
        self.password_reset.mail_reset_link(asked).await
    }

    async fn open_reset_link(
        &self,
        token: &Token,
        cookie: Option<&Token>,
    ) -> Result<Option<Token>, ActionError> {
        self.password_reset.open_reset_link(token, cookie).await
    }

    async fn owner_of_reset_link(&self, token: &Token) -> Result<Option<Profile>, ActionError> {
        self.password_reset.owner_of_reset_link(token).await
    }

    fn judge_new_password(&self, owner: &Profile, new: &Password) -> Result<(), ActionError> {
        self.password_reset.judge_new_password(owner, new)
    }

    async fn reset_password(
        &self,
        realm: RealmId,
        token: &Token,
        new: &Password,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<Profile, ActionError> {
        self.password_reset.reset_password(realm, token, new, peer, protocol).await
    }
}

#[async_trait]
impl OwnAccount for Engine {
    async fn suggest_user_name(&self, caller: &Caller<'_>) -> Result<String, ActionError> {
        self.own_account.suggest_user_name(caller).await
    }

    async fn change_own_account(
        &self,
        caller: &Caller<'_>,
        change: &OwnChange<'_>,
    ) -> Result<Profile, ActionError> {
        self.own_account.change_own_account(caller, change).await
    }

    async fn show_password(&self, caller: &Caller<'_>, password: &Password) -> PasswordReply {
        self.own_account.show_password(caller, password).await
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

#[async_trait]
impl SealedTexts for Engine {
    fn now(&self) -> Timestamp {
        self.texts.now()
    }

    fn new_token(&self) -> Token {
        self.texts.new_token()
    }

    fn seal(&self, purpose: TextPurpose, holder: &str, data: &str, until: Timestamp) -> Token {
        self.texts.seal(purpose, holder, data, until)
    }

    fn open(&self, purpose: TextPurpose, holder: &str, text: &Token) -> Option<String> {
        self.texts.open(purpose, holder, text)
    }

    async fn spend(&self, text: &Token) -> Result<bool, InternalError> {
        self.texts.spend(text).await
    }
}

#[async_trait]
impl OwnCredentials for Engine {
    async fn renew_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        self.own_credentials.renew_web_session(caller).await
    }

    async fn rotate_web_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError> {
        self.own_credentials.rotate_web_session(caller).await
    }

    fn is_fresh(&self, caller: &Caller<'_>) -> bool {
        self.own_credentials.is_fresh(caller)
    }

    async fn own_credentials(&self, caller: &Caller<'_>) -> Result<Vec<OwnCredential>, ActionError> {
        self.own_credentials.own_credentials(caller).await
    }

    async fn end_credential(&self, caller: &Caller<'_>, id: CredentialId) -> Result<(), ActionError> {
        self.own_credentials.end_credential(caller, id).await
    }

    fn app_password_protocols(&self, caller: &Caller<'_>) -> Vec<ProtocolName> {
        self.own_credentials.app_password_protocols(caller)
    }

    async fn create_app_password(
        &self,
        caller: &Caller<'_>,
        new: &NewAppPassword<'_>,
    ) -> Result<Password, ActionError> {
        self.own_credentials.create_app_password(caller, new).await
    }

    async fn api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        self.own_credentials.api_key(caller).await
    }

    async fn is_reset_link_good(&self, realm: RealmId, token: &Token) -> Result<bool, ActionError> {
        self.own_credentials.is_reset_link_good(realm, token).await
    }
}
