//! A checked record on its way from one step of the import to the next: encoded into a line of the spool and back.

use auth_core::{
    BotKind, ByProtocol, Credential, CredentialKind, Digest, ExternalId, ImportMark, Language, LoginName,
    NameKind, NewUser, Password, PasswordString, ProtocolName, RealmChange, Role, Scope, Timestamp, User,
};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::line::{IdLine, RealmLine};

/// The reason why a user of an unknown realm is refused.
pub(super) const NO_REALM: &str = "no such realm before this line";

/// A checked record, and the number of the line that it was made of.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) line: u64,
    pub(super) record: Record,
    /// What is remembered of a user's record.
    pub(super) mark: Option<ImportMark>,
}

/// A record that may still have its password in clear.
#[derive(Debug)]
pub(super) enum Record {
    Realm(RealmChange),
    User {
        user: Box<NewUser>,
        /// The password, where it is to be hashed.
        clear: Option<Password>,
        /// Whether the hash is to verify digests too.
        digest_ready: bool,
    },
}

impl Draft {
    /// Encodes the draft into a line.
    pub(super) fn encode(&self) -> serde_json::Result<String> {
        let record = match &self.record {
            Record::Realm(change) => RecordForm::Realm {
                id: change.id.to_string(),
                line: Box::new(RealmLine::of_change(change.clone())),
            },
            Record::User { user, clear, digest_ready } => {
                RecordForm::User(Box::new(UserForm::of(user, clear.as_ref(), *digest_ready)))
            }
        };
        let mark = self.mark.as_ref().map(MarkForm::of);
        serde_json::to_string(&DraftForm { line: self.line, record, mark })
    }

    /// Decodes a line of the spool.
    pub(super) fn decode(text: &str) -> Result<Self, Broken> {
        let form: DraftForm = serde_json::from_str(text).map_err(|_| Broken)?;
        let record = match form.record {
            RecordForm::Realm { id, line } => Record::Realm(line.change(id.parse().map_err(|_| Broken)?)),
            RecordForm::User(user) => user.record()?,
        };
        let mark = form.mark.map(MarkForm::mark).transpose()?;
        Ok(Self { line: form.line, record, mark })
    }
}

/// A line of the spool can't be read back.
#[derive(Debug, thiserror::Error)]
#[error("a spooled record can't be read back")]
pub(super) struct Broken;

#[derive(Serialize, Deserialize)]
struct DraftForm {
    line: u64,
    record: RecordForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<MarkForm>,
}

#[derive(Serialize, Deserialize)]
struct MarkForm {
    source: String,
    key: String,
    user: Option<String>,
    digest: String,
    fields: String,
}

impl MarkForm {
    fn of(mark: &ImportMark) -> Self {
        Self {
            source: mark.source.clone(),
            key: BASE64.encode(&mark.key),
            user: mark.user.map(|user| user.to_string()),
            digest: BASE64.encode(&mark.digest),
            fields: BASE64.encode(&mark.fields),
        }
    }

    fn mark(self) -> Result<ImportMark, Broken> {
        let bytes = |text: &str| BASE64.decode(text.as_bytes()).map_err(|_| Broken);
        let sixteen = |text: &str| bytes(text)?.try_into().map_err(|_| Broken);
        Ok(ImportMark {
            key: sixteen(&self.key)?,
            user: self.user.map(|user| user.parse().map_err(|_| Broken)).transpose()?,
            digest: sixteen(&self.digest)?,
            fields: bytes(&self.fields)?,
            source: self.source,
        })
    }
}

#[derive(Serialize, Deserialize)]
enum RecordForm {
    Realm { id: String, line: Box<RealmLine> },
    User(Box<UserForm>),
}

#[derive(Serialize, Deserialize)]
struct UserForm {
    clear: Option<String>,
    digest_ready: bool,
    id: String,
    realm: String,
    /// The position of the kind in [`NameKind::ALL`], the name, and whether it is verified.
    names: Vec<(usize, String, bool)>,
    full_name: String,
    role: String,
    bot: Option<String>,
    bot_owner: Option<u64>,
    active: bool,
    joined: i64,
    valid_from: i64,
    email_second_factor: bool,
    must_change_password: bool,
    language: Option<String>,
    external_ids: Vec<(String, IdLine)>,
    external_roles: Vec<(String, Vec<String>)>,
    assign_ids: Vec<String>,
    password: Option<String>,
    credentials: Vec<CredentialForm>,
}

