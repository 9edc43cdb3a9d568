//! The protocol that answers a request.

use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, Route, RouteMatch};
use auth_proto_rocketchat::ddp;

use crate::websocket::Sockets;

/// The protocols behind a listener, in the order of their precedence; never empty.
#[derive(Clone)]
pub(crate) struct Router {
    protocols: Arc<[Arc<dyn Protocol>]>,
    sockets: Option<Arc<Sockets>>,
}

impl Router {
    /// `None` when there is no protocol. Where Rocket.Chat is among them, its sockets are as well.
    pub(crate) fn new(protocols: Vec<Arc<dyn Protocol>>, sockets: Option<Arc<Sockets>>) -> Option<Self> {
        let has_rocketchat = protocols.iter().any(|protocol| protocol.name() == ProtocolName::ROCKETCHAT);
        let sockets = sockets.filter(|_| has_rocketchat);
        (!protocols.is_empty()).then(|| Self { protocols: protocols.into(), sockets })
    }

    /// The sockets that live at a path.
    pub(crate) fn sockets(&self, path: &str) -> Option<&Arc<Sockets>> {
        self.sockets.as_ref().filter(|_| path == ddp::PATH)
    }

    /// The protocol that documents the path; else the first below whose prefix it lies; else the first.
    pub(crate) fn find(&self, path: &str) -> Option<(&dyn Protocol, Route)> {
        let mut best: Option<(&dyn Protocol, Route)> = None;
        for protocol in self.protocols.iter() {
            let route = protocol.route(path);
            if route.matched == RouteMatch::Documented {
                return Some((&**protocol, route));
            }
            if best.is_none_or(|(_, before)| before.matched < route.matched) {
                best = Some((&**protocol, route));
            }
        }
        best
    }
}
