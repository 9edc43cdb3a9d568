//! A request as handlers see it: with its client.

use auth_core::Peer;
use bytes::Bytes;

/// A request and its client.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) http: &'a http::Request<Bytes>,
    pub(crate) peer: &'a Peer,
}
