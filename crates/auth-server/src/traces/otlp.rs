//! Traces by OTLP over HTTP, in protobuf.
//!
//! Spans wait in a queue of bounded size; those that find no room are dropped. A thread of the SDK sends them in batches, and
//! no request waits for it.

mod parts;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::Store;
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span,
};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;

use self::parts::Parent;
pub(crate) use self::parts::{hashed, part};
use self::store::TracedStore;
use super::Traced;
use crate::config;

/// Spans that wait to be sent.
const QUEUE: usize = 4096;

/// Spans that are sent together.
const BATCH: usize = 512;

/// How long a span waits at most to be sent.
const DELAY: Duration = Duration::from_secs(1);

/// How long the collector may take for a batch.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last spans may take.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// The longest answer of a collector.
const LONGEST_ANSWER: usize = 64 << 10;

/// Makes spans of requests, and sends them.
#[derive(Clone)]
pub(crate) struct Traces(Option<Sending>);

#[derive(Clone)]
struct Sending {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of a request, which ends when it is dropped.
pub(crate) struct RequestSpan(Option<(Span, SdkTracer)>);

impl Traces {
    /// Begins to send spans to the collector, where the configuration names one.
    ///
    /// # Errors
    /// When the SDK refuses the address.
    pub(crate) fn start(config: &config::Traces) -> anyhow::Result<Self> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(Self(None)) };
        let client = Collector { runtime: Handle::current(), is_reached: AtomicBool::new(true) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.as_str())
            .with_timeout(SEND_TIMEOUT)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder_empty().with_service_name("auth-server").with_attribute(version);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample))))
            .with_resource(resource.build())
            .build();
        let tracer = provider.tracer("auth-server");
        Ok(Self(Some(Sending { provider, tracer })))
    }

    /// Begins the span of a request.
    pub(crate) fn begin(&self, of: &Traced<'_>) -> RequestSpan {
        let Some(Sending { tracer, .. }) = &self.0 else { return RequestSpan(None) };
        let parent = if of.is_trusted {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(of.headers))
        } else {
            Context::new()
        };
        // A method that a client made up is no name.
        let method = match *of.method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            _ => "_OTHER",
        };
        let span = tracer
            .span_builder(format!("{method} {}", of.route.pattern))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", of.route.pattern),
                KeyValue::new("auth.protocol", of.protocol.as_str().to_owned()),
                KeyValue::new("auth.request_id", of.id.to_string()),
            ]);
        RequestSpan(Some((span.start_with_context(tracer, &parent), tracer.clone())))
    }

    /// Does work that belongs to no request, in a span of its own.
    pub(crate) async fn alone<T, E>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(Sending { tracer, .. }) = &self.0 else { return work.await };
        let mut span =
            tracer.span_builder(name).with_kind(SpanKind::Client).start_with_context(tracer, &Context::new());
        let result = work.await;
        if result.is_err() {
            span.set_status(Status::error(""));
        }
        span.end();
        result
    }

    /// Sends the last spans, and waits a moment for that.
    pub(crate) async fn finish(&self) {
        let Some(Sending { provider, .. }) = &self.0 else { return };
        let provider = provider.clone();
        // It blocks. What can't be sent now is lost.
        drop(tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await);
    }
}

/// Does the work of a request, whose parts are spans below its own.
pub(crate) fn parts_of<F: Future>(span: &RequestSpan, work: F) -> impl Future<Output = F::Output> + use<F> {
    parts::below(span.0.as_ref().and_then(|(span, tracer)| Parent::of(span, tracer)), work)
}

/// A store whose calls are spans, where spans are sent at all.
pub(crate) fn traced_store(config: &config::Traces, store: Arc<dyn Store>) -> Arc<dyn Store> {
    if config.otlp_endpoint.is_some() { Arc::new(TracedStore(store)) } else { store }
}

impl RequestSpan {
    /// Ends the span of a request that was answered.
    pub(crate) fn end(self, status: StatusCode) {
        let Some((mut span, _)) = self.0 else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// The collector, over HTTP.
#[derive(Debug)]
struct Collector {
    /// The thread of the SDK is none of the runtime's.
    runtime: Handle,
    /// Whether the last batch was taken.
    is_reached: AtomicBool,
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = self.runtime.spawn(async { timeout(SEND_TIMEOUT, send(request)).await });
        let sent = match sending.await {
            Ok(Ok(sent)) => sent,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        let is_reached = sent.as_ref().is_ok_and(|response| response.status().is_success());
        // Once for each outage.
        if self.is_reached.swap(is_reached, Ordering::Relaxed) && !is_reached {
            let cause = match &sent {
                Ok(response) => response.status().to_string(),
                Err(error) => error.to_string(),
            };
            tracing::warn!(cause, "traces can't be sent: spans are dropped until the collector takes them");
        }
        sent
    }
}

/// Sends a batch on a connection of its own.
async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("no host")?.clone();
    let stream =
        TcpStream::connect((plain_host(authority.host()), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the request.
    drop(tokio::spawn(connection));
    head.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
    head.uri = head.uri.path_and_query().map_or_else(Uri::default, |path| Uri::from(path.clone()));
    let response = sender.send_request(Request::from_parts(head, Full::new(body))).await?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}

/// An address of IPv6 without its brackets.
fn plain_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
