//! What signed-in users change about their own accounts: the user name and the password.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, Caller, Conflict, CredentialKind, LoginName, Lookup, NameKind, OwnAccount,
    Password, Profile, ProfileUpdate, Revocation, Store, StoreError,
};

use super::confirm::{Demand, StepUp};
use super::passwords::PasswordService;
use crate::audit::Auditor;
use crate::user_names::{is_user_name, user_names};

/// The names that are looked up for a suggestion; beyond them, one with a number that nobody has by chance.
const LOOKED_UP: usize = 50;

/// Changes the accounts of callers.
pub(crate) struct OwnAccountService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) passwords: Arc<PasswordService>,
    pub(crate) auditor: Arc<Auditor>,
}

impl OwnAccountService {
    /// The caller's profile as the store has it now.
    async fn profile(&self, caller: &Caller<'_>) -> Result<Profile, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        Ok(Profile::new(account, Arc::clone(&caller.principal.profile.realm)))
    }

    /// Whether no account of the caller's realm has a user name that folds alike.
    async fn is_free(&self, caller: &Caller<'_>, name: &str) -> Result<bool, StoreError> {
        let realm = caller.principal.profile.realm.id;
        Ok(self.store.find(realm, &Lookup::Name(NameKind::UserName, name)).await?.is_none())
    }
}

#[async_trait]
impl OwnAccount for OwnAccountService {
    async fn suggest_user_name(&self, caller: &Caller<'_>) -> Result<String, ActionError> {
        let user = &caller.principal.profile.user;
        let mut names = user_names(&user.full_name, user.email().map(|email| email.address));
        for name in names.by_ref().take(LOOKED_UP) {
            if self.is_free(caller, &name).await? {
                return Ok(name);
            }
        }
        let last = names.next().unwrap_or_default();
        Ok(format!("{last}-{}", user.id.to_string().get(..8).unwrap_or_default()))
    }

    async fn choose_user_name(&self, caller: &Caller<'_>, name: &str) -> Result<Profile, ActionError> {
        let Account { user, .. } = self.step_up.own_account(caller).await?;
        match user.user_name() {
            Some(own) if own == name => return self.profile(caller).await,
            Some(_) => return Err(ActionError::NotOffered),
            None => {}
        }
        // Where a directory names people, a name that somebody chose could be that of an entry, and the account be linked.
        if caller.principal.profile.realm.asks_a_directory() {
            return Err(ActionError::NotOffered);
        }
        if !is_user_name(name) {
            return Err(ActionError::BadUserName);
        }
        if !self.is_free(caller, name).await? {
            return Err(ActionError::UserNameTaken);
        }
        let audit = self.auditor.by_caller(caller, Act::UserNameChosen, &user)?;
        let mut names = user.names.clone();
        names.insert(0, LoginName { kind: NameKind::UserName, exact: name.to_owned(), verified: false });
        let update = ProfileUpdate::with_names(&user, names);
        match self.store.update_profile(user.id, &update, &Revocation::NOTHING, Some(&audit)).await {
            Ok(true) => {
                tracing::info!(target: "auth::account", user = %user.id, "user name chosen");
                self.profile(caller).await
            }
            Ok(false) => Err(ActionError::NoSuchUser),
            Err(StoreError::Conflict(Conflict::Name(_))) => Err(ActionError::UserNameTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn change_password(&self, caller: &Caller<'_>, new: &Password) -> Result<Profile, ActionError> {
        let mut account = self.step_up.own_account(caller).await?;
        // People of a directory have their passwords there, and who has none has no present one to show.
        if account.user.name(NameKind::Directory).is_some() || account.password.is_none() {
            return Err(ActionError::NotOffered);
        }
        // A token that was made for a program proves no presence of the owner, and doesn't outlive the change.
        let is_login = caller.principal.kind == Some(CredentialKind::ROCKETCHAT_TOKEN);
        if !account.user.must_change_password || !is_login || caller.principal.parent.is_some() {
            account = self.step_up.confirm(caller, Demand::Always).await?;
        }
        let audit = self.auditor.by_caller(caller, Act::PasswordChanged, &account.user)?;
        let (realm, client) = (&caller.principal.profile.realm, caller.peer.client_key());
        if self.passwords.is_present(realm, &account, new, client).await? {
            return Err(ActionError::SamePassword);
        }
        let hashed = self.passwords.hash(&account, new, false, client).await?;
        let user = account.user.id;
        let except = caller.principal.credential.filter(|_| is_login);
        if !self.passwords.store(user, &hashed, except, &audit).await? {
            return Err(ActionError::NoSuchUser);
        }
        tracing::info!(target: "auth::account", %user, "password changed");
        self.profile(caller).await
    }
}

impl fmt::Debug for OwnAccountService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAccountService").finish_non_exhaustive()
    }
}
