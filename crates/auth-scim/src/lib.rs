//! SCIM 2.0 (RFC 7643, 7644): the people and the groups of one realm, for provisioning systems.
//!
//! A server hands [`answer`] each request below [`ROOT`] with the [`Admin`](auth_admin::operation::Admin) of the operator who
//! sent it. What is read and written is what the operations of [`auth_admin`] read and write, with their rows in the audit log:
//! scopes `read` and `helpdesk` look, scope `admin` changes. The operator must be of one realm, whose resources these are.
//!
//! A resource is a JSON document here: filters, patches and the choice of attributes work on that, and what differs
//! after a change is then done. There is no bulk, no sorting, and no version of a resource.
//!
//! It never opens a connection, reads a configuration, or logs what a request holds.

mod choice;
mod error;
mod filter;
mod group;
mod list;
mod name;
mod patch;
mod schema;
mod service;
mod user;

pub use service::answer;

/// The path below which resources are.
pub const ROOT: &str = "/scim/v2/";

/// The most bytes of a request's body.
pub const MAX_BODY: usize = 1024 * 1024;
