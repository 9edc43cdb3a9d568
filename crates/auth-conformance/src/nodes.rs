//! Several servers on one store: whether crashes and failovers lose anything, and how soon one server refuses what
//! another has revoked.

pub mod crash;
pub mod failover;
pub mod revocation;

mod servers;
mod session;
mod workload;

pub use servers::{Nodes, PASSWORD, USERS, config};
pub use session::{Session, wait_until};
