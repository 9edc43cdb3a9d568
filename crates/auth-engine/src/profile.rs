//! Changes of a user's profile: names, full name and role.

use auth_core::{
    Account, AuditRecord, Conflict, CredentialKind, ProfileUpdate, Revocation, Store, StoreError, Timestamp,
    UserId,
};

/// How often a change is made anew because the account was changed meanwhile.
const MOST_TRIES: usize = 8;

/// A change of a profile, with what it ends and the row of the audit log.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct ProfileChange {
    /// The names, the full name and the role that the user gets.
    pub update: ProfileUpdate,
    /// The credentials of these kinds end.
    pub kinds: Vec<CredentialKind>,
    /// Signed tokens from before end too, where this is set.
    pub valid_from: Option<Timestamp>,
    /// The row of the audit log.
    pub audit: AuditRecord,
}

/// What became of a change of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers tell all of them apart")]
pub enum Outcome {
    /// The profile was changed.
    Done,
    /// There was nothing to change.
    Unchanged,
    /// There is no such user.
    NoUser,
    /// Another user has one of the names.
    Taken(Conflict),
}

/// Changes a user's profile. `change` makes the change from the account as it is, or gives `None` where there is nothing
/// to change. It is asked again when something else changed the account before the change was written: so of two changes at
/// one time none undoes the other.
///
/// # Errors
/// Those of `change`, and [`StoreError`].
pub async fn change_profile<E: From<StoreError>>(
    store: &dyn Store,
    user: UserId,
    mut change: impl FnMut(&Account) -> Result<Option<ProfileChange>, E> + Send,
) -> Result<Outcome, E> {
    for _ in 0..MOST_TRIES {
        let Some(account) = store.user(user).await? else { return Ok(Outcome::NoUser) };
        let Some(made) = change(&account)? else { return Ok(Outcome::Unchanged) };
        drop(account);
        let revocation = Revocation { valid_from: made.valid_from, kinds: &made.kinds, except: None };
        match store.update_profile(user, &made.update, &revocation, Some(&made.audit)).await {
            Ok(true) => return Ok(Outcome::Done),
            Ok(false) => return Ok(Outcome::NoUser),
            Err(StoreError::Changed) => {}
            Err(StoreError::Conflict(what)) => return Ok(Outcome::Taken(what)),
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Changed.into())
}
