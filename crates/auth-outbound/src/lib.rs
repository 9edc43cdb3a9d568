//! Connections that auth-server makes to other servers: LDAP directories, PostgreSQL, and the SMTP server.
//!
//! * [`client_config`] is the one way to build a TLS client. It uses rustls with ring, trusts authorities or pins given
//!   certificates, and [`describe_tls_failure`] puts into words why a handshake failed.
//! * [`IdleConnections`] decides whether an idle connection is used again: one that died costs one short probe, and
//!   says nothing of its server.
//!
//! This crate makes no connection itself.

pub mod idle;
#[cfg(feature = "test-util")]
pub mod relay;
mod tls;

pub use idle::IdleConnections;
pub use tls::config::{CertificateFileError, client_config};
pub use tls::failure::describe_tls_failure;
