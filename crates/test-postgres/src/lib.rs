//! PostgreSQL clusters that tests start for themselves: each in a temporary folder, on a free loopback port, and gone
//! with the process that started it.
//!
//! The server's programs are taken from where Debian's package `postgresql` installs them. They refuse to run as
//! root, so that for root they run as the user `postgres`. A test that finds no PostgreSQL fails and says so.
//!
//! A [`Pooler`] is a PgBouncer before a cluster, from Debian's package `pgbouncer`.
//!
//! This crate starts and stops clusters. It runs no statements of its own but those that create databases and those
//! that ask whether a server is ready.
//!
//! ```
//! let cluster = test_postgres::Cluster::start(test_postgres::Durability::None)?;
//! let url = cluster.database()?;
//! assert!(url.starts_with("postgres://postgres@127.0.0.1:"));
//! # Ok::<(), anyhow::Error>(())
//! ```

mod cluster;
mod pooler;
mod programs;

pub use cluster::{Cluster, Durability};
pub use pooler::{PoolMode, Pooler};
