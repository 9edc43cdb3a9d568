//! Real proxies before the server, each with the configuration in `deploy/` as it stands, but for addresses and files.

use std::fmt;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use tungstenite::WebSocket;

use crate::certificates::HOST;
use crate::client::program;
use crate::forward_proxy::ProxyKind;
use crate::process::{Process, free_address};
use crate::socket;
use crate::tls_tunnel::TlsTunnel;

/// Where the files of the certificate are in the configurations.
const CERTIFICATE: &str = "/etc/ssl/auth.example.org.";

/// Where the server is in the configurations.
const SERVER: &str = "127.0.0.1:8080";

/// A server behind a proxy: its address, and the address of its `/readyz`.
pub type Behind = (SocketAddr, SocketAddr);

/// A running proxy. It is ended when this is dropped.
#[derive(Debug)]
pub struct FrontProxy {
    address: SocketAddr,
    log: PathBuf,
    _process: Process,
}

/// A configuration in which what must be there is replaced.
struct Text(String);

impl Text {
    fn of(file: &str) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
        Ok(Self(fs::read_to_string(&path).with_context(|| path.display().to_string())?))
    }

    fn with(self, what: &str, by: impl fmt::Display) -> Result<Self> {
        ensure!(self.0.contains(what), "no {what:?} in {}", self.0);
        Ok(Self(self.0.replace(what, &by.to_string())))
    }

    fn write(self, folder: &Path, name: &str) -> Result<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, self.0)?;
        Ok(path)
    }
}

impl FrontProxy {
    /// Starts a proxy before servers, with `server.pem` and `server.key` in a folder that is its own too. All but HAProxy
    /// send every request to the first server; HAProxy spreads them over two, and names clients by the PROXY protocol.
    ///
    /// # Errors
    /// When the proxy is not installed or does not listen, or its configuration has not what is filled in.
    pub fn start(kind: ProxyKind, servers: &[Behind], folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let (server, _) = servers.first().context("no server")?;
        let certificate = format!("{}/server.", folder.display());
        let mut command = match kind {
            ProxyKind::Nginx => {
                let text = Text::of("nginx/auth-server.conf")?
                    .with("listen 443 ssl;", format!("listen {address} ssl;"))?
                    .with(CERTIFICATE, &certificate)?
                    .with(SERVER, server)?;
                let frame = crate::proxy::FRAME.replace("@DIR@", &folder.to_string_lossy());
                let file = Text(format!("{frame}{}}}\n", text.0)).write(folder, "nginx.conf")?;
                let mut command = Command::new("/usr/sbin/nginx");
                command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(file);
                command
            }
            ProxyKind::DebianCaddy | ProxyKind::Caddy => {
                let site = format!("{HOST}:{} {{\n\tbind 127.0.0.1\n", address.port());
                let text = Text::of("caddy/Caddyfile")?
                    .with(&format!("{HOST} {{\n"), site)?
                    .with(CERTIFICATE, &certificate)?
                    .with(SERVER, server)?;
                let options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n";
                let file = Text(format!("{options}{}", text.0)).write(folder, "Caddyfile")?;
                let mut command = Command::new(kind.caddy()?);
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env("HOME", folder);
                command
            }
            ProxyKind::Traefik => {
                let routes = folder.join("routes");
                fs::create_dir(&routes)?;
                Text::of("traefik/auth-server.yml")?
                    .with(CERTIFICATE, &certificate)?
                    .with(SERVER, server)?
                    .write(&routes, "auth-server.yml")?;
                let file = Text::of("traefik/traefik.yml")?
                    .with("\":443\"", format!("\"{address}\""))?
                    .with("/etc/traefik/routes", routes.display())?
                    .write(folder, "traefik.yml")?;
                let mut command = Command::new(program("traefik")?);
                command.arg(format!("--configFile={}", file.display()));
                command
            }
            ProxyKind::Envoy => {
                let file = Text::of("envoy/envoy.yaml")?
                    .with("address: 0.0.0.0, port_value: 443", in_yaml(address))?
                    .with(CERTIFICATE, &certificate)?
                    .with("address: 127.0.0.1, port_value: 8080", in_yaml(*server))?
                    .write(folder, "envoy.yaml")?;
                let mut command = Command::new(program("envoy")?);
                command
                    .args(["--concurrency", "1", "--use-dynamic-base-id", "-l", "warning", "-c"])
                    .arg(file);
                command
            }
            ProxyKind::Haproxy => {
                let both = ["pem", "key"].map(|end| fs::read_to_string(folder.join(format!("server.{end}"))));
                let [certificate, key] = both;
                fs::write(folder.join("server.both.pem"), certificate? + &key?)?;
                let mut text = Text::of("haproxy/haproxy.cfg")?
                    .with("bind :443", format!("bind {address}"))?
                    .with(CERTIFICATE, format!("{}/server.", folder.display()))?;
                let usual = ["one 127.0.0.1:8080 port 9100", "two 127.0.0.1:8081 port 9101"];
                for ((line, (server, health)), name) in usual.iter().zip(servers).zip(["one", "two"]) {
                    text = text.with(line, format!("{name} {server} port {}", health.port()))?;
                }
                let file = text.write(folder, "haproxy.cfg")?;
                let mut command = Command::new("/usr/sbin/haproxy");
                command.arg("-db").arg("-f").arg(file);
                command
            }
        };
        let log = folder.join("front.log");
        let output = File::create(&log)?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut process = Process::spawn(&mut command).context("cargo xtask test installs the proxies")?;
        process.wait_until_listening(address, &log)?;
        Ok(Self { address, log, _process: process })
    }

    /// The address that the proxy listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a web socket from an address of this machine through the proxy's TLS.
    ///
    /// # Errors
    /// When the certificate is not that of the authority, or the handshake is refused.
    pub fn open_socket(&self, from: IpAddr, path: &str, authority: &Path) -> Result<WebSocket<TlsTunnel>> {
        let stream = TlsTunnel::open(from, self.address, HOST, authority)?;
        socket::open_on(stream, HOST, path, "").with_context(|| self.log())
    }

    /// What the proxy has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// An address as Envoy's configuration has it.
fn in_yaml(address: SocketAddr) -> String {
    format!("address: {}, port_value: {}", address.ip(), address.port())
}
