//! Login methods without a password: a token, an assertion by another system, a name for which a front vouches, a login that
//! goes on elsewhere, a name on a development server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Clock, CredentialKind, FailureReason, Grant, Identifier, InternalError, LoginAttempt,
    LoginError, LoginMethod, Profile, ProtocolRules, Realm, Store, Token,
};
use auth_crypto::assertion::{self, AssertionConfig, AssertionError};
use auth_crypto::opaque;

use crate::credentials::{code_has_ended, has_ended};
use crate::token::check::CredentialChecker;
use crate::users::UserFinder;

/// Finds users without a password.
pub(crate) struct Passwordless {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) checker: Arc<CredentialChecker>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Keys of the systems whose assertions are believed, by realm.
    pub(crate) assertions: BTreeMap<String, AssertionConfig>,
    /// Whether users may log in with a name alone.
    pub(crate) development: bool,
}

/// The user that an attempt leads to.
pub(crate) enum ResolvedUser {
    /// An account, to which a credential is to be granted.
    Account(Account),
    /// The holder of a token, who goes on with it.
    Holder { profile: Profile, grant: Grant },
}

impl Passwordless {
    /// Finds the user that an attempt leads to.
    pub(crate) async fn find(
        &self,
        rules: &dyn ProtocolRules,
        attempt: &LoginAttempt,
    ) -> Result<ResolvedUser, LoginError> {
        let realm = &attempt.realm;
        let account = match &attempt.method {
            LoginMethod::Resume(token) => return self.by_token(rules, realm, token).await,
            LoginMethod::Assertion(token) => self.by_assertion(realm, token).await?,
            LoginMethod::Vouched { who } => self.by_vouched_name(realm, who).await?,
            LoginMethod::Handover(token) => self.by_handover(realm, token).await?,
            LoginMethod::NameAlone { who } => self.by_name(realm, who).await?,
            _ => return Err(InternalError::defect("a way to log in that the engine doesn't know").into()),
        };
        Ok(ResolvedUser::Account(account))
    }

    /// The holder of a login token or a personal one, which the client goes on with.
    async fn by_token(
        &self,
        rules: &dyn ProtocolRules,
        realm: &Arc<Realm>,
        token: &Token,
    ) -> Result<ResolvedUser, LoginError> {
        let unknown = LoginError::Credentials(FailureReason::UnknownToken);
        let holder = self.checker.holder(rules.resumable(), token).await?.ok_or_else(|| unknown.clone())?;
        let credential = &holder.credential;
        if has_ended(credential, self.clock.now()) {
            return Err(LoginError::Credentials(FailureReason::ExpiredToken));
        }
        if holder.user.realm != realm.id {
            return Err(unknown);
        }
        let grant = Grant::Token { token: token.clone(), expires: credential.expires };
        Ok(ResolvedUser::Holder { profile: holder.profile(Arc::clone(realm)), grant })
    }

    /// The user that a system which holds the realm's key names.
    async fn by_assertion(&self, realm: &Realm, token: &Token) -> Result<Account, LoginError> {
        let rule = self.assertions.get(&realm.slug).ok_or(LoginError::AssertionDisabled)?;
        let email = match assertion::verify(token.expose(), rule, self.clock.now()) {
            Ok(Some(email)) => email,
            Ok(None) => return Err(LoginError::AssertionWithoutSubject),
            Err(AssertionError::Malformed) => return Err(LoginError::AssertionMalformed),
            Err(_) => return Err(LoginError::AssertionInvalid),
        };
        let found = self.users.find(realm, &Identifier::email(email)).await?;
        found.ok_or(LoginError::Credentials(FailureReason::UnknownUser))
    }

    /// The user whom a trusted front has authenticated.
    async fn by_vouched_name(&self, realm: &Realm, who: &Identifier) -> Result<Account, LoginError> {
        let found = self.users.find(realm, who).await?;
        found.ok_or(LoginError::Credentials(FailureReason::UnknownUser))
    }

    /// The user whose login goes on here. The token is used up first, whatever else is wrong: of two attempts with one token
    /// one goes on.
    async fn by_handover(&self, realm: &Realm, token: &Token) -> Result<Account, LoginError> {
        let unknown = LoginError::Credentials(FailureReason::UnknownToken);
        let digest = opaque::digest(token.expose());
        let found = self.store.by_digest(CredentialKind::HANDOVER, &digest).await?;
        let (credential, account) = found.ok_or_else(|| unknown.clone())?;
        if !self.store.remove(credential.id, None).await? {
            return Err(unknown);
        }
        if code_has_ended(&credential, self.clock.now()) {
            return Err(LoginError::Credentials(FailureReason::ExpiredToken));
        }
        if account.user.realm != realm.id {
            return Err(LoginError::OtherRealm);
        }
        Ok(account)
    }

    /// The user of a name, on a development server.
    async fn by_name(&self, realm: &Realm, who: &Identifier) -> Result<Account, LoginError> {
        if !self.development {
            return Err(LoginError::Credentials(FailureReason::NotOffered));
        }
        if let Some(account) = self.users.find(realm, who).await? {
            return Ok(account);
        }
        let elsewhere = match who {
            Identifier::Name { kind, typed } => self.store.realms_of(*kind, typed).await?,
            _ => Vec::new(),
        };
        Err(if elsewhere.is_empty() {
            LoginError::Credentials(FailureReason::UnknownUser)
        } else {
            LoginError::OtherRealm
        })
    }
}

impl fmt::Debug for Passwordless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwordless").field("development", &self.development).finish_non_exhaustive()
    }
}
