//! The server's end.

use std::fmt;
use std::sync::{Arc, OnceLock};

use auth_admin::AdminError;
use auth_admin::operation::{Admin, Entry, Operator};
use auth_core::{Digest, StoreError};
use auth_engine::Engine;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::idempotency::{self, Beginning, Replies};
use crate::index::Index;
use crate::openapi;
use crate::problem::Problem;
use crate::{DESCRIPTION, MAX_BODY, ROOT};

/// Answers the requests of operators.
pub struct AdminApi {
    engine: Arc<Engine>,
    /// Which store the server has, as [`Index::store`] tells.
    store: String,
    /// The address of the pages, as [`Index::pages`] tells.
    pages: Option<String>,
    replies: Replies,
    /// The OpenAPI description, which is made at the first request for it.
    description: OnceLock<Bytes>,
}

impl AdminApi {
    /// Answers for an engine, whose store goes by a name.
    #[must_use]
    pub fn new(engine: Arc<Engine>, store: impl Into<String>) -> Self {
        let (replies, description) = (Replies::default(), OnceLock::new());
        Self { engine, store: store.into(), pages: None, replies, description }
    }

    /// Tells the address of the pages.
    #[must_use]
    pub fn with_pages(self, pages: Option<String>) -> Self {
        Self { pages, ..self }
    }

    /// Answers a request of an operator, whose body was read up to [`MAX_BODY`] bytes and one.
    pub async fn answer(&self, operator: Operator, request: &Request<Bytes>) -> Response<Bytes> {
        self.judge(operator, request).await.unwrap_or_else(Problem::into_response)
    }

    async fn judge(&self, operator: Operator, request: &Request<Bytes>) -> Result<Response<Bytes>, Problem> {
        let path = request.uri().path();
        if path == ROOT || format!("{path}/") == ROOT {
            if request.method() != Method::GET {
                return Ok(not_allowed("GET"));
            }
            let index = Index::of(&operator, &self.store, self.pages.as_deref());
            return Ok(document(serde_json::to_vec(&index).map_err(|error| internal(&error))?));
        }
        if path == DESCRIPTION {
            if request.method() != Method::GET {
                return Ok(not_allowed("GET"));
            }
            return Ok(document(self.description.get_or_init(describe).clone()));
        }
        let entry = path.strip_prefix(ROOT).and_then(Entry::named);
        let entry = entry.ok_or_else(|| Problem::from(&AdminError::NoOperation))?;
        if request.method() != Method::POST {
            return Ok(not_allowed("POST"));
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
        match idempotency::key_of(request.headers())? {
            // What only reads may be done again.
            Some(key) if !entry.reads() && admin.operator().may(entry.scopes) => {
                self.once(&admin, entry, key, request).await
            }
            _ => {
                Ok(document(entry.run(&admin, request.body()).await.map_err(|error| Problem::from(&error))?))
            }
        }
    }

    /// Does an operation unless it was done before.
    async fn once(
        &self,
        admin: &Admin,
        entry: &Entry,
        key: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Problem> {
        let name = idempotency::name_of(&admin.operator().author().actor, key);
        let content = idempotency::content_of(entry.name, request.body());
        let now = self.engine.clock().now();
        let turn = match self.replies.begin(name, content, now)? {
            Beginning::Do(turn) => turn,
            Beginning::Done(reply) => return Ok(reply),
        };
        if !turn.is_spent {
            let spent = self.engine.store().spend(&Digest::new(name), now + idempotency::LIFE).await;
            if !spent.map_err(|error| Problem::from(&AdminError::from(error)))? {
                let title = "a request with this Idempotency-Key came before, and its reply is known no more: look \
                             whether it was done";
                return Err(Problem::new(StatusCode::CONFLICT, "done-before", title));
            }
        }
        match entry.run(admin, request.body()).await {
            Ok(body) => {
                let reply = document(body);
                turn.done(&reply);
                Ok(reply)
            }
            Err(error) => {
                let problem = Problem::from(&error);
                if matches!(error, AdminError::Store(StoreError::OutcomeUnknown(_))) {
                    turn.done(&problem.clone().into_response());
                } else {
                    turn.undone();
                }
                Err(problem)
            }
        }
    }
}

fn describe() -> Bytes {
    openapi::document().to_string().into()
}

fn document(body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed(method: &'static str) -> Response<Bytes> {
    let title = format!("this is asked by {method}");
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", title).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(method));
    response
}

fn internal(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminApi").field("store", &self.store).finish_non_exhaustive()
    }
}
