//! Servers in the long run: whether crashes and failovers lose anything, how soon one server refuses what another has
//! revoked, and whether a long mix of everything leaves memory and answers as they must be.

pub mod crash;
pub mod failover;
pub mod revocation;
pub mod soak;

mod servers;
mod session;
mod workload;

pub use servers::{Nodes, PASSWORD, USERS, config};
pub use session::{Session, wait_until};
