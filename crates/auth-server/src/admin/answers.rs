//! Answers to the requests of operators, whichever way they come.

use std::sync::Arc;
use std::time::Duration;

use auth_admin::operation::{Admin, Operator};
use auth_admin_api::{AdminApi, MAX_BODY, Problem};
use auth_engine::Engine;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::side_listener::whole_body;

/// How long an operation may take: some wait for their turn to hash.
const OPERATION: Duration = Duration::from_secs(100);

/// Answers the requests of operators whom the server knows.
#[derive(Debug)]
pub(crate) struct Answers {
    engine: Arc<Engine>,
    api: AdminApi,
}

impl Answers {
    /// Answers for an engine, whose store goes by a name, and whose pages may have an address.
    pub(crate) fn new(engine: &Arc<Engine>, store: String, pages: Option<String>) -> Self {
        let api = AdminApi::new(Arc::clone(engine), store).with_pages(pages);
        Self { engine: Arc::clone(engine), api }
    }

    /// Reads the body of an operator's request, and answers it.
    pub(super) async fn answer(&self, operator: Operator, request: Request<Incoming>) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let is_scim = head.uri.path().starts_with(auth_scim::ROOT);
        let most = if is_scim { auth_scim::MAX_BODY } else { MAX_BODY };
        let body = match whole_body(body, most).await {
            Ok(body) => body,
            Err(problem) => return problem.into_response(),
        };
        let request = Request::from_parts(head, body);
        // The store does all of an operation or nothing: one that is given up here is whole or not done.
        let answer = async {
            if is_scim {
                let admin = Admin::new(Arc::clone(&self.engine), operator);
                return auth_scim::answer(&admin, &request).await;
            }
            self.api.answer(operator, &request).await
        };
        timeout(OPERATION, answer).await.unwrap_or_else(|_| {
            let title = "the operation took too long: look whether it was done";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", title).into_response()
        })
    }
}
