//! What is shown of groups.

use auth_core::{Group, Realm};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Moment;

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct GroupView {
    /// The slug of the realm.
    pub realm: String,
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The name of the directory that it comes from.
    pub directory: Option<String>,
    /// Its entry there.
    pub entry: Option<String>,
    /// When it was made.
    pub made: Moment,
}

impl GroupView {
    /// What is shown of a group of a realm.
    #[must_use]
    pub fn of(group: &Group, realm: &Realm) -> Self {
        Self {
            realm: realm.slug.clone(),
            id: group.id.to_string(),
            name: group.name.clone(),
            directory: group.source.as_ref().map(|source| source.directory.clone()),
            entry: group.source.as_ref().map(|source| source.entry.clone()),
            made: Moment(group.made),
        }
    }
}
