//! The points in which the real Rocket.Chat tells too much or lets its limits be evaded.
//!
//! An operator switches a point on by its name, through [`Config::exact`](crate::Config::exact) and the login
//! rules of the server. Three of the points change answers of this crate; the engine follows the other four.

use auth_core::ExactPoint;

/// Answers 500 to a login body of the wrong types.
pub const ILL_TYPED_BODY: ExactPoint = ExactPoint::new("ill-typed-body");

/// Lets a TOTP code be used again within its time step.
pub const CODE_REPLAY: ExactPoint = ExactPoint::new("code-replay");

/// Blocks by user name whatever the client key, but spares clients that send an address or a code; counts the
/// attempts that a blocked client is refused.
pub const BLOCK_BY_TYPED_NAME: ExactPoint = ExactPoint::new("block-by-typed-name");

/// Answers unknown paths with the text of Rocket.Chat's router.
pub const UNKNOWN_PATH_TEXT: ExactPoint = ExactPoint::new("unknown-path-text");

/// Tells an account of a directory that the local password it sent is right but of no use, also while the
/// directory can't be reached.
pub const LOCAL_PASSWORD_FORBIDDEN: ExactPoint = ExactPoint::new("local-password-forbidden");

/// Answers 404 to a path with doubled slashes, as the application does without a proxy that merges them.
pub const SLASHES: ExactPoint = ExactPoint::new("slashes");

/// Mails nothing when people change their own passwords and second factors by Rocket.Chat's calls.
pub const NO_CHANGE_NOTICES: ExactPoint = ExactPoint::new("no-change-notices");

/// Every point of Rocket.Chat.
pub const EXACT_POINTS: [ExactPoint; 7] = [
    ILL_TYPED_BODY,
    CODE_REPLAY,
    BLOCK_BY_TYPED_NAME,
    UNKNOWN_PATH_TEXT,
    LOCAL_PASSWORD_FORBIDDEN,
    SLASHES,
    NO_CHANGE_NOTICES,
];
