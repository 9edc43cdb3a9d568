//! Traces: a span for each request, and below it spans of what takes time, sent to a collector by OTLP where the configuration
//! names one.
//!
//! The feature `otlp` of the build has them. Without it there is nothing to send, and a configuration that names a collector
//! is refused.

#[cfg(not(feature = "otlp"))]
mod none;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub(crate) use self::none::{Traces, hashed, part, parts_of, traced_store};
#[cfg(feature = "otlp")]
pub(crate) use self::otlp::{Traces, hashed, part, parts_of, traced_store};

use auth_core::{ProtocolName, RequestId, Route};
use http::{HeaderMap, Method};

/// What a span tells of a request, and its headers. No address, no name and no path are part of it.
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "there is no span to tell it"))]
pub(crate) struct Traced<'a> {
    pub(crate) protocol: ProtocolName,
    pub(crate) route: &'a Route,
    pub(crate) id: RequestId,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    /// Whether the request comes through a trusted proxy, which may say of which trace it is a part.
    pub(crate) is_trusted: bool,
}
