//! What connections may do to the built binary: how long each kind of them lasts, and that none keeps others out.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use std::future::Future;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use auth_conformance::clock::Stopwatch;
use auth_conformance::{Server, ServerConfig};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

/// Attackers' address, and that of an honest client.
const ATTACKER: &str = "127.0.0.1";
const HONEST: &str = "127.0.0.2";

/// Connections of one client, and of all.
const MOST_PER_CLIENT: usize = 48;
const MOST: usize = 64;

/// The configured limits.
const HEADER_TIMEOUT: Duration = Duration::from_secs(2);
const BODY_TIMEOUT: Duration = Duration::from_secs(4);

/// An honest client is answered within this time.
const PROMPT: Duration = Duration::from_secs(2);

/// What a connection does until it is closed.
type Behaviour = fn(TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>>;

fn config() -> ServerConfig {
    server::config()
        .set("server.max_connections", MOST)
        .set("server.max_per_client", MOST_PER_CLIENT)
        .set("server.header_timeout", "2s")
        .set("server.body_timeout", "4s")
        .set("web.url", "http://localhost:@PORT@")
}

async fn connect(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends a request with `Connection: close` and returns the whole response; empty when the connection was closed.
async fn exchange(from: &str, to: SocketAddr, request: &str) -> String {
    let mut stream = connect(from, to).await;
    let head = format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut response = Vec::new();
    if stream.write_all(head.as_bytes()).await.is_ok() {
        // A connection that is reset has said all it will.
        drop(stream.read_to_end(&mut response).await);
    }
    String::from_utf8(response).unwrap()
}

/// Reads until the server closes the connection.
async fn until_closed(stream: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

fn silent(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move { until_closed(&mut stream).await })
}

/// Sends the letter with which both versions of HTTP may begin.
fn one_byte(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        stream.write_all(b"P").await.unwrap();
        until_closed(&mut stream).await;
    })
}

/// Sends a head byte by byte, which never ends.
fn dripping_head(stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(drip(stream, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"x"))
}

/// Is answered once, and then says nothing.
fn idle_after_an_answer(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        stream.write_all(b"GET /api/v1/server_settings HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        until_closed(&mut stream).await;
    })
}

/// Announces a body of which one byte comes.
fn slow_body(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let head = "POST /api/v1/fetch_api_key HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nu";
        stream.write_all(head.as_bytes()).await.unwrap();
        until_closed(&mut stream).await;
    })
}

/// Opens a socket and logs nobody in.
fn anonymous_socket(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let head = "GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        until_closed(&mut stream).await;
    })
}

/// Asks for the style sheet without end, the largest answer that there is, and never reads one.
fn never_reading(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let Ok(style) = style_sheet(&mut stream).await else { return };
        let requests = format!("GET {style} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(100);
        while stream.write_all(requests.as_bytes()).await.is_ok() {}
    })
}

