//! Bytes to values: what a proxy asks about, and which credential came along. Pure functions.

pub mod cookies;
pub mod credential;
pub mod path;
pub mod question;
pub mod return_address;
