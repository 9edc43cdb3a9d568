//! What is shown of bans and allowances of networks.

use auth_core::NetworkRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Moment;

/// A ban or an allowance of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct NetworkRuleView {
    /// The network in CIDR form.
    pub network: String,
    /// `ban` or `allow`.
    pub kind: String,
    /// When it ends.
    pub until: Option<Moment>,
    /// When it was made.
    pub made: Moment,
    /// What the operator noted.
    pub note: String,
}

impl NetworkRuleView {
    /// What is shown of a rule.
    #[must_use]
    pub fn of(rule: &NetworkRule) -> Self {
        Self {
            network: rule.network.clone(),
            kind: rule.kind.as_str().to_owned(),
            until: rule.until.map(Moment),
            made: Moment(rule.made),
            note: rule.note.clone(),
        }
    }
}
