//! The socket of the running server that takes operations.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use auth_admin_api::Problem;
use http::StatusCode;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::peer;
use crate::config::{self, Admin, GroupScope};
use crate::edge::socket::{SocketFile, open_file};

/// Connections that are open at a time. Further ones wait.
const CONNECTIONS: usize = 32;

/// How long a client may take to send the head of its request.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may last: some operations wait for their turn to hash.
const CONNECTION: Duration = Duration::from_secs(120);

/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that is bound. Its file goes with it.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    _file: SocketFile,
    groups: BTreeMap<String, GroupScope>,
}

impl AdminSocket {
    /// Binds the socket that the configuration names, in a folder that only its owner's group can enter, unless the folder is
    /// there.
    ///
    /// # Errors
    /// A sentence for the operator: why it can't be bound.
    pub(crate) async fn bind(config: &Admin) -> anyhow::Result<Option<Self>> {
        let Some(path) = config.path() else { return Ok(None) };
        match Self::bind_at(path, config).await {
            // Nobody asked for the usual one.
            Err(error) if config.socket == config::AdminSocket::Usual => {
                tracing::warn!("{error:#}");
                Ok(None)
            }
            bound => bound.map(Some),
        }
    }

    async fn bind_at(path: PathBuf, config: &Admin) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            let made = fs::DirBuilder::new().recursive(true).mode(0o750).create(folder);
            made.with_context(|| format!("[admin] socket: {} can't be made", folder.display()))?;
        }
        // Who connects is judged by whom the system says that it is. The folder decides who can connect.
        let (listener, file) = open_file(&path).await.context("[admin] socket")?;
        Ok(Self { listener, path, groups: config.groups.clone(), _file: file })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes operations until told to stop.
    pub(crate) async fn serve(&self, answers: Arc<Answers>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = async {
                    let place = Arc::clone(&places).acquire_owned().await;
                    (place, self.listener.accept().await)
                } => accepted,
            };
            let (Ok(place), Ok((stream, _))) = accepted else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let connection = answer_at(Arc::clone(&answers), stream, self.groups.clone());
            let stop = stop.clone();
            tokio::spawn(async move {
                let _place = place;
                tokio::select! {
                    _ = timeout(CONNECTION, connection) => {}
                    // An operation that has begun is let end: it is the store's to do all or nothing.
                    () = async { stop.cancelled().await; sleep(HEAD).await } => {}
                }
            });
        }
    }
}

/// Answers the one request of a connection.
async fn answer_at(answers: Arc<Answers>, stream: UnixStream, groups: BTreeMap<String, GroupScope>) {
    let Ok(peer) = stream.peer_cred() else { return };
    let (user, group) = (peer.uid(), peer.gid());
    let operator = spawn_blocking(move || peer::operator_of(user, group, &groups)).await.ok().flatten();
    let service = service_fn(|request| {
        let (answers, operator) = (Arc::clone(&answers), operator.clone());
        async move {
            let response = match operator {
                Some(operator) => answers.answer(operator, request).await,
                None => {
                    let title =
                        "you are neither root nor the server's user, nor in a group of [admin.groups]";
                    Problem::new(StatusCode::FORBIDDEN, "no-operator", title).into_response()
                }
            };
            Ok::<_, Infallible>(response.map(Full::new))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    // A connection that breaks is the client's affair.
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}
