//! Real proxies that ask the server for each request, and an application behind them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use crate::client::program;
use crate::http::{self, Request};
use crate::process::{Process, free_address};
use crate::proxy::{FRAME, Proxy};
use crate::server::Server;
use crate::socket;

/// What a proxy in front of another does. It has an address of its own: for that of this machine, Envoy would name another one.
const FRONT: &str = "location / {
            proxy_pass http://@SERVER@;
            proxy_http_version 1.1;
            proxy_bind 127.0.0.2;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Forwarded '$http_forwarded, for=$remote_addr';
        }
";

/// The action of HAProxy.
const LUA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/haproxy/auth-forward.lua");

/// How often a wait for routes asks again, and how many times: 10 seconds in all.
const ROUTE_POLL: Duration = Duration::from_millis(10);
const ROUTE_POLLS: u32 = 1000;

/// A proxy with which the server is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests run each")]
pub enum ProxyKind {
    /// Debian's nginx.
    Nginx,
    /// Debian's Caddy.
    DebianCaddy,
    /// Caddy's own release.
    Caddy,
    /// Traefik.
    Traefik,
    /// Envoy.
    Envoy,
    /// Debian's HAProxy, with the action in `deploy/`.
    Haproxy,
}

impl ProxyKind {
    /// What `[forward] dialect` must be.
    #[must_use]
    pub fn dialect(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::DebianCaddy | Self::Caddy | Self::Traefik | Self::Haproxy => "x-forwarded",
        }
    }

    /// The program, of the two kinds of Caddy.
    pub(crate) fn caddy(self) -> Result<PathBuf> {
        if self == Self::Caddy { program("caddy") } else { Ok("/usr/bin/caddy".into()) }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::DebianCaddy | Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Envoy => "envoy",
            Self::Haproxy => "haproxy",
        }
    }
}

/// A running proxy. It is ended when this is dropped.
#[derive(Debug)]
pub struct ForwardProxy {
    address: SocketAddr,
    log: PathBuf,
    _running: Running,
}

#[derive(Debug)]
#[expect(dead_code, reason = "what is held runs until it is dropped")]
enum Running {
    Nginx(Proxy),
    Other(Process),
}

impl ForwardProxy {
    /// Starts a proxy with what `auth-server forward snippet` prints for it, in front of an application.
    ///
    /// # Errors
    /// When the command fails, or the proxy is not installed or does not listen.
    pub fn start(kind: ProxyKind, server: &Server, application: SocketAddr) -> Result<Self> {
        let folder = server.dir().join(format!("{kind:?}"));
        fs::create_dir(&folder)?;
        let address = free_address()?;
        let (to, listen) = (application.to_string(), address.to_string());
        let arguments = ["forward", "snippet", kind.name(), "--config", "@CONFIG@", "--application", &to];
        let more = ["--listen", &listen, "--lua", LUA];
        let text = server.run(&[&arguments[..], &more].concat(), "")?;
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            fs::write(&path, text)?;
            Ok(path)
        };
        let mut command = match kind {
            ProxyKind::Nginx => return Self::nginx(&text, application, &folder),
            ProxyKind::DebianCaddy | ProxyKind::Caddy => {
                let site = format!(
                    ":{} {{\n bind 127.0.0.1\n import auth_forward\n reverse_proxy {to}\n}}\n",
                    address.port()
                );
                let options = "{\n admin off\n auto_https off\n}\n";
                let file = write("Caddyfile", &format!("{options}{text}{site}"))?;
                let mut command = Command::new(kind.caddy()?);
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", &folder);
                command
            }
            ProxyKind::Traefik => {
                write("auth-forward.yml", &text)?;
                let routes = format!(
                    "http:\n  routers:\n    application:\n      entryPoints: [web]\n      rule: PathPrefix(`/`)\n      \
                     middlewares: [auth-forward]\n      service: application\n  services:\n    application:\n      \
                     loadBalancer:\n        servers:\n          - url: http://{to}\n"
                );
                write("routes.yml", &routes)?;
                let mut command = Command::new(program("traefik")?);
                command
                    .arg(format!("--entryPoints.web.address={listen}"))
                    .arg("--entryPoints.web.forwardedHeaders.trustedIPs=127.0.0.1/32,127.0.0.2/32")
                    .arg(format!("--providers.file.directory={}", folder.display()))
                    .args(["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"])
                    .current_dir(&folder);
                command
            }
            ProxyKind::Envoy => {
                let file = write("envoy.yml", &text)?;
                let mut command = Command::new(program("envoy")?);
                command
                    .args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warning", "-c"])
                    .arg(file);
                command
            }
            ProxyKind::Haproxy => {
                let times = "defaults\n timeout client 30s\n timeout server 30s\n timeout connect 5s\n";
                let file = write("haproxy.cfg", &format!("{times}{text}"))?;
                let mut command = Command::new("/usr/sbin/haproxy");
                command.arg("-db").arg("-f").arg(file);
                command
            }
        };
        let log = folder.join("log");
        let output = File::create(&log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut process = Process::spawn(&mut command).context("cargo xtask test installs the proxies")?;
        process.wait_until_listening(address, &log)?;
        if kind == ProxyKind::Traefik {
            wait_for_routes(address)?;
        }
        Ok(Self { address, log, _running: Running::Other(process) })
    }

