//! The client's end: an operation as a request, and its reply from the answer.

use auth_admin::operation::Operation;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Response, StatusCode};

use crate::ROOT;
use crate::index::Index;
use crate::problem::Problem;

/// The host that requests name at a socket, which has none.
const NO_HOST: &str = "localhost";

/// The request for the [`Index`].
///
/// # Errors
/// None that is known.
pub fn index_request() -> Result<Request<Bytes>, Problem> {
    Request::get(ROOT).header(HOST, NO_HOST).body(Bytes::new()).map_err(|error| malformed(&error))
}

/// The [`Index`] in an answer.
///
/// # Errors
/// The [`Problem`] that the server tells, or one that says that it told none.
pub fn index(response: &Response<Bytes>) -> Result<Index, Problem> {
    read(response)
}

/// The request for an operation.
///
/// # Errors
/// A [`Problem`] when the operation can't be written, which none is known to be.
pub fn request<O: Operation>(operation: &O) -> Result<Request<Bytes>, Problem> {
    post(O::NAME, serde_json::to_vec(operation).map_err(|error| malformed(&error))?)
}

fn post(name: &str, body: Vec<u8>) -> Result<Request<Bytes>, Problem> {
    Request::post(format!("{ROOT}{name}"))
        .header(HOST, NO_HOST)
        .header(CONTENT_TYPE, "application/json")
        .body(body.into())
        .map_err(|error| malformed(&error))
}

/// The reply of an operation in an answer.
///
/// # Errors
/// The [`Problem`] that the server tells, or one that says that it told none.
pub fn reply<O: Operation>(response: &Response<Bytes>) -> Result<O::Reply, Problem> {
    read(response)
}

fn read<T: serde::de::DeserializeOwned>(response: &Response<Bytes>) -> Result<T, Problem> {
    if response.status() == StatusCode::OK {
        return serde_json::from_slice(response.body()).map_err(|_| {
            Problem::new(
                response.status(),
                "not-understood",
                "the server's answer is of another version: use the commands of the server's version",
            )
        });
    }
    Err(serde_json::from_slice(response.body()).unwrap_or_else(|_| {
        let title = format!("the server answers {} without a reason", response.status());
        Problem::new(response.status(), "no-reason", title)
    }))
}

fn malformed(error: &dyn std::error::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed", error.to_string())
}
