//! Commands as clients of the running server.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use auth_admin::operation::Operation;
use auth_admin_api::{Index, client};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::peer;

/// The running server, at its socket.
#[derive(Debug)]
pub(crate) struct ServerClient {
    path: PathBuf,
}

impl ServerClient {
    /// The server at a socket; `None` where nobody answers there.
    ///
    /// # Errors
    /// A sentence for the operator: why the server that is there can't be asked.
    pub(crate) async fn find(path: &Path) -> anyhow::Result<Option<Self>> {
        match connect(path).await {
            Ok(_) => Ok(Some(Self { path: path.to_owned() })),
            Err(error) => match error.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) async fn index(&self) -> anyhow::Result<Index> {
        Ok(client::index(&self.ask(client::index_request()?).await?)?)
    }

    /// Has the server do an operation.
    ///
    /// # Errors
    /// A sentence for the operator: the server's, where it refuses.
    pub(crate) async fn run<O: Operation>(&self, operation: &O) -> anyhow::Result<O::Reply> {
        Ok(client::reply::<O>(&self.ask(client::request(operation)?).await?)?)
    }

    async fn ask(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let broke = || format!("the server at {} broke off", self.path.display());
        let stream = connect(&self.path).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.with_context(broke)?;
        let asked = async {
            let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
            Ok::<_, hyper::Error>(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let (asked, _) = tokio::join!(asked, connection);
        asked.with_context(broke)
    }
}

/// Connects to a server that may be told passwords.
async fn connect(path: &Path) -> anyhow::Result<UnixStream> {
    let stream = UnixStream::connect(path).await;
    let stream = stream.with_context(|| format!("the server's socket {}", path.display()))?;
    if !peer::is_trusted(&stream, path) {
        bail!("the socket {} is neither root's nor the server's user's: nothing was sent", path.display());
    }
    Ok(stream)
}
