//! Operations of operators at the running server: a socket of this machine, and the client that commands are of it.
//!
//! Each end looks at whom the system says is at the other one. The server takes operations of root, of its own user, and of
//! the groups that the configuration names; a command sends nothing unless root, its own user, or the owner of the socket's
//! folder is there.

pub(crate) mod client;
mod peer;
pub(crate) mod socket;
