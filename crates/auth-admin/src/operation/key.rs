//! Operations on keys for administration, which programs present to the HTTP API.

use std::time::Duration;

use auth_core::{Act, AdminKey, AdminKeyId, Conflict, Realm, Role, StoreError, Timestamp, is_control};
use auth_crypto::opaque;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Changed, Operation, Operator, Scope};
use crate::error::AdminError;
use crate::secret_text::SecretText;
use crate::view::{KeyView, Moment};

/// How long a key is good unless more or less is asked for.
const LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// The most keys that a store is given.
const MOST: usize = 1000;

/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 64;

/// Makes a key for administration. Its reply is the only time that it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddKey {
    /// The name, of 1 to 64 characters: the audit log names the key's acts by it. No other key has it.
    pub name: String,
    /// What the key may do: no more than the operator who makes it.
    pub scope: Scope,
    /// The slug of the one realm in which it may do that. Without it the realm is the operator's own, or all realms are meant,
    /// where the operator is an owner of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// When it ends; a year from now unless set. A key that a key makes ends with its maker at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct NewKey {
    /// The secret, which clients present as a bearer.
    pub secret: SecretText,
    /// When it ends.
    pub ends: Moment,
}

impl Operation for AddKey {
    const NAME: &'static str = "key.add";
    const SUMMARY: &'static str = "Makes a key for administration, which its reply shows once.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = NewKey;

    async fn run(self, admin: &Admin) -> Result<NewKey, AdminError> {
        if !is_name(&self.name) {
            return Err(AdminError::NotAName("name of a key"));
        }
        let operator = admin.operator();
        let realm = match self.realm.as_ref().or(operator.realm.as_ref()) {
            Some(slug) => Some(admin.realm(slug).await?),
            None => None,
        };
        if self.scope > operator.scope || (realm.is_none() && operator.highest != Role::Owner) {
            return Err(AdminError::KeyAbove);
        }
        let ends = end_of(self.until, operator, admin.engine().clock().now())?;
        if admin.engine().store().admin_keys().await?.len() >= MOST {
            return Err(AdminError::TooManyKeys);
        }
        let rng = &**admin.engine().rng();
        let secret = opaque::admin_key(rng);
        let key = AdminKey {
            id: AdminKeyId::random(rng),
            name: self.name,
            digest: opaque::digest(secret.expose()),
            scope: self.scope.as_str().to_owned(),
            realm: realm.as_ref().map(|realm| realm.id),
            made: admin.engine().clock().now(),
            ends: Some(ends),
            last_used: None,
        };
        let detail = format!("{}: {}", key.name, key.scope);
        let audit = admin.audit(Act::AdminKeyAdded, key.realm, None, detail);
        admin.engine().store().add_admin_key(&key, Some(&audit)).await.map_err(|error| match error {
            StoreError::Conflict(Conflict::AdminKey) => AdminError::KeyThere,
            StoreError::Missing(_) => AdminError::NoRealm,
            error => error.into(),
        })?;
        Ok(NewKey { secret: SecretText::new(secret.expose()), ends: Moment(ends) })
    }
}

/// Lists keys for administration, without secrets, also those that have ended.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListKeys {}

impl Operation for ListKeys {
    const NAME: &'static str = "key.list";
    const SUMMARY: &'static str = "Lists keys for administration, without secrets.";
    const SCOPES: &'static [Scope] = &[Scope::Read];
    type Reply = Vec<KeyView>;

    async fn run(self, admin: &Admin) -> Result<Vec<KeyView>, AdminError> {
        let realms = admin.realms().await?;
        let slug_of = |key: &AdminKey| {
            let realm: Option<&Realm> = realms.iter().find(|realm| Some(realm.id) == key.realm);
            realm.map(|realm| realm.slug.as_str())
        };
        let keys = keys(admin, &realms).await?;
        Ok(keys.iter().map(|key| KeyView::of(key, slug_of(key))).collect())
    }
}

/// Revokes a key for administration: it is refused at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RevokeKey {
    /// The name.
    pub name: String,
}

impl Operation for RevokeKey {
    const NAME: &'static str = "key.revoke";
    const SUMMARY: &'static str = "Revokes a key for administration, which is refused at once.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let keys = keys(admin, &admin.realms().await?).await?;
        let Some(key) = keys.into_iter().find(|key| key.name == self.name) else {
            return Ok(Changed { changed: false });
        };
        let audit = admin.audit(Act::AdminKeyRevoked, key.realm, None, key.name);
        Ok(Changed { changed: admin.engine().store().remove_admin_key(key.id, Some(&audit)).await? })
    }
}

/// The keys that the operator knows of: all, or those of its realm.
async fn keys(admin: &Admin, realms: &[Realm]) -> Result<Vec<AdminKey>, AdminError> {
    let mut keys = admin.engine().store().admin_keys().await?;
    if admin.operator().realm.is_some() {
        keys.retain(|key| realms.iter().any(|realm| Some(realm.id) == key.realm));
    }
    Ok(keys)
}

/// When a new key ends.
fn end_of(asked: Option<Moment>, operator: &Operator, now: Timestamp) -> Result<Timestamp, AdminError> {
    let ends = asked.map_or(now + LIFE, |Moment(until)| until);
    if ends <= now {
        return Err(AdminError::InThePast);
    }
    Ok(operator.ends.map_or(ends, |own| ends.min(own)))
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.chars().count()) && name.trim() == name && !name.contains(is_control)
}
