//! Sockets that take connections: bound here, or passed by the service manager.

use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use listenfd::ListenFd;
use socket2::{Domain, Socket, Type};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_util::either::Either;

use crate::config::{ListenAddress, UNIX_PEER, environment};
use crate::stream::Plain;
use crate::system_error::plain_io;

/// Connections that wait to be accepted, as many as tokio lets wait.
const BACKLOG: i32 = 1024;

/// A socket that takes connections.
#[derive(Debug)]
pub(crate) enum ListenSocket {
    Tcp(TcpListener),
    /// The file goes with it; it has none of its own when it was passed.
    Unix {
        listener: UnixListener,
        _file: Option<SocketFile>,
    },
}

/// The file of a Unix socket, which goes with the socket.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

/// The sockets that the service manager has passed, by name. A socket is taken once.
pub(crate) struct PassedSockets {
    sockets: ListenFd,
    names: Vec<String>,
}

/// Where a server takes connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum LocalAddress {
    /// At an address and a port.
    Tcp(SocketAddr),
    /// At a Unix socket.
    Unix(PathBuf),
}

impl PassedSockets {
    /// Takes what was passed to this process.
    pub(crate) fn take() -> Self {
        let names = environment::passed_names();
        Self { sockets: ListenFd::from_env(), names }
    }

    fn named(&mut self, name: &str) -> anyhow::Result<Vec<ListenSocket>> {
        let mut found = Vec::new();
        for index in 0..self.sockets.len() {
            if self.names.get(index).is_some_and(|own| own == name) {
                found.push(self.at(index).with_context(|| format!("the passed socket {name}"))?);
            }
        }
        if found.is_empty() {
            bail!("[server] listen: the service manager has passed no socket named {name}");
        }
        Ok(found)
    }

    fn at(&mut self, index: usize) -> io::Result<ListenSocket> {
        // One of the other type stays where it is.
        if let Ok(taken) = self.sockets.take_tcp_listener(index) {
            let listener = taken.ok_or(io::ErrorKind::AlreadyExists)?;
            listener.set_nonblocking(true)?;
            return TcpListener::from_std(listener).map(ListenSocket::Tcp);
        }
        let listener = self.sockets.take_unix_listener(index)?.ok_or(io::ErrorKind::AlreadyExists)?;
        listener.set_nonblocking(true)?;
        Ok(ListenSocket::Unix { listener: UnixListener::from_std(listener)?, _file: None })
    }
}

impl ListenSocket {
    /// Opens the sockets of an address: one, or all that were passed by that name. `all` are the addresses of the server.
    ///
    /// # Errors
    /// A sentence for the operator: why they can't be opened.
    pub(crate) async fn open<'a>(
        address: &ListenAddress,
        all: impl Iterator<Item = &'a ListenAddress>,
        passed: &mut PassedSockets,
    ) -> anyhow::Result<Vec<Self>> {
        match address {
            ListenAddress::Tcp(address) => {
                let is_beside_ipv4 = all.filter_map(ListenAddress::tcp).any(|other| {
                    other.is_ipv4() && other.ip().is_unspecified() && other.port() == address.port()
                });
                Ok(vec![Self::Tcp(open_port(*address, is_beside_ipv4).await?)])
            }
            ListenAddress::Unix(path) => {
                let (listener, file) = open_file(path).await.context("[server] listen")?;
                Ok(vec![Self::Unix { listener, _file: Some(file) }])
            }
            ListenAddress::Passed(name) => passed.named(name),
        }
    }

    /// A second handle of the same socket: connections that come while nobody accepts them wait for either.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn again(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(listener) => {
                let listener = std::net::TcpListener::from(listener.as_fd().try_clone_to_owned()?);
                TcpListener::from_std(listener).map(Self::Tcp)
            }
            Self::Unix { listener, .. } => {
                let listener = std::os::unix::net::UnixListener::from(listener.as_fd().try_clone_to_owned()?);
                Ok(Self::Unix { listener: UnixListener::from_std(listener)?, _file: None })
            }
        }
    }

    /// Waits for a connection, and gives it with the address as which its client counts.
    ///
    /// # Errors
    /// When the system refuses the connection.
    pub(crate) async fn accept(&self) -> io::Result<(Plain, SocketAddr)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Answers are small and written at once.
                let _ = stream.set_nodelay(true);
                Ok((Either::Left(stream), address))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Either::Right(stream), SocketAddr::new(UNIX_PEER, 0)))
            }
        }
    }

    /// The address, with the port that was found free where port 0 was asked for.
    ///
    /// # Errors
    /// When the system doesn't tell.
    pub(crate) fn local_address(&self) -> io::Result<LocalAddress> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(LocalAddress::Tcp),
            Self::Unix { listener, .. } => {
                let address = listener.local_addr()?;
                Ok(LocalAddress::Unix(address.as_pathname().unwrap_or(Path::new("")).to_owned()))
            }
        }
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl fmt::Debug for PassedSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassedSockets").field("names", &self.names).finish_non_exhaustive()
    }
}

/// Listens on a port. A socket for all IPv6 addresses takes no IPv4 ones where another is for these.
///
/// # Errors
/// A sentence for the operator: why the port can't be opened.
pub(crate) async fn open_port(address: SocketAddr, is_beside_ipv4: bool) -> anyhow::Result<TcpListener> {
    let opened = if address.is_ipv6() && is_beside_ipv4 {
        open_for_ipv6_alone(address)
    } else {
        TcpListener::bind(address).await
    };
    opened.map_err(|error| anyhow::anyhow!("can't listen on {address}: {}", plain_io(&error)))
}

fn open_for_ipv6_alone(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
    socket.set_only_v6(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Listens at a path, where a server that was killed may have left its socket. Every user of the machine who can enter the folder
/// can connect.
///
/// # Errors
/// A sentence for the operator: why the path can't be bound.
pub(crate) async fn open_file(path: &Path) -> anyhow::Result<(UnixListener, SocketFile)> {
    let shown = path.display();
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            if UnixStream::connect(path).await.is_ok() {
                bail!("another server is at {shown}: give each its own");
            }
            fs::remove_file(path).with_context(|| shown.to_string())?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener = listener.with_context(|| format!("{shown} can't be bound"))?;
    let file = SocketFile(path.to_owned());
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).with_context(|| shown.to_string())?;
    Ok((listener, file))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What is left is taken away by the next server.
        let _ = fs::remove_file(&self.0);
    }
}
