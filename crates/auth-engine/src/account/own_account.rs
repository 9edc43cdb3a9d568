//! What signed-in users change about their own accounts: the user name and the password.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, AuditRecord, Caller, CredentialKind, LoginName, Lookup, NameKind, OwnAccount,
    OwnChange, Password, PasswordString, Profile, ProfileUpdate, Store, StoreError,
};

use super::confirm::{Demand, StepUp};
use super::passwords::PasswordService;
use crate::audit::Auditor;
use crate::profile::{Outcome, ProfileChange, change_profile};
use crate::user_names::{is_user_name, user_names};

/// The kind of token with which people are signed in.
const LOGIN: CredentialKind = CredentialKind::ROCKETCHAT_TOKEN;

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

    async fn change_own_account(
        &self,
        caller: &Caller<'_>,
        change: &OwnChange<'_>,
    ) -> Result<Profile, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        // All is judged before anything is written.
        let name = match change.user_name {
            Some(name) => self.new_user_name(caller, &account, name).await?,
            None => None,
        };
        let password = match change.password {
            Some(password) => Some(self.new_password(caller, account, password).await?),
            None => None,
        };
        let row = |act| self.auditor.by_caller(caller, act, &caller.principal.profile.user);
        let name = name.map(|name| Ok::<_, ActionError>((name, row(Act::UserNameChosen)?))).transpose()?;
        let password =
            password.map(|hashed| Ok::<_, ActionError>((hashed, row(Act::PasswordChanged)?))).transpose()?;
        if let Some((name, audit)) = &name {
            self.give_user_name(caller, name, audit).await?;
        }
        if let Some((hashed, audit)) = &password {
            self.set_password(caller, hashed, audit).await?;
        }
        self.profile(caller).await
    }
}

impl OwnAccountService {
    /// The user name that an account is to get; `None` when it has that name.
    async fn new_user_name<'a>(
        &self,
        caller: &Caller<'_>,
        account: &Account,
        name: &'a str,
    ) -> Result<Option<&'a str>, ActionError> {
        match account.user.user_name() {
            Some(own) if own == name => return Ok(None),
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
        Ok(Some(name))
    }

    async fn give_user_name(
        &self,
        caller: &Caller<'_>,
        name: &str,
        audit: &AuditRecord,
    ) -> Result<(), ActionError> {
        let user = caller.principal.profile.user.id;
        let outcome = change_profile(&*self.store, user, |account| {
            // Another request may have chosen one meanwhile.
            match account.user.user_name() {
                Some(own) if own == name => return Ok(None),
                Some(_) => return Err(ActionError::NotOffered),
                None => {}
            }
            let mut names = account.user.names.clone();
            names.insert(0, LoginName { kind: NameKind::UserName, exact: name.to_owned(), verified: false });
            let update = ProfileUpdate::with_names(&account.user, names);
            Ok(Some(ProfileChange { update, kinds: Vec::new(), valid_from: None, audit: audit.clone() }))
        });
        match outcome.await? {
            Outcome::Done => tracing::info!(target: "auth::account", %user, "user name chosen"),
            Outcome::Unchanged => {}
            Outcome::NoUser => return Err(ActionError::NoSuchUser),
            Outcome::Taken(_) => return Err(ActionError::UserNameTaken),
        }
        Ok(())
    }

    /// Judges a new password, and hashes it.
    async fn new_password(
        &self,
        caller: &Caller<'_>,
        mut account: Account,
        new: &Password,
    ) -> Result<PasswordString, ActionError> {
        // People of a directory have their passwords there, and who has none has no present one to show.
        if account.user.name(NameKind::Directory).is_some() || account.password.is_none() {
            return Err(ActionError::NotOffered);
        }
        // A token that was made for a program proves no presence of the owner.
        let is_login = caller.principal.kind == Some(LOGIN);
        if !account.user.must_change_password || !is_login || caller.principal.parent.is_some() {
            account = self.step_up.confirm(caller, Demand::Always).await?;
        }
        let (realm, client) = (&caller.principal.profile.realm, caller.peer.client_key());
        if self.passwords.is_present(realm, &account, new, client).await? {
            return Err(ActionError::SamePassword);
        }
        Ok(self.passwords.hash(&account, new, false, client).await?)
    }

    async fn set_password(
        &self,
        caller: &Caller<'_>,
        hashed: &PasswordString,
        audit: &AuditRecord,
    ) -> Result<(), ActionError> {
        let user = caller.principal.profile.user.id;
        // A token that was made for a program doesn't outlive the change.
        let except = caller.principal.credential.filter(|_| caller.principal.kind == Some(LOGIN));
        if !self.passwords.store(user, hashed, except, audit).await? {
            return Err(ActionError::NoSuchUser);
        }
        tracing::info!(target: "auth::account", %user, "password changed");
        Ok(())
    }
}

impl fmt::Debug for OwnAccountService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAccountService").finish_non_exhaustive()
    }
}
