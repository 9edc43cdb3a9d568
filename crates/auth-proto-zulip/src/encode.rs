//! Values to bytes: headers, JSON documents, pages and errors.

pub(crate) mod cookie;
pub(crate) mod date;
pub(crate) mod error;
pub(crate) mod response;
pub(crate) mod user;
