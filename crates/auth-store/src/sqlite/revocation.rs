//! The credentials that a change of a user revokes.

use auth_core::{CredentialId, CredentialKind, Revocation, Timestamp, UserId};
use rusqlite::{Connection, params};

use super::credentials;
use super::error::Result;
use super::statement::changed;

pub(super) const MOVE_VALID_FROM: &str =
    "UPDATE user SET valid_from = max(valid_from + 1000, ?2) WHERE id = ?1";

/// A [`Revocation`] that can move to the writer's thread.
pub(super) struct OwnedRevocation {
    valid_from: Option<Timestamp>,
    kinds: Vec<CredentialKind>,
    except: Option<CredentialId>,
}

impl OwnedRevocation {
    pub(super) fn of(revocation: &Revocation<'_>) -> Self {
        let Revocation { valid_from, kinds, except } = *revocation;
        Self { valid_from, kinds: kinds.to_vec(), except }
    }

    pub(super) fn apply(&self, connection: &Connection, user: UserId) -> Result<()> {
        if let Some(valid_from) = self.valid_from {
            changed(connection, MOVE_VALID_FROM, params![user.as_bytes(), valid_from.as_millis()])?;
        }
        credentials::delete_kinds(connection, user, &self.kinds, self.except)?;
        Ok(())
    }
}
