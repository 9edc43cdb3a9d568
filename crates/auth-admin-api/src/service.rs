//! The server's end.

use std::fmt;
use std::sync::Arc;

use auth_admin::AdminError;
use auth_admin::operation::{Admin, Entry, OPERATIONS, Operator, Scope};
use auth_engine::Engine;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::{MAX_BODY, ROOT};

/// Answers the requests of operators.
pub struct AdminApi {
    engine: Arc<Engine>,
    /// Which store the server has, as [`Index::store`] tells.
    store: String,
}

/// What the API is, at its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Index {
    /// The version of the server.
    pub version: String,
    /// Which store the server has: two servers of one store tell the same.
    pub store: String,
    /// The operations that the asker may do.
    pub operations: Vec<IndexEntry>,
}

/// An operation of the [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The name: the last part of the path.
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// The scopes that may do it, beside `admin`.
    pub scopes: Vec<Scope>,
}

impl AdminApi {
    /// Answers for an engine, whose store goes by a name.
    #[must_use]
    pub fn new(engine: Arc<Engine>, store: impl Into<String>) -> Self {
        Self { engine, store: store.into() }
    }

    /// Answers a request of an operator, whose body was read up to [`MAX_BODY`] bytes and one.
    pub async fn answer(&self, operator: Operator, request: &Request<Bytes>) -> Response<Bytes> {
        match self.judge(operator, request).await {
            Ok(body) => document(body),
            Err(problem) => problem.into_response(),
        }
    }

    async fn judge(&self, operator: Operator, request: &Request<Bytes>) -> Result<Vec<u8>, Problem> {
        let path = request.uri().path();
        if path == ROOT || format!("{path}/") == ROOT {
            if request.method() != Method::GET {
                return Err(not_allowed("GET"));
            }
            return serde_json::to_vec(&self.index(&operator)).map_err(|error| internal(&error));
        }
        let entry = path.strip_prefix(ROOT).and_then(Entry::named);
        let entry = entry.ok_or_else(|| Problem::from(&AdminError::NoOperation))?;
        if request.method() != Method::POST {
            return Err(not_allowed("POST"));
        }
        if request.body().len() > MAX_BODY {
            let title = format!("the arguments have more than {MAX_BODY} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title));
        }
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        // A page of the web can send other types to where it may not read, and be nobody's operator.
        if !kind.eq_ignore_ascii_case("application/json") {
            let title = "the arguments must be application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", title));
        }
        let admin = Admin::new(Arc::clone(&self.engine), operator);
        entry.run(&admin, request.body()).await.map_err(|error| Problem::from(&error))
    }

    fn index(&self, operator: &Operator) -> Index {
        let permitted = OPERATIONS.iter().filter(|entry| operator.may(entry.scopes));
        let operations = permitted.map(|entry| IndexEntry {
            name: entry.name.to_owned(),
            summary: entry.summary.to_owned(),
            scopes: entry.scopes.to_vec(),
        });
        Index {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            store: self.store.clone(),
            operations: operations.collect(),
        }
    }
}

fn document(body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed(method: &'static str) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", format!("this is asked by {method}"))
}

fn internal(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminApi").field("store", &self.store).finish_non_exhaustive()
    }
}
