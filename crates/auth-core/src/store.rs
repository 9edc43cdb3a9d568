//! Stores keep the records. Methods are whole commands; what a method has acknowledged is durable. "Not there" is `Ok(None)`
//! or `Ok(false)`, never an error.
//!
//! Commands that change an account, a realm or a key take `audit`, the row of the audit log to write in the same
//! transaction: see [`AuditStore`]. It is `None` where the change is no act, such as the token that a login gives.

mod activity;
mod admin_keys;
mod attempts;
mod audit;
mod change;
mod error;
mod forward;
mod groups;
mod import;
mod import_mark;
mod log;
mod network_rules;
mod nodes;
mod outbox;
mod sealed;
mod spent;

use async_trait::async_trait;

use crate::{
    Account, AuditRecord, Credential, CredentialId, CredentialKind, Digest, ExternalId, LoginName, NameKind,
    NewId, PasswordString, ProtocolName, Realm, RealmId, Timestamp, UserId,
};

pub use activity::{Activity, ActivityStore, Unseen};
pub use admin_keys::{AdminKey, AdminKeyStore};
pub use attempts::{AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, KNOWN_CLIENTS};
pub use audit::{AuditFilter, AuditRow, AuditStore};
pub use change::{ProfileUpdate, Revocation};
pub use error::{Conflict, StoreError};
pub use groups::{Group, GroupSource, GroupStore};
pub use import::{
    ImportError, ImportMode, ImportNote, ImportNotes, Imported, LeftOut, MarkedUser, NewRecord, NewUser,
    OnConflict, RealmWritten, Records,
};
pub use import_mark::{ImportMark, ImportMarkStore, ImportedChange, MarkKey};
pub use log::{LogOrder, LogPage, NotAPlace, Place};
pub use network_rules::{NetworkRule, NetworkRuleKind, NetworkRuleStore};
pub use nodes::{ChangeFeed, ChangeListener, FullCounter, SharedAttempts, SharedCounter};
pub use outbox::{Outbox, OutgoingMail};
pub use sealed::SealedStore;
pub use spent::SpentStore;

/// Keeps realms.
#[async_trait]
pub trait RealmStore: Send + Sync {
    /// All realms, by slug.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn realms(&self) -> Result<Vec<Realm>, StoreError>;

    /// Removes a realm that has no user, with its groups and its keys for administration.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_realm(
        &self,
        id: RealmId,
        audit: Option<&AuditRecord>,
    ) -> Result<RealmRemoval, StoreError>;
}

/// What became of a realm that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum RealmRemoval {
    /// It is gone.
    Removed,
    /// There is no such realm.
    NotThere,
    /// It has users: nothing was changed.
    HasUsers,
}

