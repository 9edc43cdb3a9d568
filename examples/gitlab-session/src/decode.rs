//! Bytes to values: what a request asks for and which credentials it carries. Pure functions.

mod error;
pub mod session;
pub mod token;

pub use error::DecodeError;
