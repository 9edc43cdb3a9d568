//! New realms and new accounts.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, AuditRecord, BadRealm, ByProtocol, ClientKey, ImportMode, InternalError, LoginName, Lookup,
    NameError, NameKind, NewRecord, NewUser, OnConflict, Password, Realm, RealmChange, RealmId, StoreError,
    User, check_login_name,
};

use crate::account::passwords::PasswordError;
use crate::engine::Engine;

/// An account that is to be made.
///
/// ```
/// use auth_engine::NewAccount;
///
/// let new = NewAccount::new("ada", "correct-horse-battery-9876").full_name("Ada L.").address("ada@example.org");
/// ```
#[derive(Clone, Debug)]
pub struct NewAccount {
    user_name: String,
    password: Password,
    full_name: Option<String>,
    address: Option<(String, bool)>,
}

impl NewAccount {
    /// An account with a user name and a password. A user name that is an e-mail address is the address too.
    #[must_use]
    pub fn new(user_name: impl Into<String>, password: impl Into<String>) -> Self {
        let (user_name, password) = (user_name.into(), Password::new(password));
        Self { user_name, password, full_name: None, address: None }
    }

    /// Sets the display name, which is the user name otherwise.
    #[must_use]
    pub fn full_name(self, name: impl Into<String>) -> Self {
        Self { full_name: Some(name.into()), ..self }
    }

    /// Sets the e-mail address, with which the user can log in too. Nobody has verified it.
    #[must_use]
    pub fn address(self, address: impl Into<String>) -> Self {
        Self { address: Some((address.into(), false)), ..self }
    }

    /// Sets an e-mail address that the application has verified.
    #[must_use]
    pub fn verified_address(self, address: impl Into<String>) -> Self {
        Self { address: Some((address.into(), true)), ..self }
    }

    /// The names, each of which is one.
    fn names(&self) -> Result<Vec<LoginName>, AccountError> {
        let own = self.user_name.contains('@').then_some((&self.user_name, false));
        let address = self.address.as_ref().map(|(address, verified)| (address, *verified)).or(own);
        if own.is_some() && address.is_some_and(|(address, _)| *address != self.user_name) {
            // What is typed with an @ is looked for among the addresses.
            return Err(AccountError::BadName(NameKind::UserName, NameError::AtSign));
        }
        let address = address.map(|(address, verified)| (NameKind::Email, address, verified));
        let names = std::iter::once((NameKind::UserName, &self.user_name, false)).chain(address);
        names
            .map(|(kind, name, verified)| match check_login_name(kind, name) {
                Ok(()) => Ok(LoginName { kind, exact: name.clone(), verified }),
                Err(why) => Err(AccountError::BadName(kind, why)),
            })
            .collect()
    }
}

/// Why a realm or an account was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// There is no realm of that slug.
    NoRealm,
    /// The realm can't be written, and why.
    BadRealm(BadRealm),
    /// The name of this kind can't be one, and why.
    BadName(NameKind, NameError),
    /// Another account of the realm has the user name or the address, or one that differs in case alone.
    Taken,
    /// The password can't be taken, and why.
    Password(PasswordError),
    /// The store can't do it.
    Store(StoreError),
}

impl Engine {
    /// The realm of a slug, which is made where it is missing: with its slug as its name, for stored passwords, and without a
    /// subdomain. A protocol that finds realms by their hosts, as Zulip's does, has to be told its slug.
    ///
    /// A slug has 1 to 64 lower-case letters, digits, `-` or `_`.
    ///
    /// # Errors
    /// [`AccountError::BadRealm`] when the text is no slug, or [`AccountError::Store`].
    pub async fn ensure_realm(&self, slug: &str) -> Result<Arc<Realm>, AccountError> {
        if let Some(realm) = self.store.realms().await?.into_iter().find(|realm| realm.slug == slug) {
            return Ok(Arc::new(realm));
        }
        let id = RealmId::random(&*self.rng);
        let audit = self.auditor.by_command(Act::RealmWritten, Some(id), None, "");
        let made = self.write_realm(RealmChange::new(id, slug), &audit).await?;
        // Of two programs that make it, one has; the store knows under which id.
        let realms = self.store.realms().await?;
        Ok(Arc::new(realms.into_iter().find(|realm| realm.slug == slug).unwrap_or(made)))
    }

