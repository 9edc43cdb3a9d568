//! Bytes to values: hosts, parameters, credentials and what clients say of themselves. Pure functions.

pub mod assertion;
mod base64;
pub mod basic;
pub mod charset;
pub mod client;
pub mod cookies;
pub mod csrf;
pub mod email;
mod error;
pub mod field;
pub mod header;
pub mod host;
pub mod multipart;
pub mod next;
pub mod parameters;
pub mod remote_user;
pub mod urlencoded;

pub use error::DecodeError;
