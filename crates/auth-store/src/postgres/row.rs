//! Rows as records, and text as PostgreSQL can store it.

use std::borrow::Cow;
use std::sync::Arc;

use auth_core::{
    Account, ByProtocol, Credential, CredentialId, Digest, Language, LoginName, MailId, Origin, OutgoingMail,
    PasswordString, Realm, RealmId, Scope, StrengthRule, Timestamp, User, UserId,
};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::error::{CommandError, Result};
use crate::encoding::{
    ExternalColumns, bot, client_key, corrupt, credential_kind, from_json, name_kind, protocols, role,
};

/// The columns of an [`Account`] `u`, names included, so that one statement reads it whole.
macro_rules! account_columns {
    () => {
        "u.id, u.realm, u.full_name, u.role, u.bot, u.active, u.joined, u.valid_from,
         u.email_second_factor, u.must_change_password, u.zulip, u.rocketchat, u.rocketchat_roles,
         u.zettelstore, u.zettelstore_role, u.version, u.password, u.external, u.bot_owner,
         u.language,
         EXISTS (SELECT 1 FROM credential AS t WHERE t.account = u.id AND t.kind = 'totp'),
         ARRAY(SELECT m.kind FROM login_name AS m WHERE m.account = u.id ORDER BY m.position),
         ARRAY(SELECT m.exact FROM login_name AS m WHERE m.account = u.id ORDER BY m.position),
         ARRAY(SELECT m.verified FROM login_name AS m WHERE m.account = u.id ORDER BY m.position)"
    };
}

/// The columns of a [`Credential`] `c`.
macro_rules! credential_columns {
    () => {
        "c.id, c.account, c.kind, c.parent, c.digest, c.sealed, c.clear_only, c.doors, c.bypass_second_factor,
         c.label, c.client, c.agent, c.created, c.expires, c.last_used, c.counter"
    };
}

pub(super) use {account_columns, credential_columns};

