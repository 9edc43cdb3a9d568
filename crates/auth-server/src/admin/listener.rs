//! What the operators' listener does for programs: operations, by keys for administration.

use std::sync::Arc;

use async_trait::async_trait;
use auth_core::ClientKey;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

use super::answers::Answers;
use super::bearers::Bearers;
use crate::side_listener::Service;

/// Does the operations of programs that have a key.
#[derive(Debug)]
pub(crate) struct KeyHolders {
    pub(crate) bearers: Bearers,
    pub(crate) answers: Arc<Answers>,
}

#[async_trait]
impl Service for KeyHolders {
    async fn answer(&self, client: ClientKey, request: Request<Incoming>) -> Response<Bytes> {
        match self.bearers.operator(request.headers(), client).await {
            Ok(operator) => self.answers.answer(operator, request).await,
            Err(refusal) => refusal,
        }
    }
}
