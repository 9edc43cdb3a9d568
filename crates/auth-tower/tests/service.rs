//! A protocol as a Service: bodies, clients, prefixes and moments, and the service under hyper and axum.

#![cfg(test)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::testing::{FakeServices, RealmBuilder};
use auth_core::{
    Answer, BodyRule, FailureReason, InternalError, LoginError, LoginReply, ManualClock, Peer, Protocol,
    ProtocolName, RequestError, RequestId, Route, Timestamp,
};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use auth_tower::{ClientHeader, PeerAddress, ProtocolService, Proxies};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A protocol that answers as Rocket.Chat does, and keeps what it was asked.
struct Watched {
    inner: RocketChatProtocol,
    seen: Mutex<Vec<(Peer, String)>>,
}

#[async_trait]
impl Protocol for Watched {
    fn name(&self) -> ProtocolName {
        self.inner.name()
    }

    fn route(&self, path: &str) -> Route {
        self.inner.route(path)
    }

    fn body_rule(&self, route: &Route, method: &Method, headers: &HeaderMap) -> BodyRule {
        self.inner.body_rule(route, method, headers)
    }

    fn refuse(&self, error: RequestError) -> Answer {
        self.inner.refuse(error)
    }

    async fn answer(&self, route: &Route, request: Request<Bytes>, peer: &Peer) -> Answer {
        self.seen.lock().unwrap().push((peer.clone(), request.uri().to_string()));
        self.inner.answer(route, request, peer).await
    }
}

impl Watched {
    /// The client and the address of the last request that came to the protocol.
    fn last(&self) -> Option<(Peer, String)> {
        self.seen.lock().unwrap().pop()
    }
}

/// Logins are refused half a second from now.
fn protocol() -> Arc<Watched> {
    let services = FakeServices::new().realm(RealmBuilder::new("chat").build()).on_log_in(|_| LoginReply {
        not_before: Some(NOW + Duration::from_millis(500)),
        ..LoginReply::refused(LoginError::Credentials(FailureReason::WrongPassword))
    });
    let inner = RocketChatProtocol::new(Config::new("chat", "http://localhost"), Arc::new(services));
    Arc::new(Watched { inner, seen: Mutex::default() })
}

fn service(protocol: &Arc<Watched>) -> ProtocolService {
    ProtocolService::new(Arc::clone(protocol) as _, Arc::new(ManualClock::at(NOW)))
}

fn address(text: &str) -> PeerAddress {
    PeerAddress(text.parse().unwrap())
}

/// A login, on a connection of 192.0.2.1.
fn login(target: &str) -> http::request::Builder {
    let request = Request::post(target).header("Content-Type", "application/json");
    request.extension(address("192.0.2.1:4000"))
}