/// Keeps users, their names and passwords.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Finds a user. A name matches in its exact form, or else in its folded form if that belongs to one user only.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Result<Option<Account>, StoreError>;

    /// The realms in which a user has a name that folds alike.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn realms_of(&self, kind: NameKind, name: &str) -> Result<Vec<RealmId>, StoreError>;

    /// The user of that id.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn user(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Up to `limit` users of a realm by id, from the first after `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn users(
        &self,
        realm: RealmId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError>;

    /// Replaces the stored form of an unchanged password, if it is still `old`. No credential is revoked.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn rehash(
        &self,
        user: UserId,
        old: &PasswordString,
        new: &PasswordString,
    ) -> Result<bool, StoreError>;

    /// Sets or removes the password, revokes the credentials in `revocation`, and clears `must_change_password` when a
    /// password is set. `false` when there is no such user.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Activates or deactivates a user, and revokes the credentials in `revocation`. With a user go the active bots that it
    /// owns ([`bot_owner`](crate::User::bot_owner)), in the same way, each with a row of its own ([`AuditRecord::of_bot`]); they don't come
    /// back with it. `false` when there is no such user.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_active(
        &self,
        user: UserId,
        active: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Revokes the credentials in `revocation`; whether the user is active stays as it is. `false` when there is no
    /// such user.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn revoke(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Replaces a user's names, full name and role, and revokes credentials. `false` when there is no such user.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when the user has another version than the one that the update was made from, and
    /// [`Conflict::Name`] when another user has one of the names: nothing is changed then. See [`StoreError`].
    async fn update_profile(
        &self,
        user: UserId,
        update: &ProfileUpdate,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Gives a user an id under which a protocol shows it, unless it has one; gives the one that it has afterwards.
    /// `None` when there is no such user.
    ///
    /// # Errors
    /// [`Conflict::ExternalId`] when another user of the realm has the id. See [`StoreError`].
    async fn ensure_external_id(
        &self,
        user: UserId,
        protocol: ProtocolName,
        new: &NewId,
    ) -> Result<Option<ExternalId>, StoreError>;

    /// Sets whether a user is asked for a mailed code at login, and revokes credentials; `false` when there is no such
    /// user.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_email_second_factor(
        &self,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Adds one user with all that belongs to it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another user has one of its names or ids: nothing is written then. See
    /// [`StoreError`].
    async fn create_user(&self, new: &NewUser, audit: Option<&AuditRecord>) -> Result<(), StoreError>;

    /// Deletes a user with all that belongs to it. The active bots that it owns are deactivated as by
    /// [`UserStore::set_active`], with `revocation`, and no bot has it as its owner any longer. What the rows of both logs tell of
    /// the person is blanked: the name and the client of attempts, the detail and the client of acts.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn delete(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Makes one user of two of a realm, in one step. Groups, the rows of both logs, what imports remember and the activity of
    /// `gone` become those of the user that is changed; `gone` is deleted with the rest; and the change is written, which brings
    /// what is to stay. `false` when there is no `gone` of that version.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when the user who stays is gone or has another version, and [`StoreError::Conflict`] when a third
    /// one has one of the names or ids. See [`StoreError`].
    async fn merge(&self, gone: (UserId, u64), change: &ImportedChange) -> Result<bool, StoreError>;

    /// Writes finished records in one transaction: all, or all but those that `on_conflict` leaves out, or none. Of a realm
    /// whose slug is there already, what is named is written; users must be new, but for those of an [`ImportedChange`]. `notes` is told of each realm that is made
    /// or changed, and of names that fold alike. Each has a row of the audit log ([`RealmWritten::audit_record`]), and the import has one with the numbers
    /// of what was written ([`Imported::audit_record`]), unless nothing changed.
    ///
    /// # Errors
    /// [`ImportError`] with the first record that can't be written.
    async fn import(
        &self,
        records: Records,
        mode: ImportMode,
        on_conflict: OnConflict,
        notes: ImportNotes,
        audit: Option<&AuditRecord>,
    ) -> Result<Imported, ImportError>;
}

