//! API keys of accounts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{Act, ActionError, ApiKey, ApiKeys, Caller, InternalError, Store};

use crate::audit::Auditor;
use crate::credentials::CredentialFactory;
use crate::lineage::Lineage;

/// Replaces API keys.
pub(crate) struct ApiKeyService {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    auditor: Arc<Auditor>,
}

impl ApiKeyService {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        credentials: Arc<CredentialFactory>,
        auditor: Arc<Auditor>,
    ) -> Self {
        Self { store, credentials, auditor }
    }
}

#[async_trait]
impl ApiKeys for ApiKeyService {
    async fn regenerate_api_key(&self, caller: &Caller<'_>) -> Result<ApiKey, ActionError> {
        let principal = caller.principal;
        let user = principal.profile.user.id;
        let gone = || InternalError::unavailable("the principal's account or app password is gone");
        let lineage = Lineage::of_session(&*self.store, caller.peer, user, principal.parent).await?;
        let lineage = lineage.ok_or_else(gone)?;
        let key = self.credentials.new_zulip_key();
        let audit = self.auditor.by_caller(caller, Act::ZulipKeyRenewed, &principal.profile.user)?;
        let new = lineage.apply(self.credentials.zulip_key(user, &key));
        if !self.store.add(&new, 1, Some(&audit)).await? {
            return Err(gone().into());
        }
        tracing::info!(target: "auth::account", event = Act::ZulipKeyRenewed.as_str(), %user, "key regenerated");
        Ok(key)
    }
}

impl fmt::Debug for ApiKeyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyService").finish_non_exhaustive()
    }
}
