//! A store whose calls are spans below a request.

use std::sync::Arc;

use auth_core::{Store, forward_store};

use super::parts::part;

/// A store around another: each call is a span by the name of its method, where the request that it is for has a span.
pub(super) struct TracedStore(pub(super) Arc<dyn Store>);

/// What each method does: it is handed on, in a span where it takes time.
macro_rules! answer {
    (at_once $name:ident($self:ident $(, $arg:ident)*)) => {
        $self.0.$name($($arg),*)
    };
    ($kind:ident $name:ident($self:ident $(, $arg:ident)*)) => {
        part(concat!("store ", stringify!($name)), Result::is_err, $self.0.$name($($arg),*)).await
    };
}

forward_store!(TracedStore, answer);
