//! One account of two: a person whom two systems knew.

use std::collections::{BTreeMap, HashSet};

use auth_core::{
    Account, Act, ByProtocol, Credential, CredentialId, CredentialKind, ExternalId, ImportMark,
    ImportedChange, NameKind, PasswordString, ProtocolName, Store, User, UserId,
};
use auth_crypto::password::{NameContext, StoredPassword};
use auth_engine::{RevocationEvent, is_id_in_use};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::person::kinds_of;
use super::{AccountName, Admin, Operation, Scope};
use crate::error::AdminError;

/// What belongs to an authenticator app.
const DEVICE: [CredentialKind; 3] =
    [CredentialKind::TOTP, CredentialKind::BACKUP_CODE, CredentialKind::REMEMBERED_FACTOR];

/// What lives for minutes, and ends with the account that goes.
const SHORT_LIVED: [CredentialKind; 8] = [
    CredentialKind::PENDING_TOTP,
    CredentialKind::DEVICE_REMOVAL,
    CredentialKind::MAILED_CODE,
    CredentialKind::PASSWORD_RESET,
    CredentialKind::RESET_VISIT,
    CredentialKind::ADDRESS_PROOF,
    CredentialKind::ADDRESS_CHANGE,
    CredentialKind::HANDOVER,
];

/// Makes one account of two of a realm: names, ids, tokens, keys, groups and logs of both are of the one that stays.
///
/// Of both roles the one that may do less stays, and each second factor. Where one account has an authenticator app and the other
/// none, the sessions of the other end, as when it had enrolled one. The password is that of the account that stays, unless it has
/// none.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct MergeUsers {
    /// The user who stays.
    pub user: AccountName,
    /// The user who goes.
    pub gone: AccountName,
    /// The protocols at which the id of the one who goes is the one that counts, though neither was used there.
    #[serde(default)]
    pub take_ids: Vec<String>,
    /// Whether nothing is written: the reply tells what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is, or would be, of two accounts that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct MergedUsers {
    /// The user's id.
    pub id: String,
    /// Every name by which the user can log in.
    pub names: Vec<String>,
    /// The id at each protocol.
    pub ids: BTreeMap<String, String>,
    /// The role.
    pub role: String,
    /// How many tokens, keys and the like are the user's that were the other's.
    pub moved: usize,
}

impl Operation for MergeUsers {
    const NAME: &'static str = "user.merge";
    const SUMMARY: &'static str = "Makes one account of two of a realm.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = MergedUsers;

    async fn run(self, admin: &Admin) -> Result<MergedUsers, AdminError> {
        let (kept, realm) = admin.account_to_change(&self.user).await?;
        let (gone, other) = admin.account_to_change(&self.gone).await?;
        check(&kept, &gone)?;
        if realm.id != other.id {
            return Err(AdminError::NotMerged("they are of two realms"));
        }
        let mut user = merged(&kept.user, &gone.user);
        user.external_ids = ids(admin, &kept, &gone, &self.take_ids).await?;
        let credentials = moved(admin, &kept, &gone).await?;
        let reply = MergedUsers {
            id: user.id.to_string(),
            names: user.names.iter().map(|name| name.exact.clone()).collect(),
            ids: user
                .external_ids
                .iter()
                .map(|(protocol, id)| (protocol.to_string(), id.to_string()))
                .collect(),
            role: user.role.as_str().to_owned(),
            moved: credentials.len(),
        };
        if self.dry_run {
            return Ok(reply);
        }
        let revoked = if gone.totp && !kept.totp {
            admin.engine().revocations().kinds(RevocationEvent::DeviceEnrolled)
        } else {
            Vec::new()
        };
        let name = gone.user.user_name().or(gone.user.email().map(|email| email.address));
        let detail = format!("with {}", name.map_or_else(|| gone.user.id.to_string(), str::to_owned));
        let change = ImportedChange {
            is_change: true,
            password: password(&kept, &gone),
            revoked,
            bots: (Vec::new(), user.valid_from),
            credentials,
            audit: vec![admin.audit(Act::UsersMerged, Some(realm.id), Some(user.id), detail)],
            mark: None,
            user,
        };
        let gone = (gone.user.id, gone.user.version);
        if admin.engine().store().merge(gone, &change).await? { Ok(reply) } else { Err(AdminError::NoUser) }
    }
}

fn check(kept: &Account, gone: &Account) -> Result<(), AdminError> {
    let is_of_directory = |account: &Account| account.user.name(NameKind::Directory).is_some();
    Err(AdminError::NotMerged(if kept.user.id == gone.user.id {
        "both are the same account"
    } else if kept.user.bot.is_some() || gone.user.bot.is_some() {
        "one of the two is a bot"
    } else if !kept.user.active || !gone.user.active {
        "one of the two is deactivated"
    } else if is_of_directory(kept) && is_of_directory(gone) {
        "both belong to an entry of a directory"
    } else if is_of_directory(gone) {
        "the one that goes belongs to an entry of a directory: name it first"
    } else {
        return Ok(());
    }))
}

