//! The password backends that have a say about an account, and what comes of their answers.
//!
//! An account has one authority. One that belongs to a directory is judged by directories alone, and any other by the
//! other backends that the realm lists; the operator may let both judge. A name without an account may be known to any.
//!
//! ```text
//! accept       let in, without asking further
//! reject       the next backend of another kind that has a say
//! not mine     the next backend that has a say
//! unavailable  from a directory: stored passwords may still accept, but the login never ends as "wrong password";
//!              from another backend: an internal error at once
//! ```

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, BackendAnswer, Credential, Entry, FailureReason, InternalError, LoginError, NameKind,
    PasswordBackend, ProtocolRules, Realm, VerifyRequest, fold,
};

use crate::config::DirectoryConfig;
use crate::directories::Directories;
use crate::rules::DefaultRules;

/// The backends, and the order in which they are asked.
pub struct BackendChain {
    backends: Vec<Arc<dyn PasswordBackend>>,
    directories: Arc<Directories>,
}

/// A password that is right.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// Whether the password must be set anew by its owner.
    pub(crate) reset_required: bool,
    /// The directory that accepted the password, and the entry whose password it is.
    pub(crate) entry: Option<(String, Entry)>,
    /// The app password that it is, which stands for a second factor too.
    pub(crate) app_password: Option<Credential>,
}

/// Why a directory shows no entry of a name.
#[derive(Debug)]
#[non_exhaustive]
pub struct LookupError {
    /// The name of the directory.
    pub directory: String,
    /// Why it shows none.
    pub why: NoEntry,
}

/// The two reasons for which a directory that knows a name shows no entry.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoEntry {
    /// Several entries have the name, or the one that has it can't log in to the realm.
    Refused(FailureReason),
    /// The directory can't be asked.
    Unavailable(InternalError),
}

impl BackendChain {
    pub(crate) fn new(backends: Vec<Arc<dyn PasswordBackend>>, directories: Arc<Directories>) -> Self {
        Self { backends, directories }
    }

    /// Whether there is a backend of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.backends.iter().any(|backend| backend.name() == name)
    }

    /// Asks the realm's backends in their order, and weighs their answers.
    pub(crate) async fn verify(
        &self,
        rules: &dyn ProtocolRules,
        request: &VerifyRequest<'_>,
    ) -> Result<Verified, LoginError> {
        let local_alone = [Realm::LOCAL.to_owned()];
        let order = if request.realm.backends.is_empty() {
            local_alone.as_slice()
        } else {
            request.realm.backends.as_slice()
        };
        let (realm, account) = (request.realm, request.account);
        let is_of_directory =
            account.is_some_and(|account| self.directories.judge_password_of(realm, account));
        let local_counts =
            account.is_none_or(|account| self.directories.accept_stored_password(realm, account));
        let (mut refused, mut outage) = (None, None);
        let mut directory_spoke = false;
        for name in order {
            let directory = self.directories.get(name);
            let is_asked = match directory {
                // A second directory would judge another person of the same name.
                Some(directory) => !directory_spoke && has_a_say(directory, account, is_of_directory),
                None if name == Realm::LOCAL => local_counts,
                None => refused.is_none(),
            };
            if !is_asked {
                continue;
            }
            match self.backend(name)?.verify(request).await {
                BackendAnswer::Accept(accepted) => {
                    let entry = accepted.entry.map(|entry| (name.clone(), *entry));
                    let reset_required = accepted.reset_required;
                    return Ok(Verified { reset_required, entry, app_password: None });
                }
                BackendAnswer::Reject(reason) => {
                    refused.get_or_insert(reason);
                    directory_spoke |= directory.is_some();
                }
                BackendAnswer::Unavailable(error) if directory.is_some() => {
                    outage.get_or_insert(error);
                    directory_spoke = true;
                }
                BackendAnswer::Unavailable(error) => return Err(error.into()),
                _ => {}
            }
        }
        // The stored password changes nothing but the words of the refusal; the work is that for a name without an account.
        if !local_counts
            && order.iter().any(|name| name == Realm::LOCAL)
            && self.matches_stored(request).await?
            && rules.tells_local_password()
        {
            return Err(LoginError::Forbidden);
        }
        Err(match outage {
            Some(error) => error.into(),
            None => LoginError::Credentials(refused.unwrap_or(FailureReason::UnknownUser)),
        })
    }

    /// Whether an account's password is right by the word of whoever judges it.
    pub(crate) async fn accepts(&self, request: &VerifyRequest<'_>) -> Result<bool, InternalError> {
        let own = request.account.and_then(|account| account.user.name(NameKind::Directory));
        match self.verify(&DefaultRules, request).await {
            // A directory may know somebody else by the account's name.
            Ok(Verified { entry: Some((_, entry)), .. }) => {
                Ok(own.is_some_and(|own| fold(&own.exact) == fold(&entry.id)))
            }
            Ok(_) => Ok(true),
            Err(LoginError::Internal(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Whether a directory has an entry of that id.
    pub(crate) async fn has_entry(&self, directory: &str, id: &str) -> Result<bool, InternalError> {
        self.backend(directory)?.has_entry(id).await
    }

    /// Finds the entries that a typed name means in the directories of a realm, in their order, each with the name of its
    /// directory: at most one of each.
    ///
    /// # Errors
    /// [`LookupError`]: why the first directory that doesn't show an entry for its own reasons doesn't.
    pub async fn find_entries(
        &self,
        realm: &Realm,
        typed: &str,
    ) -> Result<Vec<(String, Entry)>, LookupError> {
        let mut found = Vec::new();
        for name in self.directories.names_of(realm) {
            let told = |why| LookupError { directory: name.to_owned(), why };
            let backend = self.backend(name).map_err(|error| told(NoEntry::Unavailable(error)))?;
            match backend.find_entry(realm, typed).await {
                BackendAnswer::Accept(accepted) => {
                    found.extend(accepted.entry.map(|entry| (name.to_owned(), *entry)));
                }
                BackendAnswer::Reject(reason) => return Err(told(NoEntry::Refused(reason))),
                BackendAnswer::Unavailable(error) => return Err(told(NoEntry::Unavailable(error))),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether a password matches the stored one.
    pub(crate) async fn matches_stored(&self, request: &VerifyRequest<'_>) -> Result<bool, InternalError> {
        match self.backend(Realm::LOCAL)?.verify(request).await {
            BackendAnswer::Accept(_) => Ok(true),
            BackendAnswer::Unavailable(error) => Err(error),
            _ => Ok(false),
        }
    }

    fn backend(&self, name: &str) -> Result<&dyn PasswordBackend, InternalError> {
        let found = self.backends.iter().find(|backend| backend.name() == name);
        found.map(|backend| &**backend).ok_or_else(|| InternalError::corrupt("a realm's password backend"))
    }
}

impl fmt::Debug for BackendChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.backends.iter().map(|backend| backend.name())).finish()
    }
}

/// Whether a directory has a say about an account: its own, none yet, or one that may become its own.
fn has_a_say(directory: &DirectoryConfig, account: Option<&Account>, is_of_directory: bool) -> bool {
    is_of_directory || account.is_none() || directory.merge_existing
}
