//! The exact point that Zulip and Rocket.Chat share.

use auth_core::ExactPoint;

/// Zulip and Rocket.Chat mail nothing to people who change their own passwords and second factors.
pub const NO_CHANGE_NOTICES: ExactPoint = ExactPoint::new("no-change-notices");
