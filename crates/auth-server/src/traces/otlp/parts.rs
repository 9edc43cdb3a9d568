//! Spans below the span of a request: what its task waits for. Their names are all that they tell.

use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry_sdk::trace::{SdkTracer, Span};

tokio::task_local! {
    /// The request that a task answers, where its span is sent.
    static REQUEST: Option<Parent>;
}

/// A span that others are below.
pub(super) struct Parent {
    tracer: SdkTracer,
    context: Context,
}

impl Parent {
    /// A span as the parent of others; `None` where it isn't sent.
    pub(super) fn of(span: &Span, tracer: &SdkTracer) -> Option<Self> {
        let context = span.span_context();
        context.is_sampled().then(|| Self {
            tracer: tracer.clone(),
            context: Context::new().with_remote_span_context(context.clone()),
        })
    }

    fn span(&self, name: &'static str, kind: SpanKind) -> SpanBuilder {
        self.tracer.span_builder(name).with_kind(kind)
    }

    fn begin(&self, span: SpanBuilder) -> Span {
        span.start_with_context(&self.tracer, &self.context)
    }
}

/// Does work whose parts are spans below another.
pub(super) fn below<F: Future>(parent: Option<Parent>, work: F) -> impl Future<Output = F::Output> {
    REQUEST.scope(parent, work)
}

/// Does a part of a request's work, which waits for another system: a span of that name, where the request has one.
pub(crate) async fn part<T>(
    name: &'static str,
    is_failure: fn(&T) -> bool,
    work: impl Future<Output = T>,
) -> T {
    let Some(mut span) = with_parent(|parent| parent.begin(parent.span(name, SpanKind::Client))) else {
        return work.await;
    };
    let done = work.await;
    if is_failure(&done) {
        span.set_status(Status::error(""));
    }
    span.end();
    done
}

/// Notes that a password was hashed for the request of this task: it took so long until now, a part of which it waited.
#[expect(clippy::disallowed_methods, reason = "the clock by which the SDK stamps all other spans")]
pub(crate) fn hashed(waited: Duration, all: Duration) {
    with_parent(|parent| {
        let ended = SystemTime::now();
        let since = ended.checked_sub(all).unwrap_or(ended);
        let begun = since + waited;
        for (name, from, to) in [("hashing wait", since, begun), ("hashing", begun, ended)] {
            let span = parent.span(name, SpanKind::Internal).with_start_time(from);
            parent.begin(span).end_with_timestamp(to);
        }
    });
}

/// `None` in a task that answers no request whose span is sent.
fn with_parent<T>(act: impl FnOnce(&Parent) -> T) -> Option<T> {
    REQUEST.try_with(|parent| parent.as_ref().map(act)).ok().flatten()
}
