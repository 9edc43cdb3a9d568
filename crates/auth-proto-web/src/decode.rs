//! Bytes to values: what a request asks for and which credentials it carries. Pure functions.

pub mod cookies;
pub mod fields;
pub mod host;
pub mod next;
pub mod sender;
