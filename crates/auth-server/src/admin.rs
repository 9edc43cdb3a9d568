//! Operations of operators at the running server: a socket of this machine with the client that commands are of it, and a
//! listener for programs that present keys.
//!
//! Each end of the socket looks at whom the system says is at the other one. The server takes operations of root, of its own
//! user, and of the groups that the configuration names; a command sends nothing unless root, its own user, or the owner of the
//! socket's folder is there. The listener takes those of whoever presents a key for administration, by TLS or at a loopback
//! address.

pub(crate) mod answers;
pub(crate) mod bearers;
pub(crate) mod client;
pub(crate) mod listener;
mod peer;
pub(crate) mod socket;
