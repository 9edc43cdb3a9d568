//! The operations of [`auth_admin`] as an HTTP API: `POST /admin/v1/NAME`, with arguments and reply in JSON.
//!
//! A server hands [`AdminApi::answer`] each request with the [`Operator`](auth_admin::operation::Operator) that sent it. Who
//! that is, by a key or by the peer of a socket, is the server's to find out: nothing here reads credentials. What is refused is
//! answered by a [`Problem`] (RFC 9457). [`client`] has the other end. The API is
//! described in OpenAPI 3.1 at [`DESCRIPTION`], and does a request with an `Idempotency-Key` once.
//!
//! It never opens a connection, reads a configuration or logs an argument, which may be a password.
//!
//! ```
//! use auth_admin::operation::{AccountName, DeactivateUser};
//! use auth_admin_api::client;
//!
//! let user = AccountName::new(Some("main"), "iago");
//! let request = client::request(&DeactivateUser { user }).unwrap();
//! assert_eq!(request.uri(), "/admin/v1/user.deactivate");
//! assert_eq!(request.body(), r#"{"user":{"realm":"main","name":"iago"}}"#);
//! ```

pub mod client;
mod idempotency;
mod index;
mod openapi;
mod problem;
mod service;

pub use index::{Index, IndexEntry};
pub use problem::Problem;
pub use service::AdminApi;

/// The path below which operations are.
pub const ROOT: &str = "/admin/v1/";

/// The path of the description in OpenAPI.
pub const DESCRIPTION: &str = "/admin/v1/openapi.json";

/// The most bytes of a request's body.
pub const MAX_BODY: usize = 64 * 1024;
