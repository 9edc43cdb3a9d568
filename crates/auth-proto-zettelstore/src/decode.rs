//! Bytes to values: what a request asks for and which credentials it carries. Pure functions.

pub mod authorization;
pub mod command;
mod credentials;
mod error;
pub mod form;
pub mod login;
pub mod path;
pub mod token;

pub use credentials::Credentials;
pub use error::DecodeError;
