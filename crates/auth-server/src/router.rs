//! The protocol that answers a request.

use std::borrow::Cow;
use std::sync::Arc;

use auth_core::{Protocol, ProtocolName, Route, RouteMatch, merge_slashes, merged_path};
use auth_proto_rocketchat::ddp;
use http::Request;

use crate::metrics::{Metrics, RequestMeters};
use crate::websocket::Sockets;

/// The protocols behind a listener, in the order of their precedence.
pub(crate) struct Router {
    first: Mounted,
    others: Vec<Mounted>,
    sockets: Option<Arc<Sockets>>,
}

/// A protocol, and what is counted of its requests.
pub(crate) struct Mounted {
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) meters: RequestMeters,
}

impl Router {
    /// `None` when there is no protocol. Where Rocket.Chat is among them, its sockets are as well.
    pub(crate) fn new(
        protocols: Vec<Arc<dyn Protocol>>,
        sockets: Option<Arc<Sockets>>,
        metrics: &Arc<Metrics>,
    ) -> Option<Self> {
        let has_rocketchat = protocols.iter().any(|protocol| protocol.name() == ProtocolName::ROCKETCHAT);
        let sockets = sockets.filter(|_| has_rocketchat);
        let mount = |protocol: Arc<dyn Protocol>| {
            let meters = RequestMeters::new(Arc::clone(metrics), protocol.name());
            Mounted { protocol, meters }
        };
        let mut protocols = protocols.into_iter().map(mount);
        Some(Self { first: protocols.next()?, others: protocols.collect(), sockets })
    }

    /// The sockets that live at a path.
    pub(crate) fn sockets(&self, path: &str) -> Option<&Arc<Sockets>> {
        let is_path = |sockets: &&Arc<Sockets>| ddp::is_socket_path(&path_for(&*sockets.protocol, path));
        self.sockets.as_ref().filter(is_path)
    }

    /// The protocol that documents the path; else the one whose form it has; else the first below whose prefix it lies; else
    /// the first. The request's path becomes what that protocol takes it for.
    pub(crate) fn find<B>(&self, request: &mut Request<B>) -> (&Mounted, Route) {
        let path = request.uri().path();
        let route_of = |mounted: &Mounted| mounted.protocol.route(&path_for(&*mounted.protocol, path));
        let (mut found, mut route) = (&self.first, route_of(&self.first));
        for other in &self.others {
            if route.matched == RouteMatch::Documented {
                break;
            }
            let of_other = route_of(other);
            if route.matched < of_other.matched {
                (found, route) = (other, of_other);
            }
        }
        if found.protocol.merges_slashes() {
            merge_slashes(request);
        }
        (found, route)
    }
}

/// The path that a protocol takes a path for: the one place where slashes are merged.
fn path_for<'a>(protocol: &dyn Protocol, path: &'a str) -> Cow<'a, str> {
    if protocol.merges_slashes() { merged_path(path) } else { Cow::Borrowed(path) }
}
