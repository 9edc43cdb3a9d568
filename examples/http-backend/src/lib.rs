//! A password backend that asks an HTTP service: accounts of another system log in here with their passwords there.
//!
//! The service takes `POST` with `{"name":"ada","password":"…"}` and answers:
//!
//! | answer | meaning |
//! | --- | --- |
//! | 200 with `{"id":"17","name":"ada","email":"ada@example.org","full_name":"Ada L."}` | the password is right |
//! | 403 | the password is wrong |
//! | 404 | there is nobody of that name: the next backend of the realm is asked |
//! | anything else, or none in time | the service can't tell: the login fails, and doesn't count as a wrong password |
//!
//! [`HttpBackend`] implements [`PasswordBackend`], and is a directory: it says whose the password is, and the engine makes
//! an account at the first login and updates it at later ones. A backend for accounts that are here already would answer
//! [`Accepted::new`] in place of [`Accepted::entry`].
//!
//! Passwords go over the wire in clear here: keep the service on this machine, or give the client a connector with TLS.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use auth_core::{
    Accepted, Act, BackendAnswer, Entry, FailureReason, InternalError, PasswordBackend, RealmChange, RealmId,
    SecretInput, SystemRng, VerifyRequest,
};
use auth_engine::{Config, DirectoryConfig, Engine};
use auth_store::Sqlite;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

/// The name by which realms list the backend.
pub const NAME: &str = "http";

/// The slug of the realm whose people the service knows.
pub const REALM: &str = "main";

/// How long the service may take. A login waits for it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// Asks an HTTP service whose a password is. Connections are kept for later questions.
pub struct HttpBackend {
    client: Client<HttpConnector, Full<Bytes>>,
    address: Uri,
}

/// The question.
#[derive(Serialize)]
struct Question<'a> {
    name: &'a str,
    password: &'a str,
}

/// A person as the service knows them.
#[derive(Deserialize)]
struct Person {
    id: String,
    name: String,
    email: Option<String>,
    full_name: Option<String>,
}

impl HttpBackend {
    /// Creates the backend for the service at `address`.
    #[must_use]
    pub fn new(address: Uri) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), address }
    }

    /// Asks the service. An error is a fault of the service, whatever became of the question.
    async fn ask(&self, name: &str, password: &str) -> anyhow::Result<BackendAnswer> {
        let question = serde_json::to_vec(&Question { name, password })?;
        let request = Request::post(&self.address)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(question))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        match head.status {
            StatusCode::OK => {}
            StatusCode::FORBIDDEN => return Ok(BackendAnswer::Reject(FailureReason::WrongPassword)),
            StatusCode::NOT_FOUND => return Ok(BackendAnswer::NotMine),
            status => anyhow::bail!("the service answers {status}"),
        }
        let body = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed)?.to_bytes();
        let Person { id, name, email, full_name } = serde_json::from_slice(&body)?;
        // The service says nothing of roles and groups: those of the account stay.
        let (user_name, role, groups) = (Some(name), None, None);
        Ok(BackendAnswer::Accept(Accepted::entry(Entry { id, user_name, email, full_name, role, groups })))
    }
}

#[async_trait]
impl PasswordBackend for HttpBackend {
    fn name(&self) -> &str {
        NAME
    }

    fn is_directory(&self) -> bool {
        true
    }

    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer {
        let SecretInput::Password(password) = request.secret else {
            // A client of Rocket.Chat has sent SHA-256 of the password, which the service can't judge.
            return BackendAnswer::Reject(FailureReason::DigestNotAccepted);
        };
        let name = request.who.typed();
        match tokio::time::timeout(TIMEOUT, self.ask(&name, password.expose())).await {
            Ok(Ok(answer)) => answer,
            // The cause is for the log. It holds neither name nor password.
            Ok(Err(cause)) => BackendAnswer::Unavailable(InternalError::unavailable(cause)),
            Err(_) => BackendAnswer::Unavailable(InternalError::unavailable("the service is too slow")),
        }
    }
}

/// Opens the accounts in a folder. The people of the realm log in with their passwords at the service.
///
/// # Errors
/// When the store can't be opened, or the realm can't be written.
pub async fn open(folder: &Path, service: Uri, config: Config) -> anyhow::Result<Arc<Engine>> {
    let store = Sqlite::open(&folder.join("accounts.db")).context("the store can't be opened")?;
    let mut config = config;
    // What the directory may do: by default, make accounts and update them.
    config.directories.insert(NAME.to_owned(), DirectoryConfig::default());
    let engine = Engine::builder(Arc::new(store))
        .key_file(folder.join("keys.toml"))
        .backend(Arc::new(HttpBackend::new(service)))
        .config(config)
        .open()
        .await?;
    // Backends are asked in this order. Without `local`, passwords that are stored here are not looked at.
    let backends = Some(vec![NAME.to_owned()]);
    let change = RealmChange { backends, ..RealmChange::new(RealmId::random(&SystemRng), REALM) };
    let audit = engine.auditor().by_command(Act::RealmWritten, Some(change.id), None, "");
    engine.write_realm(change, &audit).await?;
    Ok(Arc::new(engine))
}

impl fmt::Debug for HttpBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBackend").field("address", &self.address).finish_non_exhaustive()
    }
}