/// The user afterwards, but for the ids.
fn merged(kept: &User, gone: &User) -> User {
    let mut user = kept.clone();
    for name in &gone.names {
        if !user.names.iter().any(|own| own.kind == name.kind && own.exact == name.exact) {
            user.names.push(name.clone());
        }
    }
    for (protocol, roles) in gone.external_roles.iter() {
        if user.external_roles.get(protocol).is_none() {
            user.external_roles.set(protocol, roles.clone());
        }
    }
    if user.full_name.is_empty() {
        user.full_name.clone_from(&gone.full_name);
    }
    // Of two roles the later one may do less.
    user.role = kept.role.max(gone.role);
    user.valid_from = kept.valid_from.max(gone.valid_from);
    user.email_second_factor |= gone.email_second_factor;
    user.must_change_password |= gone.must_change_password;
    user.language = kept.language.or(gone.language);
    user
}

/// The ids afterwards: of two at a protocol the one that somebody may know.
async fn ids(
    admin: &Admin,
    kept: &Account,
    gone: &Account,
    taken: &[String],
) -> Result<ByProtocol<ExternalId>, AdminError> {
    let store = &**admin.engine().store();
    let marks_of_kept = store.import_marks_of(kept.user.id).await?;
    let marks_of_gone = store.import_marks_of(gone.user.id).await?;
    let mut ids = kept.user.external_ids.clone();
    for name in taken {
        if ProtocolName::from_name(name).is_none_or(|protocol| gone.user.external_ids.get(protocol).is_none())
        {
            return Err(AdminError::NoProtocol(name.clone()));
        }
    }
    for (protocol, id) in gone.user.external_ids.iter() {
        let is_taken = taken.iter().any(|name| name == protocol.as_str());
        if ids.get(protocol).is_none() {
            ids.set(protocol, id.clone());
            continue;
        }
        let of_kept = is_known(store, kept.user.id, &marks_of_kept, protocol).await?;
        let of_gone = is_known(store, gone.user.id, &marks_of_gone, protocol).await?;
        if of_kept && (of_gone || is_taken) {
            return Err(AdminError::BothHaveId(protocol));
        }
        if of_gone || is_taken {
            ids.set(protocol, id.clone());
        }
    }
    Ok(ids)
}

/// Whether somebody may know the id of an account at a protocol: a system of that name gave it, or clients have seen it.
async fn is_known(
    store: &dyn Store,
    user: UserId,
    marks: &[ImportMark],
    protocol: ProtocolName,
) -> Result<bool, AdminError> {
    let is_given = marks.iter().any(|mark| mark.source == protocol.as_str());
    Ok(is_given || is_id_in_use(store, user, protocol).await?)
}

/// The password to store where that of the account that stays is none.
fn password(kept: &Account, gone: &Account) -> Option<PasswordString> {
    if kept.has_password() || kept.user.name(NameKind::Directory).is_some() {
        return None;
    }
    let stored = gone.password.clone()?;
    // A hash that covers the name says from then on which name that is.
    let context = NameContext {
        zettelstore_id: gone.user.external_number(ProtocolName::ZETTELSTORE),
        user_name: gone.user.user_name().unwrap_or_default().to_owned(),
    };
    Some(StoredPassword::before_renaming(&stored, &context).unwrap_or(stored))
}

/// The credentials of the account that goes which stay, as they are to be of the other one: parents before what came from them.
async fn moved(admin: &Admin, kept: &Account, gone: &Account) -> Result<Vec<Credential>, AdminError> {
    let engine = admin.engine();
    let store = engine.store();
    let kinds = kinds_of(admin);
    let mut ended = SHORT_LIVED.to_vec();
    if kept.totp {
        ended.extend(DEVICE);
        if !gone.totp {
            ended.extend(engine.revocations().kinds(RevocationEvent::DeviceEnrolled));
        }
    }
    let mut left = store.of_kinds(gone.user.id, &kinds).await?;
    left.retain(|credential| !ended.contains(&credential.kind));
    let own = store.of_kinds(kept.user.id, &kinds).await?;
    let mut labels: HashSet<(CredentialKind, String)> =
        own.into_iter().filter_map(|own| Some((own.kind, own.label?))).collect();
    let (mut placed, mut moved) = (HashSet::<CredentialId>::new(), Vec::new());
    loop {
        let (ready, later): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|own| own.parent.is_none_or(|parent| placed.contains(&parent)));
        if ready.is_empty() {
            return Ok(moved);
        }
        for credential in ready {
            placed.insert(credential.id);
            let new = engine.credentials().for_user(&credential, kept.user.id);
            let mut new =
                new.ok_or(AdminError::NotMerged("a sealed secret of the one that goes can't be read"))?;
            if let Some(label) = &new.label {
                let free = free_label(label, |label| !labels.contains(&(new.kind, label.to_owned())));
                labels.insert((new.kind, free.clone()));
                new.label = Some(free);
            }
            moved.push(new);
        }
        left = later;
    }
}

/// A label, with the first number behind it by which it is free.
fn free_label(label: &str, is_free: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number: u32| format!("{label} ({number})"));
    std::iter::once(label.to_owned()).chain(numbered).find(|label| is_free(label)).unwrap_or_default()
}