    /// Writes a change of a realm, or a new one; gives the realm afterwards.
    ///
    /// # Errors
    /// [`AccountError::BadRealm`] or [`AccountError::Store`].
    pub async fn write_realm(&self, change: RealmChange, audit: &AuditRecord) -> Result<Realm, AccountError> {
        change.check(|name| self.backends.contains(name)).map_err(AccountError::BadRealm)?;
        let realms = self.store.realms().await?;
        let before = realms.iter().find(|realm| realm.slug == change.slug).cloned();
        let after = change.clone().apply(before);
        let has_subdomain = |realm: &&Realm| {
            realm.slug != after.slug && realm.subdomain.is_some() && realm.subdomain == after.subdomain
        };
        if realms.iter().any(|realm| has_subdomain(&realm)) {
            return Err(AccountError::BadRealm(BadRealm::SubdomainTaken));
        }
        let records = Box::new(std::iter::once(Some(NewRecord::Realm(change))));
        let (mode, notes) = (ImportMode::Write, Box::new(|_, _| {}));
        let written = self.store.import(records, mode, OnConflict::Refuse, notes, Some(audit)).await;
        written.map_err(|error| error.error.map_or(AccountError::NoRealm, AccountError::Store))?;
        self.realms.forget();
        Ok(after)
    }

    /// Makes an account in the realm of a slug, and returns it as it was stored.
    ///
    /// ```
    /// # async fn example(engine: &auth_engine::Engine) {
    /// use auth_engine::{AccountError, NewAccount};
    ///
    /// match engine.create_account("main", &NewAccount::new("ada", "correct-horse-battery-9876")).await {
    ///     Ok(account) => println!("made {}", account.user.id),
    ///     Err(AccountError::Taken) => println!("choose another name"),
    ///     Err(AccountError::Password(why)) => println!("choose another password: {why}"),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AccountError`]: nothing was stored.
    pub async fn create_account(&self, realm: &str, new: &NewAccount) -> Result<Account, AccountError> {
        let realms = self.store.realms().await?;
        let realm = realms.into_iter().find(|known| known.slug == realm).ok_or(AccountError::NoRealm)?;
        let names = new.names()?;
        let has_address = names.iter().any(|name| name.kind == NameKind::Email);
        let email_second_factor = self.config.rocketchat.email_2fa_auto_opt_in && has_address;
        let full_name = new.full_name.as_ref().unwrap_or(&new.user_name).clone();
        let mut record = self.users.new_user(&realm, self.clock.now(), ByProtocol::new());
        record.user = User { names, full_name, email_second_factor, ..record.user };
        let audit = self.auditor.by_command_on(Act::UserCreated, &record.user, "");
        self.add_account(&realm, record, Some((&new.password, false)), &audit).await
    }

    /// Stores a record of a new user with a password, which may be weak where the flag is set; gives the account as it was
    /// stored.
    ///
    /// # Errors
    /// [`AccountError`]: nothing was stored.
    pub async fn add_account(
        &self,
        realm: &Realm,
        mut new: NewUser,
        password: Option<(&Password, bool)>,
        audit: &AuditRecord,
    ) -> Result<Account, AccountError> {
        // Names that differ in case alone may stand side by side where another system had them so. No new one is made.
        for name in &new.user.names {
            if self.store.find(realm.id, &Lookup::Name(name.kind, &name.exact)).await?.is_some() {
                return Err(AccountError::Taken);
            }
        }
        let account = Account { user: Arc::new(new.user.clone()), password: None, totp: false };
        if let Some((password, allow_weak)) = password {
            new.password =
                Some(self.passwords.hash(&account, password, allow_weak, ClientKey::default()).await?);
        }
        self.store.create_user(&new, Some(audit)).await.map_err(|error| match error {
            StoreError::Conflict(_) => AccountError::Taken,
            error => AccountError::Store(error),
        })?;
        // The store has chosen some of its ids.
        Ok(self.store.user(new.user.id).await?.unwrap_or(account))
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRealm => f.write_str("there is no such realm"),
            Self::BadRealm(why) => why.fmt(f),
            Self::BadName(NameKind::Email, why) => write!(f, "the e-mail address {why}"),
            Self::BadName(_, why) => write!(f, "the user name {why}"),
            Self::Taken => f.write_str("another account has this user name or e-mail address"),
            Self::Password(why) => why.fmt(f),
            Self::Store(_) => f.write_str("the store can't do it now"),
        }
    }
}

impl std::error::Error for AccountError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Password(why) => why.source(),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<PasswordError> for AccountError {
    fn from(error: PasswordError) -> Self {
        Self::Password(error)
    }
}

impl From<InternalError> for AccountError {
    fn from(error: InternalError) -> Self {
        Self::Password(PasswordError::Internal(error))
    }
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
