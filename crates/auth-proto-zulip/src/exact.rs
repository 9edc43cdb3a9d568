//! The points in which the real Zulip tells too much or lets its limits be evaded.
//!
//! An operator switches a point on by its name, through [`Config::exact`](crate::Config::exact) and the login rules
//! of the server. The engine follows [`STATE_BEFORE_PASSWORD`], [`LIMIT_BY_TYPED_NAME`], [`RESET_LIMIT_BY_TYPED_ADDRESS`],
//! [`ASSERTION_WITHOUT_END`] and [`NO_CHANGE_NOTICES`]; the others change answers of this crate.

use auth_core::ExactPoint;

/// Tells that an account or a realm is deactivated before the password is known to be right.
pub const STATE_BEFORE_PASSWORD: ExactPoint = ExactPoint::new("state-before-password");

/// Counts login attempts by the name as typed, so that another spelling is another count.
pub const LIMIT_BY_TYPED_NAME: ExactPoint = ExactPoint::new("limit-by-typed-name");

/// Answers 500 to an assertion whose claim has the wrong type.
pub const ASSERTION_TYPE_ERROR: ExactPoint = ExactPoint::new("assertion-type-error");

/// Accepts assertions that never end.
pub const ASSERTION_WITHOUT_END: ExactPoint = ExactPoint::new("assertion-without-end");

/// Takes an assertion by which a browser logs in from a page of any site, which so can sign its visitors in as somebody else.
pub const ASSERTION_FROM_OTHER_SITES: ExactPoint = ExactPoint::new("assertion-from-other-sites");

/// Asks nobody for a second factor whom another system has authenticated: by an assertion, or by a header of a front.
pub const EXTERNAL_LOGIN_WITHOUT_FACTOR: ExactPoint = ExactPoint::new("external-login-without-factor");

/// Leads to a mobile app as soon as its address is opened, where a front names the user: whatever page opened it.
pub const MOBILE_FLOW_WITHOUT_ASKING: ExactPoint = ExactPoint::new("mobile-flow-without-asking");

/// Counts links for new passwords by the address as typed, so that another spelling is another count.
pub const RESET_LIMIT_BY_TYPED_ADDRESS: ExactPoint = ExactPoint::new("reset-limit-by-typed-address");

/// Tells no `Retry-After` on a page that says that something was done too often.
pub const LIMIT_WITHOUT_RETRY_AFTER: ExactPoint = ExactPoint::new("limit-without-retry-after");

/// Answers 404 to a path with doubled slashes, as the application does without the proxy that merges them.
pub const SLASHES: ExactPoint = ExactPoint::new("slashes");

/// Mails nothing when a password is changed or set anew by Zulip's calls.
pub const NO_CHANGE_NOTICES: ExactPoint = ExactPoint::new("no-change-notices");

/// Every point of Zulip.
pub const EXACT_POINTS: [ExactPoint; 11] = [
    STATE_BEFORE_PASSWORD,
    LIMIT_BY_TYPED_NAME,
    ASSERTION_TYPE_ERROR,
    ASSERTION_WITHOUT_END,
    ASSERTION_FROM_OTHER_SITES,
    EXTERNAL_LOGIN_WITHOUT_FACTOR,
    MOBILE_FLOW_WITHOUT_ASKING,
    RESET_LIMIT_BY_TYPED_ADDRESS,
    LIMIT_WITHOUT_RETRY_AFTER,
    SLASHES,
    NO_CHANGE_NOTICES,
];
