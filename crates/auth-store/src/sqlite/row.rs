//! Rows as records.

use std::sync::Arc;

use auth_core::{
    Account, ByProtocol, Credential, CredentialId, Digest, Language, LoginName, MailId, Origin, OutgoingMail,
    PasswordString, Realm, RealmId, Scope, StrengthRule, Timestamp, User, UserId,
};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row};

use super::error::{Result, corrupt};
use crate::encoding::{
    ExternalColumns, bot, client_key, credential_kind, from_json, name_kind, protocols, role,
};

/// The columns of an [`Account`] `u`; its names are read by its number.
macro_rules! account_columns {
    () => {
        "u.number, u.id, u.realm, u.full_name, u.role, u.bot, u.active, u.joined, u.valid_from,
         u.email_second_factor, u.must_change_password, u.zulip, u.rocketchat, u.rocketchat_roles,
         u.zettelstore, u.zettelstore_role, u.version, u.password, u.external, u.bot_owner,
         u.language,
         EXISTS (SELECT 1 FROM credential AS t INDEXED BY credential_totp
                 WHERE t.user = u.number AND t.kind = 'totp')"
    };
}

/// The columns of a [`Credential`] `c` of the user `u`.
macro_rules! credential_columns {
    () => {
        "c.id, u.id, c.kind, (SELECT p.id FROM credential AS p WHERE p.number = c.parent), c.digest, c.sealed,
         c.clear_only, c.doors, c.bypass_second_factor, c.label, c.client, c.agent, c.created, c.expires, c.last_used, c.counter"
    };
}

pub(super) use {account_columns, credential_columns};

pub(super) const NAMES: &str =
    "SELECT kind, exact, verified FROM login_name WHERE user = ?1 ORDER BY position";

/// Takes the columns of a row in the order of the query.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql>(&mut self) -> Result<T> {
        let index = self.next;
        self.next += 1;
        Ok(self.row.get(index)?)
    }

    pub(super) fn timestamp(&mut self) -> Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    fn unsigned(&mut self) -> Result<u64> {
        self.take().map(i64::cast_unsigned)
    }

    /// An account, with a query for its names.
    pub(super) fn account(&mut self, connection: &Connection) -> Result<Account> {
        let names = names(connection, self.take()?)?;
        let mut user = User {
            id: UserId::from_bytes(self.take()?),
            realm: RealmId::from_bytes(self.take()?),
            names,
            full_name: self.take()?,
            role: role(&self.take::<String>()?)?,
            bot: self.take::<Option<String>>()?.map(|name| bot(&name)).transpose()?,
            bot_owner: None,
            active: self.take()?,
            joined: self.timestamp()?,
            valid_from: self.timestamp()?,
            email_second_factor: self.take()?,
            must_change_password: self.take()?,
            language: None,
            external_ids: ByProtocol::new(),
            external_roles: ByProtocol::new(),
            version: 0,
        };
        let mut external = ExternalColumns {
            zulip: self.take()?,
            rocketchat: self.take()?,
            rocketchat_roles: self.take()?,
            zettelstore: self.take()?,
            zettelstore_role: self.take()?,
            external: None,
        };
        user.version = self.unsigned()?;
        let password = self.take::<Option<String>>()?.map(PasswordString::new);
        external.external = self.take()?;
        user.bot_owner = self.take::<Option<i64>>()?.map(i64::cast_unsigned);
        user.language = self.take::<Option<String>>()?.as_deref().and_then(Language::from_tag);
        (user.external_ids, user.external_roles) = external.read()?;
        Ok(Account { user: Arc::new(user), password, totp: self.take()? })
    }

    pub(super) fn credential(&mut self) -> Result<Credential> {
        Ok(Credential {
            id: CredentialId::from_bytes(self.take()?),
            user: UserId::from_bytes(self.take()?),
            kind: credential_kind(&self.take::<String>()?)?,
            parent: self.take::<Option<[u8; 16]>>()?.map(CredentialId::from_bytes),
            digest: self.take::<Option<[u8; 32]>>()?.map(Digest::new),
            sealed: self.take()?,
            clear_only: self.take()?,
            scope: Scope {
                protocols: protocols(&self.take::<String>()?)?,
                bypass_second_factor: self.take()?,
            },
            label: self.take()?,
            origin: self.origin()?,
            created: self.timestamp()?,
            expires: self.take::<Option<i64>>()?.map(Timestamp::from_millis),
            last_used: self.take::<Option<i64>>()?.map(Timestamp::from_millis),
            counter: self.take()?,
        })
    }

    fn origin(&mut self) -> Result<Option<Origin>> {
        let (client, agent): (Option<String>, Option<String>) = (self.take()?, self.take()?);
        let origin =
            |client: String| Ok(Origin { client: client_key(&client)?, agent: agent.map(Arc::from) });
        client.map(origin).transpose()
    }

    /// A mail, of the columns id, recipient, subject, body, due and failures.
    pub(super) fn mail(&mut self) -> Result<OutgoingMail> {
        Ok(OutgoingMail {
            id: MailId::from_bytes(self.take()?),
            to: self.take()?,
            subject: self.take()?,
            body: self.take()?,
            due: self.timestamp()?,
            failures: self.take()?,
        })
    }

    pub(super) fn realm(&mut self) -> Result<Realm> {
        Ok(Realm {
            id: RealmId::from_bytes(self.take()?),
            slug: self.take()?,
            subdomain: self.take()?,
            name: self.take()?,
            icon: self.take()?,
            description: self.take()?,
            active: self.take()?,
            password_login: self.take()?,
            digest_logins: self.take()?,
            require_second_factor: self.take()?,
            strength: match (self.take()?, self.take::<Option<i64>>()?) {
                (Some(min_length), Some(guesses)) => {
                    Some(StrengthRule { min_length, min_guesses: guesses.cast_unsigned() })
                }
                (None, None) => None,
                _ => return Err(corrupt("half a strength rule")),
            },
            backends: from_json(&self.take::<String>()?)?,
        })
    }
}

/// The names of a user.
fn names(connection: &Connection, user: i64) -> Result<Vec<LoginName>> {
    let mut statement = connection.prepare_cached(NAMES)?;
    let names = statement.query_and_then([user], |row| {
        let mut columns = Columns::of(row);
        Ok(LoginName { kind: name_kind(columns.take()?)?, exact: columns.take()?, verified: columns.take()? })
    });
    names?.collect()
}

#[cfg(test)]
mod tests {
    use auth_core::CredentialKind;

    #[test]
    fn a_totp_device_is_asked_for_by_its_name() {
        assert!(account_columns!().contains(&format!("'{}'", CredentialKind::TOTP)));
    }
}
