//! Where the desktop app takes over a browser's session (zulip.md 5.6). This server has no such sessions and gives
//! out none of their tokens, so that every token is malformed or unknown.

use crate::answer::{Reply, bad_request, unknown_session_page};
use crate::decode::basic::looks_like_key;

/// Judges the token at the end of a path.
pub(crate) fn judge(path: &str) -> Reply {
    let token = path.rsplit('/').next().unwrap_or_default();
    if looks_like_key(token) { unknown_session_page() } else { bad_request() }
}
