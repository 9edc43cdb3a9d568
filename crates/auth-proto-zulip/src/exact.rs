//! The points in which the real Zulip tells too much or lets its limits be evaded.
//!
//! An operator switches a point on by its name, through [`Config::exact`](crate::Config::exact) and the login rules
//! of the server. [`ASSERTION_TYPE_ERROR`] and [`SLASHES`] change answers of this crate; the
//! engine follows the other four.

use auth_core::ExactPoint;

/// Tells that an account or a realm is deactivated before the password is known to be right.
pub const STATE_BEFORE_PASSWORD: ExactPoint = ExactPoint::new("state-before-password");

/// Counts login attempts by the name as typed, so that another spelling is another count.
pub const LIMIT_BY_TYPED_NAME: ExactPoint = ExactPoint::new("limit-by-typed-name");

/// Answers 500 to an assertion whose claim has the wrong type.
pub const ASSERTION_TYPE_ERROR: ExactPoint = ExactPoint::new("assertion-type-error");

/// Accepts assertions that never end.
pub const ASSERTION_WITHOUT_END: ExactPoint = ExactPoint::new("assertion-without-end");

/// Answers 404 to a path with doubled slashes, as the application does without the proxy that merges them.
pub const SLASHES: ExactPoint = ExactPoint::new("slashes");

/// Mails nothing when a password is changed or set anew by Zulip's calls.
pub const NO_CHANGE_NOTICES: ExactPoint = ExactPoint::new("no-change-notices");

/// Every point of Zulip.
pub const EXACT_POINTS: [ExactPoint; 6] = [
    STATE_BEFORE_PASSWORD,
    LIMIT_BY_TYPED_NAME,
    ASSERTION_TYPE_ERROR,
    ASSERTION_WITHOUT_END,
    SLASHES,
    NO_CHANGE_NOTICES,
];
