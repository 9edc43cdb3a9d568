//! LDAP result codes (RFC 4511, appendix A.1).

pub(crate) const SUCCESS: u32 = 0;
const TIME_LIMIT_EXCEEDED: u32 = 3;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const ADMIN_LIMIT_EXCEEDED: u32 = 11;
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
pub(crate) const INVALID_CREDENTIALS: u32 = 49;
const CONSTRAINT_VIOLATION: u32 = 19;
pub(crate) const INVALID_DN_SYNTAX: u32 = 34;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INSUFFICIENT_ACCESS_RIGHTS: u32 = 50;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;
const UNWILLING_TO_PERFORM: u32 = 53;

/// Whether a list ended early, by a limit of the server or of the request.
pub(crate) fn is_cut(code: u32) -> bool {
    matches!(code, TIME_LIMIT_EXCEEDED | SIZE_LIMIT_EXCEEDED | ADMIN_LIMIT_EXCEEDED)
}

/// Whether a bind was rejected because of the name or the password, not because the server can't tell. Servers differ
/// in the code that they send for a locked or expired entry, so all of these count as a rejection.
pub(crate) fn rejects_bind(code: u32) -> bool {
    matches!(
        code,
        CONSTRAINT_VIOLATION
            | NO_SUCH_OBJECT
            | INVALID_DN_SYNTAX
            | INAPPROPRIATE_AUTHENTICATION
            | INVALID_CREDENTIALS
            | INSUFFICIENT_ACCESS_RIGHTS
            | UNWILLING_TO_PERFORM
    )
}

/// Whether the server can't answer now, although the request is in order.
pub(crate) fn is_server_failure(code: u32) -> bool {
    matches!(code, BUSY | UNAVAILABLE)
}