impl UserForm {
    fn of(new: &NewUser, clear: Option<&Password>, digest_ready: bool) -> Self {
        let user = &new.user;
        let position =
            |kind| NameKind::ALL.iter().position(|known| *known == kind).unwrap_or(NameKind::ALL.len());
        Self {
            clear: clear.map(|password| password.expose().to_owned()),
            digest_ready,
            id: user.id.to_string(),
            realm: user.realm.to_string(),
            names: user
                .names
                .iter()
                .map(|name| (position(name.kind), name.exact.clone(), name.verified))
                .collect(),
            full_name: user.full_name.clone(),
            role: user.role.as_str().to_owned(),
            bot: user.bot.map(|bot| bot.as_str().to_owned()),
            bot_owner: user.bot_owner,
            active: user.active,
            joined: user.joined.as_millis(),
            valid_from: user.valid_from.as_millis(),
            email_second_factor: user.email_second_factor,
            must_change_password: user.must_change_password,
            language: user.language.map(|language| language.tag().to_owned()),
            external_ids: user
                .external_ids
                .iter()
                .map(|(protocol, id)| (protocol.as_str().to_owned(), id.into()))
                .collect(),
            external_roles: user
                .external_roles
                .iter()
                .map(|(protocol, roles)| (protocol.as_str().to_owned(), roles.clone()))
                .collect(),
            assign_ids: new.assign_ids.iter().map(|protocol| protocol.as_str().to_owned()).collect(),
            password: new.password.as_ref().map(|password| password.expose().to_owned()),
            credentials: new.credentials.iter().map(CredentialForm::of).collect(),
        }
    }

    fn record(self) -> Result<Record, Broken> {
        let id = self.id.parse().map_err(|_| Broken)?;
        let names = self.names.into_iter().map(|(kind, exact, verified)| {
            let kind = NameKind::ALL.get(kind).copied().ok_or(Broken)?;
            Ok(LoginName { kind, exact, verified })
        });
        let external_ids =
            self.external_ids.iter().map(|(name, id)| Ok((protocol(name)?, ExternalId::from(id))));
        let external_roles =
            self.external_roles.into_iter().map(|(name, roles)| Ok((protocol(&name)?, roles)));
        let user = User {
            id,
            realm: self.realm.parse().map_err(|_| Broken)?,
            names: names.collect::<Result<_, Broken>>()?,
            full_name: self.full_name,
            role: Role::from_name(&self.role).ok_or(Broken)?,
            bot: self.bot.map(|bot| BotKind::from_name(&bot).ok_or(Broken)).transpose()?,
            bot_owner: self.bot_owner,
            active: self.active,
            joined: Timestamp::from_millis(self.joined),
            valid_from: Timestamp::from_millis(self.valid_from),
            email_second_factor: self.email_second_factor,
            must_change_password: self.must_change_password,
            language: self.language.as_deref().and_then(Language::from_tag),
            external_ids: external_ids.collect::<Result<ByProtocol<_>, Broken>>()?,
            external_roles: external_roles.collect::<Result<ByProtocol<_>, Broken>>()?,
            version: 0,
        };
        let credentials = self.credentials.into_iter().map(|form| form.credential(&user));
        let new = NewUser {
            assign_ids: self.assign_ids.iter().map(|name| protocol(name)).collect::<Result<_, _>>()?,
            password: self.password.map(PasswordString::new),
            credentials: credentials.collect::<Result<_, _>>()?,
            user,
        };
        let clear = self.clear.map(Password::new);
        Ok(Record::User { user: Box::new(new), clear, digest_ready: self.digest_ready })
    }
}

#[derive(Serialize, Deserialize)]
struct CredentialForm {
    id: String,
    kind: String,
    digest: Option<String>,
    sealed: Option<String>,
    protocols: Vec<String>,
    bypass_second_factor: bool,
    label: Option<String>,
    created: i64,
    expires: Option<i64>,
    counter: i64,
}

impl CredentialForm {
    fn of(credential: &Credential) -> Self {
        Self {
            id: credential.id.to_string(),
            kind: credential.kind.as_str().to_owned(),
            digest: credential.digest.map(|digest| BASE64.encode(digest.as_bytes())),
            sealed: credential.sealed.as_ref().map(|sealed| BASE64.encode(sealed)),
            protocols: credential.scope.protocols.iter().map(|name| name.as_str().to_owned()).collect(),
            bypass_second_factor: credential.scope.bypass_second_factor,
            label: credential.label.clone(),
            created: credential.created.as_millis(),
            expires: credential.expires.map(Timestamp::as_millis),
            counter: credential.counter,
        }
    }

    fn credential(self, user: &User) -> Result<Credential, Broken> {
        let bytes = |text: String| BASE64.decode(text.as_bytes()).map_err(|_| Broken);
        let digest = |text| Ok(Digest::new(bytes(text)?.try_into().map_err(|_| Broken)?));
        Ok(Credential {
            id: self.id.parse().map_err(|_| Broken)?,
            user: user.id,
            kind: CredentialKind::from_name(&self.kind).ok_or(Broken)?,
            // What a line brings comes from no other credential.
            parent: None,
            digest: self.digest.map(digest).transpose()?,
            sealed: self.sealed.map(bytes).transpose()?,
            clear_only: false,
            scope: Scope {
                protocols: self.protocols.iter().map(|name| protocol(name)).collect::<Result<_, _>>()?,
                bypass_second_factor: self.bypass_second_factor,
            },
            label: self.label,
            // What a line brings was made elsewhere.
            origin: None,
            created: Timestamp::from_millis(self.created),
            expires: self.expires.map(Timestamp::from_millis),
            last_used: None,
            counter: self.counter,
        })
    }
}

fn protocol(name: &str) -> Result<ProtocolName, Broken> {
    ProtocolName::from_name(name).ok_or(Broken)
}

#[cfg(test)]
mod tests;
