//! Operations on realms.

use auth_core::{Act, Realm, RealmChange, RealmId, RealmRemoval};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Admin, Changed, Done, Operation, Scope};
use crate::error::AdminError;
use crate::view::RealmView;

/// Lists realms.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListRealms {}

impl Operation for ListRealms {
    const NAME: &'static str = "realm.list";
    const SUMMARY: &'static str = "Lists realms.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<RealmView>;

    async fn run(self, admin: &Admin) -> Result<Vec<RealmView>, AdminError> {
        Ok(admin.realms().await?.iter().map(RealmView::of).collect())
    }
}

/// Shows a realm.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ShowRealm {
    /// The slug.
    pub realm: String,
}

impl Operation for ShowRealm {
    const NAME: &'static str = "realm.show";
    const SUMMARY: &'static str = "Shows a realm.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = RealmView;

    async fn run(self, admin: &Admin) -> Result<RealmView, AdminError> {
        Ok(RealmView::of(&admin.realm(&self.realm).await?))
    }
}

/// What is to be written of a realm: what is named, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RealmSettings {
    /// The part of the host name before that of Zulip; `null` for none.
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<Option<String>>,
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What it is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether its users may log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Whether its users may log in with passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_login: Option<bool>,
    /// Whether clients may present passwords by their digest, as Rocket.Chat's do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_logins: Option<bool>,
    /// Whether its users need a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_second_factor: Option<bool>,
    /// The fewest characters of a new password; `null` for the server's rule.
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub min_length: Option<Option<u32>>,
    /// The fewest guesses that a new password must stand; `null` for the server's rule.
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    pub min_guesses: Option<Option<u64>>,
    /// What verifies passwords, in this order: `local`, or the name of a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backends: Option<Vec<String>>,
}

impl RealmSettings {
    fn change_of(self, id: RealmId, slug: String) -> RealmChange {
        RealmChange {
            id,
            slug,
            subdomain: self.subdomain,
            name: self.name,
            icon: self.icon,
            description: self.description,
            active: self.active,
            password_login: self.password_login,
            digest_logins: self.digest_logins,
            require_second_factor: self.require_second_factor,
            min_length: self.min_length,
            min_guesses: self.min_guesses,
            backends: self.backends,
        }
    }
}

/// Makes a realm.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddRealm {
    /// The slug: 1 to 64 lower-case letters, digits, `-` or `_`. It never changes.
    pub realm: String,
    /// What is not the default of it.
    #[serde(default)]
    pub settings: RealmSettings,
}

impl Operation for AddRealm {
    const NAME: &'static str = "realm.add";
    const SUMMARY: &'static str = "Makes a realm.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = RealmView;

    async fn run(self, admin: &Admin) -> Result<RealmView, AdminError> {
        if admin.operator().realm.is_some() {
            return Err(AdminError::NotPermitted(Self::NAME));
        }
        let realms = admin.engine().store().realms().await?;
        if realms.iter().any(|realm| realm.slug == self.realm) {
            return Err(AdminError::RealmThere);
        }
        let id = RealmId::random(&**admin.engine().rng());
        let new = write(admin, self.settings.change_of(id, self.realm)).await?;
        Ok(RealmView::of(&new))
    }
}

/// Changes what is named of a realm.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct SetRealm {
    /// The slug.
    pub realm: String,
    /// What is to be changed.
    pub settings: RealmSettings,
}

impl Operation for SetRealm {
    const NAME: &'static str = "realm.set";
    const SUMMARY: &'static str = "Changes a realm.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let before = admin.realm(&self.realm).await?;
        let after = write(admin, self.settings.change_of(before.id, self.realm)).await?;
        Ok(Changed { changed: after != before })
    }
}

/// Removes a realm that has no user, with its groups and its keys for administration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RemoveRealm {
    /// The slug.
    pub realm: String,
}

impl Operation for RemoveRealm {
    const NAME: &'static str = "realm.remove";
    const SUMMARY: &'static str = "Removes a realm that has no user.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        if admin.operator().realm.is_some() {
            return Err(AdminError::NotPermitted(Self::NAME));
        }
        let realm = admin.realm(&self.realm).await?;
        let audit = admin.audit(Act::RealmRemoved, Some(realm.id), None, realm.slug);
        match admin.engine().store().remove_realm(realm.id, Some(&audit)).await? {
            RealmRemoval::Removed => {
                admin.engine().realms().forget();
                Ok(Done {})
            }
            RealmRemoval::NotThere => Err(AdminError::NoRealm),
            RealmRemoval::HasUsers => Err(AdminError::RealmHasUsers),
        }
    }
}

/// Writes a change of a realm; gives the realm afterwards.
async fn write(admin: &Admin, change: RealmChange) -> Result<Realm, AdminError> {
    let audit = admin.audit(Act::RealmWritten, Some(change.id), None, "");
    Ok(admin.engine().write_realm(change, &audit).await?)
}

/// A value that is named, be it `null`.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}
