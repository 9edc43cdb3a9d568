//! What the API tells of itself.

use auth_admin::operation::{OPERATIONS, Operator, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the API is, at its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Index {
    /// The version of the server.
    pub version: String,
    /// Which store the server has: two servers of one store tell the same.
    pub store: String,
    /// The address of the pages, where they are on: a link for a new password is `/reset-password/TOKEN` below it.
    pub pages: Option<String>,
    /// The operations that the asker may do.
    pub operations: Vec<IndexEntry>,
}

/// An operation of the [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The name: the last part of the path.
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// The scopes that may do it, beside `admin`.
    pub scopes: Vec<Scope>,
}

impl Index {
    /// The index for an operator, of a server whose store goes by a name, and whose pages have an address.
    pub(crate) fn of(operator: &Operator, store: &str, pages: Option<&str>) -> Self {
        let permitted = OPERATIONS.iter().filter(|entry| operator.may(entry.scopes));
        let operations = permitted.map(|entry| IndexEntry {
            name: entry.name.to_owned(),
            summary: entry.summary.to_owned(),
            scopes: entry.scopes.to_vec(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: store.to_owned(),
            pages: pages.map(str::to_owned),
            operations: operations.collect(),
        }
    }
}
