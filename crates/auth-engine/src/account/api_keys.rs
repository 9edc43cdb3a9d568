//! API keys of accounts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{ActionError, ApiKey, ApiKeys, CredentialKind, InternalError, Principal, Store};

use crate::credentials::CredentialFactory;
use crate::lineage::Lineage;

/// Replaces API keys.
pub(crate) struct ApiKeyService {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
}

impl ApiKeyService {
    pub(crate) fn new(store: Arc<dyn Store>, credentials: Arc<CredentialFactory>) -> Self {
        Self { store, credentials }
    }
}

#[async_trait]
impl ApiKeys for ApiKeyService {
    async fn regenerate_api_key(&self, principal: &Principal) -> Result<ApiKey, ActionError> {
        let user = principal.profile.user.id;
        let gone = || InternalError::unavailable("the principal's account or app password is gone");
        let lineage = Lineage::of_session(&*self.store, user, principal.parent).await?.ok_or_else(gone)?;
        let key = self.credentials.new_zulip_key();
        if !self.store.add(&lineage.apply(self.credentials.zulip_key(user, &key)), 1).await? {
            return Err(gone().into());
        }
        let kind = CredentialKind::ZULIP_KEY;
        tracing::info!(target: "auth::account", %user, kind = kind.as_str(), "key regenerated");
        Ok(key)
    }
}

impl fmt::Debug for ApiKeyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyService").finish_non_exhaustive()
    }
}
