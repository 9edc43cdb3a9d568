//! The points in which a real GitLab tells too much.
//!
//! An operator switches a point on by its name, through [`Config::exact`](crate::Config::exact).

use auth_core::ExactPoint;

/// Tells that an account is blocked before the password is known to be right.
pub const BLOCKED_BEFORE_PASSWORD: ExactPoint = ExactPoint::new("blocked-before-password");

/// Every point of the protocol.
pub const EXACT_POINTS: [ExactPoint; 1] = [BLOCKED_BEFORE_PASSWORD];
