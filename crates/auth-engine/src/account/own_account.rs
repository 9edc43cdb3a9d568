//! What signed-in users change about their own accounts: the names, the address, the language of mails and the password.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Account, Act, ActionError, AuditRecord, Caller, CredentialKind, LoginName, Lookup, NameKind, OwnAccount,
    OwnChange, Password, PasswordReply, PasswordString, Profile, ProfileUpdate, Store, StoreError,
    check_login_name, is_control,
};

use super::address_verification::AddressVerificationService;
use super::confirm::{Demand, StepUp};
use super::notices::Notices;
use super::passwords::PasswordService;
use crate::audit::Auditor;
use crate::mail_text::Notice;
use crate::profile::{Outcome, ProfileChange, change_profile};
use crate::user_names::{is_user_name, user_names};

/// The kinds of tokens with which people are signed in.
const LOGINS: [CredentialKind; 2] = [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::WEB_SESSION];

/// The longest display name, in characters.
const LONGEST_FULL_NAME: usize = 100;

/// The names that are looked up for a suggestion; beyond them, one with a number that nobody has by chance.
const LOOKED_UP: usize = 50;

/// Changes the accounts of callers.
pub(crate) struct OwnAccountService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) passwords: Arc<PasswordService>,
    pub(crate) addresses: Arc<AddressVerificationService>,
    pub(crate) notices: Arc<Notices>,
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
        let full_name = change.full_name.map(full_name).transpose()?;
        let full_name = full_name.filter(|name| *name != account.user.full_name);
        let language = change.language.filter(|language| *language != account.user.language);
        let address = match change.address {
            Some(address) => self.new_address(caller, &account, address).await?,
            None => None,
        };
        let password = match change.password {
            Some(password) => Some(self.new_password(caller, account.clone(), password).await?),
            None => None,
        };
        let name = self.with_row(caller, Act::UserNameChosen, name)?;
        let full_name = self.with_row(caller, Act::FullNameChanged, full_name)?;
        let language = self.with_row(caller, Act::LanguageChosen, language)?;
        let password = self.with_row(caller, Act::PasswordChanged, password)?;
        if let Some((name, audit)) = &name {
            self.give_user_name(caller, name, audit).await?;
        }
        if let Some((name, audit)) = &full_name {
            let change = |update: &mut ProfileUpdate| update.full_name.clone_from(name);
            self.update_profile(caller, audit, change).await?;
        }
        if let Some((language, audit)) = &language {
            self.update_profile(caller, audit, |update| update.language = *language).await?;
        }
        if let Some(address) = address {
            let realm = &caller.principal.profile.realm;
            self.addresses.mail_address_change(&account, realm, address, caller.peer.language).await?;
        }
        if let Some((hashed, audit)) = &password {
            self.set_password(caller, hashed, audit).await?;
        }
        self.profile(caller).await
    }

    async fn show_password(&self, caller: &Caller<'_>, password: &Password) -> PasswordReply {
        self.step_up.show_password(caller, password).await
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

    /// The address that a link is to be mailed to; `None` when the account has it already. It is asked for what a change of the
    /// password is: whoever has the address can set the password anew.
    async fn new_address<'a>(
        &self,
        caller: &Caller<'_>,
        account: &Account,
        address: &'a str,
    ) -> Result<Option<&'a str>, ActionError> {
        let address = address.trim();
        if account.user.email().is_some_and(|own| own.address == address) {
            return Ok(None);
        }
        if check_login_name(NameKind::Email, address).is_err() {
            return Err(ActionError::BadAddress);
        }
        // A directory keeps the addresses of its people.
        if account.user.name(NameKind::Directory).is_some() {
            return Err(ActionError::NotOffered);
        }
        match caller.principal.kind {
            Some(CredentialKind::WEB_SESSION) => {
                drop(self.step_up.confirm(caller, Demand::Remembered).await?);
            }
            Some(CredentialKind::ROCKETCHAT_TOKEN) => {
                drop(self.step_up.confirm(caller, Demand::Always).await?);
            }
            _ => drop(self.step_up.confirm_password(caller).await?),
        }
        Ok(Some(address))
    }

    /// What is to be changed, with the row of the act.
    fn with_row<T>(
        &self,
        caller: &Caller<'_>,
        act: Act,
        new: Option<T>,
    ) -> Result<Option<(T, AuditRecord)>, ActionError> {
        let Some(new) = new else { return Ok(None) };
        Ok(Some((new, self.auditor.by_caller(caller, act, &caller.principal.profile.user)?)))
    }

    async fn update_profile(
        &self,
        caller: &Caller<'_>,
        audit: &AuditRecord,
        change: impl Fn(&mut ProfileUpdate) + Send + Sync,
    ) -> Result<(), ActionError> {
        let user = caller.principal.profile.user.id;
        let outcome = change_profile(&*self.store, user, |account| {
            let mut update = ProfileUpdate::with_names(&account.user, account.user.names.clone());
            change(&mut update);
            let change = ProfileChange { update, kinds: Vec::new(), valid_from: None, audit: audit.clone() };
            Ok::<_, ActionError>(Some(change))
        });
        match outcome.await? {
            Outcome::NoUser => Err(ActionError::NoSuchUser),
            _ => Ok(()),
        }
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
            Outcome::Done => {
                tracing::info!(target: "auth::account", event = Act::UserNameChosen.as_str(), %user, "user name chosen");
            }
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
        let due = account.user.must_change_password;
        match caller.principal.kind {
            // The password that is due to be changed was shown a short time ago.
            Some(CredentialKind::WEB_SESSION) if due && self.step_up.is_fresh(caller.principal) => {}
            Some(CredentialKind::WEB_SESSION) => {
                self.step_up.confirm(caller, Demand::Remembered).await?;
                account = self.step_up.confirm_password(caller).await?;
            }
            // Clients of a key send the present password along.
            Some(CredentialKind::ZULIP_KEY) => account = self.step_up.confirm_password(caller).await?,
            // A token that was made for a program proves no presence of the owner.
            Some(CredentialKind::ROCKETCHAT_TOKEN) if due && caller.principal.parent.is_none() => {}
            _ => account = self.step_up.confirm(caller, Demand::Always).await?,
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
        // A token that was made for a program doesn't outlive the change.
        // The key of a Zulip account is what its clients go on with: they aren't asked to log in again.
        let is_login = caller
            .principal
            .kind
            .is_some_and(|kind| LOGINS.contains(&kind) || kind == CredentialKind::ZULIP_KEY);
        let except = caller.principal.credential.filter(|_| is_login);
        let owner = &caller.principal.profile.user;
        if !self.passwords.store(owner, hashed, except, audit).await? {
            return Err(ActionError::NoSuchUser);
        }
        tracing::info!(target: "auth::account", event = Act::PasswordChanged.as_str(), user = %owner.id, "password changed");
        self.notices.tell(owner, Notice::PasswordChanged, caller.protocol, caller.peer).await;
        Ok(())
    }
}

/// A display name without spaces around it.
fn full_name(name: &str) -> Result<String, ActionError> {
    let name = name.trim();
    let is_name = (1..=LONGEST_FULL_NAME).contains(&name.chars().count()) && !name.contains(is_control);
    if is_name { Ok(name.to_owned()) } else { Err(ActionError::BadFullName) }
}

impl fmt::Debug for OwnAccountService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnAccountService").finish_non_exhaustive()
    }
}
