//! The traits that protocols call.

use async_trait::async_trait;
use auth_core::{
    Accounts, ApiKey, Authenticator, CheckReply, CredentialCheck, CredentialKind, Grant, InternalError,
    InternalErrorKind, LoginAttempt, LoginReply, Peer, Principal, Profile, ProtocolName, RateLimitStatus,
    TokenError, TokenForm,
};
use auth_crypto::opaque;

use crate::Engine;
use crate::engine::broken;
use crate::login::profile;

/// Users are read in pages of this many.
pub(crate) const PAGE: u32 = 500;

#[async_trait]
impl Authenticator for Engine {
    async fn log_in(&self, attempt: LoginAttempt) -> Result<LoginReply, InternalError> {
        self.attempt(attempt).await.inspect_err(log_fault)
    }

    async fn check(&self, presentation: CredentialCheck) -> Result<CheckReply, InternalError> {
        self.checked(presentation).await.inspect_err(log_fault)
    }

    async fn renew(
        &self,
        presentation: CredentialCheck,
        form: TokenForm,
    ) -> Result<Result<Grant, TokenError>, InternalError> {
        self.renewed(presentation, form).await.inspect_err(log_fault)
    }

    async fn revoke(&self, principal: &Principal) -> Result<(), InternalError> {
        if let Some(credential) = principal.credential {
            self.store.remove(credential).await?;
        }
        Ok(())
    }

    fn admit(&self, protocol: ProtocolName, route: &'static str, peer: &Peer) -> Option<RateLimitStatus> {
        match protocol {
            ProtocolName::RocketChat => self.limits.rocketchat_call(route, peer, self.now()),
            _ => None,
        }
    }
}

#[async_trait]
impl Accounts for Engine {
    async fn regenerate_zulip_key(&self, principal: &Principal) -> Result<ApiKey, InternalError> {
        let user = principal.profile.user.id;
        let key = opaque::zulip_api_key(&*self.rng);
        if !self.store.add(&self.new_zulip_key(user, &key), 1).await? {
            return Err(broken("the principal's account"));
        }
        tracing::info!(%user, kind = CredentialKind::ZulipKey.as_str(), "key regenerated");
        Ok(key)
    }

    async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> {
        if !self.config.zulip.development {
            return Ok(None);
        }
        let mut found = Vec::new();
        for realm in self.all_realms().await?.iter() {
            let mut after = None;
            loop {
                let page = self.store.users(realm.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
                let people = page.iter().filter(|account| account.user.active && account.user.bot.is_none());
                found.extend(people.map(|account| profile(realm, account)));
            }
        }
        found.sort_by(|a, b| address(a).cmp(address(b)));
        Ok(Some(found))
    }
}

/// The cause of a fault goes to the log and nowhere else.
fn log_fault(fault: &InternalError) {
    let cause = std::error::Error::source(fault).map(ToString::to_string);
    match fault.kind() {
        InternalErrorKind::Busy { .. } => tracing::warn!(target: "auth::fault", cause, "{fault}"),
        _ => tracing::error!(target: "auth::fault", cause, "{fault}"),
    }
}

fn address(profile: &Profile) -> &str {
    profile.user.email().map(|email| email.address).unwrap_or_default()
}
