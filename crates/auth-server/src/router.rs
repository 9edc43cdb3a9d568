//! The protocol that answers a request.

use std::borrow::Cow;
use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, Route, RouteMatch, merge_slashes, merged_path};
use auth_proto_rocketchat::ddp;
use http::Request;

use crate::websocket::Sockets;

/// The protocols behind a listener, in the order of their precedence.
#[derive(Clone)]
pub(crate) struct Router {
    first: Arc<dyn Protocol>,
    others: Arc<[Arc<dyn Protocol>]>,
    sockets: Option<Arc<Sockets>>,
}

impl Router {
    /// `None` when there is no protocol. Where Rocket.Chat is among them, its sockets are as well.
    pub(crate) fn new(protocols: Vec<Arc<dyn Protocol>>, sockets: Option<Arc<Sockets>>) -> Option<Self> {
        let has_rocketchat = protocols.iter().any(|protocol| protocol.name() == ProtocolName::ROCKETCHAT);
        let sockets = sockets.filter(|_| has_rocketchat);
        let mut protocols = protocols.into_iter();
        Some(Self { first: protocols.next()?, others: protocols.collect(), sockets })
    }

    /// The sockets that live at a path.
    pub(crate) fn sockets(&self, path: &str) -> Option<&Arc<Sockets>> {
        let is_path = |sockets: &&Arc<Sockets>| ddp::is_socket_path(&path_for(&*sockets.protocol, path));
        self.sockets.as_ref().filter(is_path)
    }

    /// The protocol that documents the path; else the one whose form it has; else the first below whose prefix it lies; else
    /// the first. The request's path becomes what that protocol takes it for.
    pub(crate) fn find<B>(&self, request: &mut Request<B>) -> (&dyn Protocol, Route) {
        let path = request.uri().path();
        let route_of = |protocol: &dyn Protocol| protocol.route(&path_for(protocol, path));
        let (mut protocol, mut route) = (&*self.first, route_of(&*self.first));
        for other in self.others.iter() {
            if route.matched == RouteMatch::Documented {
                break;
            }
            let of_other = route_of(&**other);
            if route.matched < of_other.matched {
                (protocol, route) = (&**other, of_other);
            }
        }
        if protocol.merges_slashes() {
            merge_slashes(request);
        }
        (protocol, route)
    }
}

/// The path that a protocol takes a path for: the one place where slashes are merged.
fn path_for<'a>(protocol: &dyn Protocol, path: &'a str) -> Cow<'a, str> {
    if protocol.merges_slashes() { merged_path(path) } else { Cow::Borrowed(path) }
}