/// The path of the style sheet, as the sign-in page names it; an error when the connection was closed.
async fn style_sheet(stream: &mut TcpStream) -> std::io::Result<String> {
    stream.write_all(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
    let (mut page, mut bytes) = (Vec::new(), [0; 1024]);
    loop {
        let read = stream.read(&mut bytes).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        page.extend(&bytes[..read]);
        let text = String::from_utf8_lossy(&page);
        let good = "HTTP/1.1 200";
        assert!(text.starts_with(good) || good.starts_with(&*text), "{text}");
        let mut quoted = text.split('"');
        if let Some(style) = quoted.find(|text| text.starts_with("/style-") && text.ends_with(".css")) {
            return Ok(style.to_owned());
        }
    }
}

/// Asks for the metrics, and never reads the answer.
fn scraper_that_never_reads(mut stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        while stream.write_all(b"GET ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
}

/// Speaks HTTP/2 and answers pings, but asks for nothing.
fn http2_without_streams(stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(http2(stream, Vec::new()))
}

/// Speaks HTTP/2, asks once, and takes no byte of the answer.
fn http2_that_takes_no_byte(stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let path = b"/api/v1/server_settings";
    // HPACK: GET, http, the path and the authority as literals that are not indexed.
    let mut block = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path);
    block.extend([0x01, 9]);
    block.extend(b"localhost");
    let mut frames = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    frames.extend(frame(1, 0x5, 1, &block));
    Box::pin(http2(stream, frames))
}

/// Speaks HTTP/2 and sends pings again and again.
fn http2_that_pings(stream: TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    begin.extend(frame(4, 0, 0, &[]));
    let ping: &'static [u8] = frame(6, 0, 0, b"12345678").leak();
    Box::pin(async move { drip(stream, &begin, ping).await })
}

/// Sends the beginning, and then a piece again and again until the server closes the connection.
async fn drip(mut stream: TcpStream, begin: &[u8], piece: &[u8]) {
    stream.write_all(begin).await.unwrap();
    let mut bytes = [0; 4096];
    loop {
        tokio::select! {
            read = stream.read(&mut bytes) => {
                if !read.is_ok_and(|read| read > 0) {
                    return;
                }
            }
            () = tokio::time::sleep(Duration::from_millis(100)) => {
                if stream.write_all(piece).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Sends the preface and frames, and acknowledges settings and pings until the server closes the connection.
async fn http2(mut stream: TcpStream, frames: Vec<u8>) {
    let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    if frames.is_empty() {
        begin.extend(frame(4, 0, 0, &[]));
    }
    begin.extend(frames);
    stream.write_all(&begin).await.unwrap();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let [_, high, low, kind, flags, ..] = head;
        let mut payload = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        if stream.read_exact(&mut payload).await.is_err() {
            return;
        }
        let acknowledged = match (kind, flags & 1) {
            (4, 0) => frame(4, 1, 0, &[]),
            (6, 0) => frame(6, 1, 0, &payload),
            _ => continue,
        };
        if stream.write_all(&acknowledged).await.is_err() {
            return;
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, stream];
    frame.extend(payload);
    frame
}

/// Asks for the settings again and again, each time on a new connection, until the attack is over.
async fn honest_client_is_answered_during<T>(server: &Server, attack: impl Future<Output = T>) -> T {
    let request = "GET /api/v1/server_settings HTTP/1.1";
    is_answered_during(&[HONEST], server.address(), request, attack).await
}

/// Sends a request again and again, from each of the addresses in turn, until the attack is over.
async fn is_answered_during<T>(
    from: &[&str],
    to: SocketAddr,
    request: &str,
    attack: impl Future<Output = T>,
) -> T {
    let asking = async {
        for from in from.iter().cycle() {
            let began = Stopwatch::start();
            let response = exchange(from, to, request).await;
            assert!(response.starts_with("HTTP/1.1 200 "), "{from}: {response}");
            assert!(began.elapsed() < PROMPT, "{from}: {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        ended = attack => ended,
        () = asking => unreachable!("a client asks on until the attack is over"),
    }
}

/// The kinds of connections, and how long each may last.
fn kinds() -> [(&'static str, Behaviour, Range<Duration>); 9] {
    let head = HEADER_TIMEOUT..HEADER_TIMEOUT + Duration::from_secs(3);
    let body = BODY_TIMEOUT..BODY_TIMEOUT + Duration::from_secs(3);
    // A client that never reads is first answered until its buffers are full.
    let stalled = HEADER_TIMEOUT..Duration::from_secs(20);
    [
        ("silent", silent, head.clone()),
        ("one byte", one_byte, head.clone()),
        ("dripping head", dripping_head, head.clone()),
        ("idle after an answer", idle_after_an_answer, head.clone()),
        ("HTTP/2 without streams", http2_without_streams, head.clone()),
        ("HTTP/2 that pings", http2_that_pings, head.clone()),
        ("HTTP/2 that takes no byte", http2_that_takes_no_byte, head),
        ("slow body", slow_body, body),
        ("never reading", never_reading, stalled),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_connection_is_closed_in_time_and_an_honest_client_is_answered_meanwhile() {
    let server = server::start(&config(), USERS);
    for (name, behaviour, expected) in kinds() {
        let attack = lasting(name, behaviour, MOST_PER_CLIENT, &[ATTACKER], server.address());
        let lasted = honest_client_is_answered_during(&server, attack).await;
        let (shortest, longest) = (lasted.iter().min().unwrap(), lasted.iter().max().unwrap());
        // Clocks are read on both sides of a socket.
        let least = expected.start - Duration::from_millis(100);
        assert!(*shortest >= least && *longest < expected.end, "{name}: {shortest:?} to {longest:?}");
    }
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_connections_of_each_kind_as_there_may_be_keep_nobody_out() {
    let server = server::start(&config(), USERS);
    let attackers = ["127.0.1.1", "127.0.1.2", "127.0.1.3"];
    for (name, behaviour, expected) in kinds() {
        let attack = lasting(name, behaviour, MOST, &attackers, server.address());
        let lasted = honest_client_is_answered_during(&server, attack).await;
        // Some have made room for the honest client.
        assert!(lasted.iter().all(|lasted| *lasted < expected.end), "{name}: {lasted:?}");
    }
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

/// How long each of `count` connections lasts that begin now, from each of the addresses in turn.
async fn lasting(
    name: &str,
    behaviour: Behaviour,
    count: usize,
    from: &[&str],
    to: SocketAddr,
) -> Vec<Duration> {
    join_all(from.iter().cycle().take(count).map(|from| async move {
        let stream = connect(from, to).await;
        let began = Stopwatch::start();
        tokio::time::timeout(Duration::from_secs(30), behaviour(stream)).await.expect(name);
        began.elapsed()
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_scraper_is_closed_in_time_and_an_honest_one_is_answered_meanwhile() {
    const MOST: usize = 16;
    const TIMEOUT: Duration = Duration::from_secs(5);
    let server = server::start(&config().set("metrics.listen", "127.0.0.1:0"), USERS);
    let line = server.wait_for_log("\"message\":\"metrics are served at /metrics\"").unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let metrics: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    let in_time = TIMEOUT..TIMEOUT + Duration::from_secs(3);
    // What is answered, or can't be, ends at once.
    let at_once = Duration::ZERO..Duration::from_secs(2);
    let kinds: [(&str, Behaviour, usize, Range<Duration>); 6] = [
        ("silent", silent, MOST - 1, in_time.clone()),
        ("one byte", one_byte, MOST - 1, in_time.clone()),
        ("dripping head", dripping_head, MOST - 1, in_time.clone()),
        ("never reading", scraper_that_never_reads, MOST - 1, at_once.clone()),
        ("HTTP/2", http2_without_streams, MOST - 1, at_once),
        // Beyond the limit, the oldest make room.
        ("many silent ones", silent, 4 * MOST, Duration::ZERO..in_time.end),
    ];
    for (name, behaviour, count, expected) in kinds {
        let attack = lasting(name, behaviour, count, &[ATTACKER], metrics);
        let scrapers = [HONEST, ATTACKER];
        let lasted = is_answered_during(&scrapers, metrics, "GET /metrics HTTP/1.1", attack).await;
        let (shortest, longest) = (lasted.iter().min().unwrap(), lasted.iter().max().unwrap());
        let least = expected.start.saturating_sub(Duration::from_millis(100));
        assert!(*shortest >= least && *longest < expected.end, "{name}: {shortest:?} to {longest:?}");
    }
    let log = server::stop(server);
    assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_of_many_clients_keep_nobody_out() {
    let server = server::start(&config().set("server.header_timeout", "60s"), USERS);
    let address = server.address();
    let flood = async {
        let mut open = Vec::new();
        for number in 0..4 * MOST {
            open.push(connect(&format!("127.0.{}.{}", 1 + number / 100, 1 + number % 100), address).await);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        open
    };
    let open = honest_client_is_answered_during(&server, flood).await;
    assert_eq!(open.len(), 4 * MOST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busy_connections_of_several_clients_keep_nobody_out() {
    let behaviours: [Behaviour; 2] = [slow_body, anonymous_socket];
    for behaviour in behaviours {
        let server = server::start(&config().set("server.body_timeout", "60s"), USERS);
        let address = server.address();
        let flood = async {
            let mut busy = tokio::task::JoinSet::new();
            for number in 0..3 * MOST {
                let stream = connect(&format!("127.0.1.{}", 1 + number % 4), address).await;
                busy.spawn(behaviour(stream));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            busy
        };
        drop(honest_client_is_answered_during(&server, flood).await);
        server::stop(server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_whose_connections_are_all_busy_is_told_so_in_each_protocols_form() {
    let server = server::start(&config().set("server.body_timeout", "60s"), USERS);
    let address = server.address();
    let mut busy = Vec::new();
    for _ in 0..MOST_PER_CLIENT {
        let mut stream = connect(ATTACKER, address).await;
        let head = "POST /api/v1/fetch_api_key HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut continues = [0; 25];
        stream.read_exact(&mut continues).await.unwrap();
        assert_eq!(&continues, b"HTTP/1.1 100 Continue\r\n\r\n", "the body is waited for");
        busy.push(stream);
    }
    for (request, form) in [
        ("GET /api/v1/server_settings HTTP/1.1", "\"result\":\"error\""),
        ("GET /api/v1/me HTTP/1.1", "\"success\":false"),
        ("POST /a HTTP/1.1", "Service Unavailable"),
        ("GET /websocket HTTP/1.1", "\"success\":false"),
    ] {
        let refused = exchange(ATTACKER, address, request).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{request}: {refused}");
        assert!(refused.contains(form), "{request}: {refused}");
    }
    let honest = exchange(HONEST, address, "GET /api/v1/server_settings HTTP/1.1").await;
    assert!(honest.starts_with("HTTP/1.1 200 "), "{honest}");
    drop(busy);
}
