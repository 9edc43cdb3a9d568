//! The list of users on development servers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{ActionError, DevelopmentUsers, Profile, Store};

use crate::realms::RealmCache;

/// Lists users on development servers.
pub(crate) struct DevelopmentService {
    store: Arc<dyn Store>,
    realms: Arc<RealmCache>,
    is_offered: bool,
}

impl DevelopmentService {
    pub(crate) fn new(store: Arc<dyn Store>, realms: Arc<RealmCache>, is_offered: bool) -> Self {
        Self { store, realms, is_offered }
    }
}

#[async_trait]
impl DevelopmentUsers for DevelopmentService {
    async fn development_users(&self) -> Result<Vec<Profile>, ActionError> {
        if !self.is_offered {
            return Err(ActionError::NotOffered);
        }
        let mut found = Vec::new();
        for realm in self.realms.all().await?.iter() {
            let mut after = None;
            loop {
                let page = self.store.users(realm.id, after, crate::USERS_PER_PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
                let people =
                    page.into_iter().filter(|account| account.user.active && account.user.bot.is_none());
                found.extend(people.map(|account| Profile::new(account, Arc::clone(realm))));
            }
        }
        found.sort_by(|a, b| address(a).cmp(address(b)));
        Ok(found)
    }
}

impl fmt::Debug for DevelopmentService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevelopmentService").field("is_offered", &self.is_offered).finish_non_exhaustive()
    }
}

fn address(profile: &Profile) -> &str {
    profile.user.email().map(|email| email.address).unwrap_or_default()
}
