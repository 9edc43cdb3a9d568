//! Which password backends have a say about whom, and what comes of what they say.
//!
//! An account has one authority. One that belongs to a directory is judged by directories alone, and any other by
//! whoever else the realm lists; the operator may let both say. A name without an account may be anybody's.
//!
//! ```text
//! accept       let in, whoever is left
//! reject       the next of another kind that has a say
//! not mine     the next that has a say
//! unavailable  the same, for a password that is kept here; but it ends in no "wrong"
//! ```

use auth_core::{
    Account, BackendAnswer, Entry, ExactPoint, FailureReason, InternalError, LoginAttempt, LoginError,
    NameKind, PasswordBackend, Realm, VerifyRequest,
};

use crate::Engine;
use crate::config::DirectoryRules;
use crate::engine::broken;

/// A password that is right, and what came with it.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) reset_required: bool,
    /// The directory that accepted, and whose password it said it is.
    pub(crate) entry: Option<(String, Entry)>,
}

/// What a realm's order comes to for one account.
struct Says<'a> {
    order: &'a [String],
    /// Whether stored passwords count.
    local: bool,
    /// Whether the account belongs to a directory of the realm.
    of_directory: bool,
}

impl Engine {
    /// Asks the realm's backends in their order, and weighs what they say.
    pub(crate) async fn ask_backends(
        &self,
        attempt: &LoginAttempt,
        question: &VerifyRequest<'_>,
    ) -> Result<Result<Verified, LoginError>, InternalError> {
        let local_alone = [Realm::LOCAL.to_owned()];
        let says = self.who_says(question, &local_alone);
        let (mut refused, mut outage) = (None, None);
        let mut directory_spoke = false;
        for name in says.order {
            let rules = self.config.directories.get(name);
            let is_asked = match rules {
                // A second directory would judge somebody else of the same name.
                Some(rules) => !directory_spoke && has_a_say(rules, question.account, says.of_directory),
                None if name == Realm::LOCAL => says.local,
                None => refused.is_none(),
            };
            if !is_asked {
                continue;
            }
            match self.backend(name)?.verify(question).await {
                BackendAnswer::Accept(accepted) => {
                    let entry = accepted.entry.map(|entry| (name.clone(), *entry));
                    return Ok(Ok(Verified { reset_required: accepted.reset_required, entry }));
                }
                BackendAnswer::Reject(cause) => {
                    refused.get_or_insert(cause);
                    directory_spoke |= rules.is_some();
                }
                BackendAnswer::Unavailable(fault) if rules.is_some() => {
                    outage.get_or_insert(fault);
                    directory_spoke = true;
                }
                BackendAnswer::Unavailable(fault) => return Err(fault),
                _ => {}
            }
        }
        if !says.local
            && says.order.iter().any(|name| name == Realm::LOCAL)
            && self.is_right_here(question).await?
        {
            // What it says counts for nothing but the words of the refusal; the work is that for a name without an
            // account.
            if self.config.exact(attempt.protocol).has(ExactPoint::LocalPasswordForbidden) {
                return Ok(Err(LoginError::Forbidden));
            }
        }
        match outage {
            Some(fault) => Err(fault),
            None => Ok(Err(LoginError::Credentials(refused.unwrap_or(FailureReason::UnknownUser)))),
        }
    }

    fn who_says<'a>(&self, question: &VerifyRequest<'a>, local_alone: &'a [String]) -> Says<'a> {
        let realm = question.realm;
        let order = if realm.backends.is_empty() { local_alone } else { &realm.backends };
        let of_directory = question.account.is_some_and(|account| self.is_of_directory(realm, account));
        let local = !of_directory || self.directories(realm).any(|rules| rules.local_passwords);
        Says { order, local, of_directory }
    }

    async fn is_right_here(&self, question: &VerifyRequest<'_>) -> Result<bool, InternalError> {
        match self.backend(Realm::LOCAL)?.verify(question).await {
            BackendAnswer::Accept(_) => Ok(true),
            BackendAnswer::Unavailable(fault) => Err(fault),
            _ => Ok(false),
        }
    }

    /// Whether an account's password is a directory's business.
    pub(crate) fn is_of_directory(&self, realm: &Realm, account: &Account) -> bool {
        account.user.name(NameKind::Directory).is_some() && self.directories(realm).next().is_some()
    }

    /// Whether the password that is stored of an account, if any, is a way in.
    pub(crate) fn counts_stored_password(&self, realm: &Realm, account: &Account) -> bool {
        !self.is_of_directory(realm, account) || self.directories(realm).any(|rules| rules.local_passwords)
    }

    /// The rules of the directories that a realm lists.
    pub(crate) fn directories<'a>(&'a self, realm: &'a Realm) -> impl Iterator<Item = &'a DirectoryRules> {
        realm.backends.iter().filter_map(|name| self.config.directories.get(name))
    }

    /// The backend of that name.
    pub(crate) fn backend(&self, name: &str) -> Result<&dyn PasswordBackend, InternalError> {
        let found = self.backends.iter().find(|backend| backend.name() == name);
        found.map(|backend| &**backend).ok_or_else(|| broken("a realm's password backend"))
    }
}

/// Whether a directory has a say about an account: its own, none yet, or one that may become its own.
fn has_a_say(rules: &DirectoryRules, account: Option<&Account>, of_directory: bool) -> bool {
    of_directory || account.is_none() || rules.merge_existing
}
