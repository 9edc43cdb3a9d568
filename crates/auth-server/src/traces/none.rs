//! No traces.

use std::sync::Arc;
use std::time::Duration;

use auth_core::Store;
use http::StatusCode;

use super::Traced;
use crate::config;

/// Sends nothing.
#[derive(Clone)]
pub(crate) struct Traces;

/// The span of no trace.
pub(crate) struct RequestSpan;

impl Traces {
    /// See the module of the feature `otlp`. The configuration was refused that names a collector.
    #[expect(clippy::unnecessary_wraps, reason = "the same signature with the feature and without it")]
    pub(crate) fn start(_: &config::Traces) -> anyhow::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn begin(&self, _: &Traced<'_>) -> RequestSpan {
        RequestSpan
    }

    pub(crate) async fn alone<T, E>(
        &self,
        _: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        work.await
    }

    pub(crate) async fn finish(&self) {}
}

impl RequestSpan {
    pub(crate) fn end(self, _: StatusCode) {}
}

pub(crate) fn parts_of<F: Future>(_: &RequestSpan, work: F) -> F {
    work
}

pub(crate) fn part<T, F: Future<Output = T>>(_: &'static str, _: fn(&T) -> bool, work: F) -> F {
    work
}

pub(crate) fn hashed(_: Duration, _: Duration) {}

pub(crate) fn traced_store(_: &config::Traces, store: Arc<dyn Store>) -> Arc<dyn Store> {
    store
}