/// Takes the columns of a row in the order of the query.
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
        self.row.try_get(index).map_err(|_| CommandError::Store(corrupt("a column of an unexpected type")))
    }

    /// Text that was written by [`escaped`].
    pub(super) fn text(&mut self) -> Result<String> {
        self.take().map(unescaped)
    }

    pub(super) fn text_or_none(&mut self) -> Result<Option<String>> {
        Ok(self.take::<Option<String>>()?.map(unescaped))
    }

    pub(super) fn timestamp(&mut self) -> Result<Timestamp> {
        self.take().map(Timestamp::from_millis)
    }

    pub(super) fn timestamp_or_none(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_millis))
    }

    fn unsigned(&mut self) -> Result<u64> {
        self.take().map(i64::cast_unsigned)
    }

    /// An identifier or a digest of `N` bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        array(self.take()?)
    }

    /// An identifier or a digest that may be missing.
    pub(super) fn bytes_or_none<const N: usize>(&mut self) -> Result<Option<[u8; N]>> {
        self.take::<Option<&[u8]>>()?.map(array).transpose()
    }

    pub(super) fn account(&mut self) -> Result<Account> {
        let mut user = User {
            id: UserId::from_bytes(self.bytes()?),
            realm: RealmId::from_bytes(self.bytes()?),
            names: Vec::new(),
            full_name: self.text()?,
            role: role(self.take()?)?,
            bot: self.take::<Option<&str>>()?.map(bot).transpose()?,
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
            rocketchat: self.text_or_none()?,
            rocketchat_roles: self.take()?,
            zettelstore: self.take()?,
            zettelstore_role: self.text_or_none()?,
            external: None,
        };
        user.version = self.unsigned()?;
        let password = self.take::<Option<&str>>()?.map(PasswordString::new);
        external.external = self.take()?;
        user.bot_owner = self.take::<Option<i64>>()?.map(i64::cast_unsigned);
        user.language = self.take::<Option<String>>()?.as_deref().and_then(Language::from_tag);
        (user.external_ids, user.external_roles) = external.read()?;
        let totp = self.take()?;
        let kinds: Vec<i16> = self.take()?;
        let exact: Vec<String> = self.take()?;
        let verified: Vec<bool> = self.take()?;
        for ((kind, exact), verified) in kinds.into_iter().zip(exact).zip(verified) {
            user.names.push(LoginName { kind: name_kind(kind.into())?, exact: unescaped(exact), verified });
        }
        Ok(Account { user: Arc::new(user), password, totp })
    }

    pub(super) fn credential(&mut self) -> Result<Credential> {
        Ok(Credential {
            id: CredentialId::from_bytes(self.bytes()?),
            user: UserId::from_bytes(self.bytes()?),
            kind: credential_kind(self.take()?)?,
            parent: self.bytes_or_none()?.map(CredentialId::from_bytes),
            digest: self.bytes_or_none()?.map(Digest::new),
            sealed: self.take()?,
            clear_only: self.take()?,
            scope: Scope { protocols: protocols(self.take()?)?, bypass_second_factor: self.take()? },
            label: self.text_or_none()?,
            origin: self.origin()?,
            created: self.timestamp()?,
            expires: self.timestamp_or_none()?,
            last_used: self.timestamp_or_none()?,
            counter: self.take()?,
        })
    }

    fn origin(&mut self) -> Result<Option<Origin>> {
        let (client, agent): (Option<String>, Option<String>) = (self.take()?, self.text_or_none()?);
        let origin =
            |client: String| Ok(Origin { client: client_key(&client)?, agent: agent.map(Arc::from) });
        client.map(origin).transpose()
    }

    /// A mail, of the columns id, recipient, subject, body, due and failures.
    pub(super) fn mail(&mut self) -> Result<OutgoingMail> {
        Ok(OutgoingMail {
            id: MailId::from_bytes(self.bytes()?),
            to: self.text()?,
            subject: self.text()?,
            body: self.take()?,
            due: self.timestamp()?,
            failures: u32::try_from(self.take::<i64>()?).map_err(|_| corrupt("a count that is none"))?,
        })
    }

    pub(super) fn realm(&mut self) -> Result<Realm> {
        Ok(Realm {
            id: RealmId::from_bytes(self.bytes()?),
            slug: self.take()?,
            subdomain: self.take()?,
            name: self.text()?,
            icon: self.text()?,
            description: self.text()?,
            active: self.take()?,
            password_login: self.take()?,
            digest_logins: self.take()?,
            require_second_factor: self.take()?,
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
    bytes.try_into().map_err(|_| corrupt("an identifier of an unexpected size").into())
}

/// Begins the two characters that stand for one that PostgreSQL can't store, or for this one.
const ESCAPE: char = '\u{1}';

/// Text as PostgreSQL can store it, which is without the character NUL: [`ESCAPE`] and `0` stand for NUL, [`ESCAPE`] and
/// `1` for [`ESCAPE`]. Different texts stay different.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => escaped.extend([ESCAPE, '0']),
            ESCAPE => escaped.extend([ESCAPE, '1']),
            letter => escaped.push(letter),
        }
    }
    escaped.into()
}

/// The text that was written by [`escaped`].
fn unescaped(text: String) -> String {
    if !text.contains(ESCAPE) {
        return text;
    }
    let mut letters = text.chars();
    let mut read = String::with_capacity(text.len());
    while let Some(letter) = letters.next() {
        read.push(match letter {
            ESCAPE if letters.next() == Some('0') => '\0',
            letter => letter,
        });
    }
    read
}

#[cfg(test)]
mod tests {
    use auth_core::CredentialKind;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_totp_device_is_asked_for_by_its_name() {
        assert!(account_columns!().contains(&format!("'{}'", CredentialKind::TOTP)));
    }

    proptest! {
        #[test]
        fn every_text_reads_back_and_holds_no_nul(text in "[\0\u{1}01aé]{0,12}") {
            let written = escaped(&text);
            prop_assert!(!written.contains('\0'));
            prop_assert_eq!(unescaped(written.into_owned()), text);
        }
    }
}