/// A way to look a user up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every store must know every way to look a user up")]
pub enum Lookup<'a> {
    /// By a login name as typed.
    Name(NameKind, &'a str),
    /// By the id under which a protocol shows the user.
    ExternalId(ProtocolName, &'a ExternalId),
}

/// Keeps credentials. Whatever deletes a credential deletes those that came from it.
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// The credential of a kind with that digest, and its owner.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn by_digest(
        &self,
        kind: CredentialKind,
        digest: &Digest,
    ) -> Result<Option<(Credential, Account)>, StoreError>;

    /// The credentials of a kind that a user has, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn of_user(&self, user: UserId, kind: CredentialKind) -> Result<Vec<Credential>, StoreError>;

    /// The credentials of some kinds that a user has, kind by kind, oldest first. A store whose calls are costly asks once.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn of_kinds(&self, user: UserId, kinds: &[CredentialKind]) -> Result<Vec<Credential>, StoreError> {
        let mut found = Vec::new();
        for kind in kinds {
            found.extend(self.of_user(user, *kind).await?);
        }
        Ok(found)
    }

    /// Adds a credential and keeps only the `keep` newest of its kind and parent that the user has. `false` when there is
    /// no such user or parent, or the label is taken.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn add(
        &self,
        credential: &Credential,
        keep: u32,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Adds a credential if the user has none of its kind and parent; gives the one it has afterwards. `None` when there
    /// is no such user or parent.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn ensure(&self, credential: &Credential) -> Result<Option<Credential>, StoreError>;

    /// Adds a credential that succeeds another of its user, which stays. `false` when the other is gone: what was revoked
    /// has no successor.
    ///
    /// # Errors
    /// [`Conflict::Credential`] when another credential has its digest. See [`StoreError`].
    async fn succeed(&self, other: CredentialId, new: &Credential) -> Result<bool, StoreError>;

    /// Puts a credential in the place of another of its user, which is deleted, in one step. `false` and nothing changed when
    /// the other is gone, a label is taken, or a parent is not there.
    ///
    /// # Errors
    /// [`Conflict::Credential`] when another credential has its digest. See [`StoreError`].
    async fn replace(
        &self,
        old: CredentialId,
        new: &Credential,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Deletes a credential; `false` when it is gone already. Two calls never both get `true`, so that a
    /// single-use code is used once.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove(&self, id: CredentialId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;

    /// Deletes a user's credentials of the given kinds, except `except`; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_of_user(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        audit: Option<&AuditRecord>,
    ) -> Result<u64, StoreError>;

    /// Deletes a user's credentials of the given kinds, except `except`, and adds `new`, in one step. Returns `false`
    /// and changes nothing if there is no such user or a label is taken.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn exchange(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Raises a credential's counter to `to` if it is lower; `false` when it isn't.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn raise_counter(&self, id: CredentialId, to: i64) -> Result<bool, StoreError>;

    /// Writes when credentials were last used, where that is later than what is written, and with it the activity of their
    /// users ([`ActivityStore`]). It counts as no change of the users. Credentials that are gone are passed over.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_last_used(&self, uses: &[(CredentialId, Timestamp)]) -> Result<(), StoreError>;

    /// Up to `limit` credentials of a kind that ended before `now`, by their ends.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn ended(
        &self,
        kind: CredentialKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError>;

    /// How many credentials of each kind there are, for those who watch the store; a kind that has none may be left out. A store of
    /// many looks at a bounded number of them and gives an estimate.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn counts(&self) -> Result<Vec<(CredentialKind, u64)>, StoreError>;

    /// Deletes the credentials that ended before `now`, but for those of [`CredentialKind::DEVICE_REMOVAL`], whose end is when
    /// they are carried out; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// Keeps the values that belong to the store as a whole.
#[async_trait]
pub trait MetaStore: Send + Sync {
    /// The value of that name.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets a value unless there is one; gives the one there is afterwards. Of two callers one sets it.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError>;

    /// Replaces a value if it is `old`, where `None` is no value; `false` when it isn't. Of two callers with the same `old`
    /// one replaces it.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn replace_meta(
        &self,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// The values whose names begin with `beginning`, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn metas(&self, beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
}

/// A store of everything.
pub trait Store:
    RealmStore
    + UserStore
    + CredentialStore
    + ActivityStore
    + AttemptStore
    + AuditStore
    + Outbox
    + MetaStore
    + SealedStore
    + SpentStore
    + NetworkRuleStore
    + GroupStore
    + AdminKeyStore
    + ImportMarkStore
    + ChangeFeed
    + SharedAttempts
{
}

impl<T> Store for T where
    T: RealmStore
        + UserStore
        + CredentialStore
        + ActivityStore
        + AttemptStore
        + AuditStore
        + Outbox
        + MetaStore
        + SealedStore
        + SpentStore
        + NetworkRuleStore
        + GroupStore
        + AdminKeyStore
        + ImportMarkStore
        + ChangeFeed
        + SharedAttempts
        + ?Sized
{
}

/// Picks the user that a typed name means among names that fold alike: the exact one, else the only one.
///
/// ```
/// use auth_core::{LoginName, NameKind, resolve};
/// let name = |exact: &str| LoginName { kind: NameKind::UserName, exact: exact.into(), verified: false };
/// let both = [(name("CaseUser"), 1), (name("caseuser"), 2)];
/// assert_eq!(resolve("caseuser", &both), Some(&2));
/// assert_eq!(resolve("CASEUSER", &both), None);
/// assert_eq!(resolve("CASEUSER", &both[..1]), Some(&1));
/// ```
#[must_use]
pub fn resolve<'a, T>(typed: &str, folding_alike: &'a [(LoginName, T)]) -> Option<&'a T> {
    match folding_alike {
        [(_, only)] => Some(only),
        several => several.iter().find(|(name, _)| name.exact == typed).map(|(_, found)| found),
    }
}
