//! Rows as records.

use auth_core::{
    Account, Credential, CredentialId, CredentialKind, Digest, DoorIds, LoginName, PasswordString, Realm,
    RealmId, Scope, StrengthRule, Timestamp, User, UserId,
};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::failure::{Failure, Result};
use crate::words::{BOTS, ROLES, corrupt, doors, from_json, name_kind, named};

/// The columns of an [`Account`], of the row `u`: names and all, so that one statement reads it whole.
macro_rules! account_columns {
    () => {
        "u.id, u.realm, u.full_name, u.role, u.bot, u.active, u.joined, u.valid_from,
         u.email_second_factor, u.must_change_password, u.zulip, u.rocketchat, u.rocketchat_roles,
         u.zettelstore, u.zettelstore_role, u.version, u.password,
         EXISTS (SELECT 1 FROM credential AS t WHERE t.account = u.id AND t.kind = 'totp'),
         ARRAY(SELECT m.kind FROM login_name AS m WHERE m.account = u.id ORDER BY m.position),
         ARRAY(SELECT m.exact FROM login_name AS m WHERE m.account = u.id ORDER BY m.position),
         ARRAY(SELECT m.verified FROM login_name AS m WHERE m.account = u.id ORDER BY m.position)"
    };
}

/// The columns of a [`Credential`] `c`.
macro_rules! credential_columns {
    () => {
        "c.id, c.account, c.kind, c.digest, c.sealed, c.doors, c.bypass_second_factor, c.label, c.created,
         c.expires, c.last_used, c.counter"
    };
}

pub(super) use {account_columns, credential_columns};

/// Takes a row's columns in the order in which they were asked for.
pub(super) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql<'r>>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|_| Failure::Store(corrupt("a column of an unexpected type")))
    }

    pub(super) fn moment(&mut self) -> Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn moment_or_none(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    fn unsigned(&mut self) -> Result<u64> {
        self.take().map(i64::cast_unsigned)
    }

    /// A number of so many bytes: an identifier or a digest.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        array(self.take()?)
    }

    pub(super) fn account(&mut self) -> Result<Account> {
        let mut account = Account {
            user: User {
                id: UserId::from_bytes(self.bytes()?),
                realm: RealmId::from_bytes(self.bytes()?),
                names: Vec::new(),
                full_name: self.take()?,
                role: named(&ROLES, self.take()?)?,
                bot: self.take::<Option<&str>>()?.map(|name| named(&BOTS, name)).transpose()?,
                active: self.take()?,
                joined: self.moment()?,
                valid_from: self.moment()?,
                email_second_factor: self.take()?,
                must_change_password: self.take()?,
                doors: DoorIds {
                    zulip: self.take()?,
                    rocketchat: self.take()?,
                    rocketchat_roles: self.take::<Option<&str>>()?.map(from_json).transpose()?,
                    zettelstore: self.unsigned()?,
                    zettelstore_role: self.take()?,
                },
                version: self.unsigned()?,
            },
            password: self.take::<Option<&str>>()?.map(PasswordString::new),
            totp: self.take()?,
        };
        let kinds: Vec<i16> = self.take()?;
        let exact: Vec<String> = self.take()?;
        let verified: Vec<bool> = self.take()?;
        for ((kind, exact), verified) in kinds.into_iter().zip(exact).zip(verified) {
            account.user.names.push(LoginName { kind: name_kind(kind.into())?, exact, verified });
        }
        Ok(account)
    }

    pub(super) fn credential(&mut self) -> Result<Credential> {
        Ok(Credential {
            id: CredentialId::from_bytes(self.bytes()?),
            user: UserId::from_bytes(self.bytes()?),
            kind: CredentialKind::from_name(self.take()?)
                .ok_or_else(|| corrupt("an unknown kind of credential"))?,
            digest: self.take::<Option<&[u8]>>()?.map(array).transpose()?.map(Digest::new),
            sealed: self.take()?,
            scope: Scope { doors: doors(self.take()?)?, bypass_second_factor: self.take()? },
            label: self.take()?,
            created: self.moment()?,
            expires: self.moment_or_none()?,
            last_used: self.moment_or_none()?,
            counter: self.take()?,
        })
    }

    pub(super) fn realm(&mut self) -> Result<Realm> {
        Ok(Realm {
            id: RealmId::from_bytes(self.bytes()?),
            slug: self.take()?,
            subdomain: self.take()?,
            name: self.take()?,
            icon: self.take()?,
            description: self.take()?,
            active: self.take()?,
            password_login: self.take()?,
            digest_logins: self.take()?,
            strength: match (self.take::<Option<i64>>()?, self.take::<Option<i64>>()?) {
                (Some(length), Some(guesses)) => Some(StrengthRule {
                    min_length: u32::try_from(length).map_err(|_| corrupt("a length that is none"))?,
                    min_guesses: guesses.cast_unsigned(),
                }),
                (None, None) => None,
                _ => return Err(corrupt("half a strength rule").into()),
            },
            backends: from_json(self.take()?)?,
        })
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| corrupt("a number of an unexpected size").into())
}

/// Text as PostgreSQL can keep it: there is no room in it for the character NUL.
pub(super) fn plain(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_totp_device_is_asked_for_by_its_name() {
        assert!(account_columns!().contains(&format!("'{}'", CredentialKind::Totp.as_str())));
    }

    #[test]
    fn text_is_kept_but_for_what_has_no_room() {
        assert_eq!(plain("zoë"), "zoë");
        assert_eq!(plain("a\0b"), "a\u{fffd}b");
    }
}
