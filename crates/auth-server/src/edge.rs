//! The edge of the server: where connections come in, and what happens to them before a protocol is asked.

pub(crate) mod proxy_header;
pub(crate) mod redirect;
pub(crate) mod socket;
