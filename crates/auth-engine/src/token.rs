//! Credentials that come with requests: checked, cached, renewed.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod named_secret;
pub(crate) mod renew;
pub(crate) mod uses;