fn body() -> Full<Bytes> {
    Full::from(r#"{"user":"ada","password":"guess"}"#)
}

async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_sent_at_its_moment_and_not_before() {
    let answering = service(&protocol()).oneshot(login("/api/v1/login").body(body()).unwrap());
    tokio::pin!(answering);
    assert!(tokio::time::timeout(Duration::from_millis(499), &mut answering).await.is_err());
    let response = tokio::time::timeout(Duration::from_millis(10), answering).await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(text(response).await.contains("Unauthorized"));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_answered_in_the_protocols_own_form_and_ends_the_connection() {
    for pieces in [1, 100] {
        let piece = Bytes::from(vec![b'x'; 70_000 / pieces]);
        let frames = (0..pieces).map(move |_| Ok::<_, Infallible>(Frame::data(piece.clone())));
        let request = login("/api/v1/login").body(StreamBody::new(stream::iter(frames))).unwrap();
        let response = service(&protocol()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{pieces}");
        assert_eq!(response.headers()["connection"], "close");
        assert!(text(response).await.contains("error-body-too-large"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_in_the_protocols_own_form() {
    let protocol = protocol();
    let service = service(&protocol).body_timeout(Duration::from_secs(7));
    let stuck = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let answering = service.clone().oneshot(login("/api/v1/login").body(stuck).unwrap());
    let response = tokio::time::timeout(Duration::from_secs(8), answering).await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert!(response.headers().contains_key("content-type"));
    let broken = stream::iter([Err::<Frame<Bytes>, _>("reset")]);
    let response =
        service.oneshot(login("/api/v1/login").body(StreamBody::new(broken)).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(protocol.last().is_none(), "the protocol was kept from both");
}

#[tokio::test]
async fn the_client_is_whom_a_trusted_proxy_names_and_else_the_connection() {
    let protocol = protocol();
    let proxies =
        Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], header: ClientHeader::XForwardedFor };
    for (socket, client, id) in
        [("192.0.2.1:5", "192.0.2.1", ""), ("10.0.0.1:5", "198.51.100.7", "from-the-proxy")]
    {
        let request = Request::get("/api/info")
            .extension(address(socket))
            .header("X-Forwarded-For", "203.0.113.9, 198.51.100.7")
            .header("X-Request-Id", "from-the-proxy")
            .header("User-Agent", "curl/8.5.0");
        let service = service(&protocol).trusting(proxies.clone());
        let response = service.oneshot(request.body(body()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (peer, _) = protocol.last().unwrap();
        assert_eq!(peer.address.to_string(), client, "{socket}");
        assert_eq!(format!("{}:5", peer.connection), socket);
        assert_eq!(peer.request_id.to_string(), id);
        assert_eq!(peer.agent.as_deref(), Some("curl/8.5.0"));
    }
    let id = RequestId::given("of-the-server").unwrap();
    let request = Request::get("/api/info").extension(address("192.0.2.1:5")).extension(id);
    service(&protocol).oneshot(request.body(body()).unwrap()).await.unwrap();
    assert_eq!(protocol.last().unwrap().0.request_id, id);
}

#[tokio::test]
async fn a_request_without_an_address_is_a_fault_of_the_server_and_not_of_one_shared_client() {
    let protocol = protocol();
    let request = Request::post("/api/v1/login").body(body()).unwrap();
    let response = service(&protocol).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(protocol.last().is_none());
}

#[tokio::test]
async fn banned_clients_do_not_reach_the_protocol() {
    let protocol = protocol();
    let service = service(&protocol).banning(|address| address.to_string() == "192.0.2.1");
    let response = service.clone().oneshot(login("/api/v1/login").body(body()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(protocol.last().is_none());
    let other = Request::get("/api/info").extension(address("192.0.2.2:5")).body(body()).unwrap();
    assert_eq!(service.oneshot(other).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_prefix_is_taken_off_and_other_paths_are_not_the_protocols() {
    let protocol = protocol();
    for (prefix, target, expected) in [
        ("/auth", "/auth/api/info?x=/auth", Some("/api/info?x=/auth")),
        ("auth/", "/auth/api/info", Some("/api/info")),
        ("/auth", "/auth//api//info", Some("/api/info")),
        ("/", "/api/info", Some("/api/info")),
        ("/auth", "/api/info", None),
        ("/auth", "/authapi/info", None),
    ] {
        let request = Request::get(target).extension(address("192.0.2.1:5")).body(body()).unwrap();
        let response = service(&protocol).below(prefix).oneshot(request).await.unwrap();
        let status = if expected.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(response.status(), status, "{prefix} {target}");
        assert_eq!(protocol.last().map(|(_, target)| target).as_deref(), expected, "{prefix} {target}");
    }
}

#[tokio::test]
async fn internal_errors_are_answered_in_the_protocols_own_form() {
    let services = FakeServices::new().outage(InternalError::unavailable("the disk is gone"));
    let protocol = RocketChatProtocol::new(Config::new("chat", "http://localhost"), Arc::new(services));
    let service = ProtocolService::new(Arc::new(protocol), Arc::new(ManualClock::at(NOW)));
    let response = service.oneshot(login("/api/v1/login").body(body()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!text(response).await.contains("disk"));
}

/// Asks for `/api/info` at a listener, and gives the answer as it came.
async fn ask(address: SocketAddr, target: &str) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn hyper_spells_the_names_of_headers_as_old_clients_want_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service(&protocol());
    let serving = async move {
        let (stream, peer) = listener.accept().await.unwrap();
        let service = service.map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            request
        });
        let service = hyper_util::service::TowerToHyperService::new(service);
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.title_case_headers(true);
        builder.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await.unwrap();
    };
    let ((), answer) = tokio::join!(serving, ask(address, "/api/info"));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Type: application/json"), "{answer}");
}

#[tokio::test]
async fn axum_takes_the_service_as_a_fallback_and_nested_and_tells_it_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let protocol = protocol();
    let app = axum::Router::new()
        .route("/own", axum::routing::get("own"))
        .nest_service("/chat", service(&protocol))
        .fallback_service(service(&protocol));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    for (target, seen) in [("/api/info", "/api/info"), ("/chat/api/info", "/api/info")] {
        let answer = ask(address, target).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let (peer, path) = protocol.last().unwrap();
        assert_eq!((peer.address.to_string().as_str(), path.as_str()), ("127.0.0.1", seen));
    }
    assert!(ask(address, "/own").await.ends_with("own"));
    assert!(protocol.last().is_none());
}
