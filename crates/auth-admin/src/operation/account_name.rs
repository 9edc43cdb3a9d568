//! The name by which an operator means an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// By what an operator means an account: a user name, an e-mail address or an id, in one realm or in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AccountName {
    /// The slug of the realm; needed where several realms have a user of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The user name, the e-mail address or the id.
    pub name: String,
}

impl AccountName {
    /// An account by its name, in one realm or in all.
    #[must_use]
    pub fn new(realm: Option<&str>, name: &str) -> Self {
        Self { realm: realm.map(str::to_owned), name: name.to_owned() }
    }
}
