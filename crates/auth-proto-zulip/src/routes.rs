//! The routes, one module for each group.

pub(crate) mod account;
pub(crate) mod compatibility;
pub(crate) mod desktop;
pub(crate) mod development;
pub(crate) mod login;
pub(crate) mod settings;

use http::Method;

use crate::answer::{Reply, method_not_allowed};
use crate::request::Request;

/// The answer to other methods than `POST`, on the plain routes that know no other.
fn unless_post(request: &Request<'_>) -> Option<Reply> {
    (request.method != Method::POST).then(|| method_not_allowed(&["POST"]))
}