    fn nginx(text: &str, to: SocketAddr, folder: &Path) -> Result<Self> {
        let proxy = Proxy::start(
            &format!("{FRAME}    server {{\n        listen @LISTEN@;\n{text}    }}\n}}\n"),
            to,
            folder,
        )?;
        Ok(Self { address: proxy.address(), log: folder.join("nginx.log"), _running: Running::Nginx(proxy) })
    }

    /// Starts a proxy that asks nobody in front of this one.
    ///
    /// # Errors
    /// When nginx is not installed or does not listen.
    pub fn front(&self, server: &Server) -> Result<Self> {
        let folder = server.dir().join("front");
        fs::create_dir(&folder)?;
        Self::nginx(FRONT, self.address, &folder)
    }

    /// The address that the proxy listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a web socket at a path of a host, sends a text, and returns what comes back. `headers` go along with those of the
    /// handshake, each with its line break.
    ///
    /// # Errors
    /// When the handshake is refused, with the head of the answer; or when nothing comes back.
    pub fn ask_socket(&self, host: &str, path: &str, headers: &str) -> Result<String> {
        let mut socket = socket::open_at(self.address, host, path, headers)?;
        socket.send(Message::text("who am I?"))?;
        Ok(socket.read()?.into_text()?.to_string())
    }

    /// What the proxy has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Waits until Traefik, which listens before it has read its routes, has one.
fn wait_for_routes(address: SocketAddr) -> Result<()> {
    for _ in 0..ROUTE_POLLS {
        if http::send(address, &Request::new("GET", "/"))?.status != 404 {
            return Ok(());
        }
        thread::sleep(ROUTE_POLL);
    }
    bail!("Traefik has no route after 10 s")
}

/// An application that shows what it is sent: it answers a request with its head and its body, and what comes by a web socket
/// with the head of the handshake.
#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Application {
    /// Starts the application. It runs as long as the process.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                // A client that goes away gets no answer.
                thread::spawn(move || drop(serve(client, &kept)));
            }
        });
        Ok(Self { address, heads })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have come so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Answers one request of a connection, or a web socket's messages.
fn serve(mut client: TcpStream, kept: &Mutex<Vec<String>>) -> Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    if head.is_empty() {
        return Ok(());
    }
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let header = |name: &str| {
        let of_name = |line: &&str| line.to_lowercase().starts_with(&format!("{name}:"));
        head.lines()
            .find(of_name)
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    if let Some(key) = header("sec-websocket-key").filter(|_| header("upgrade").is_some()) {
        // RFC 6455, section 4.2.2.
        let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes()).as_ref());
        let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        write!(client, "{switch}Sec-WebSocket-Accept: {accept}\r\n\r\n")?;
        let mut socket = WebSocket::from_raw_socket(client, Role::Server, None);
        while socket.read()?.is_text() {
            socket.send(Message::text(head.clone()))?;
        }
        return Ok(());
    }
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let shown = format!("{head}{}", String::from_utf8_lossy(&body));
    let length = shown.len();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{shown}"
    )?;
    Ok(())
}
