//! Credentials that an account has under names, such as personal tokens: up to a ceiling, so that no account fills the
//! store.

use auth_core::{Act, AuditRecord, Credential, Store, StoreError};

/// The number of credentials of one kind that an account has under names.
pub const MOST_NAMED: usize = 100;

/// What became of a credential with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers tell each")]
pub enum Added {
    /// It was added.
    Yes,
    /// The account has one of that name, or is gone.
    Taken,
    /// The account has [`MOST_NAMED`] of the kind.
    TooMany,
}

/// Adds a credential with a name, and the row of the audit log that tells of it, unless its user has as many of its kind
/// as an account may have. `undone` is the act of a row that tells of one taken back.
///
/// # Errors
/// See [`StoreError`].
pub async fn add_named(
    store: &dyn Store,
    credential: &Credential,
    audit: &AuditRecord,
    undone: Act,
) -> Result<Added, StoreError> {
    let count = async || store.of_user(credential.user, credential.kind).await.map(|own| own.len());
    if count().await? >= MOST_NAMED {
        return Ok(Added::TooMany);
    }
    if !store.add(credential, u32::MAX, Some(audit)).await? {
        return Ok(Added::Taken);
    }
    // Parallel requests may all have found room: then none of those beyond it stays.
    if count().await? > MOST_NAMED {
        let audit = AuditRecord { act: undone, ..audit.clone() };
        store.remove(credential.id, Some(&audit)).await?;
        return Ok(Added::TooMany);
    }
    Ok(Added::Yes)
}
