//! A conversation with the SMTP server: one connection for each mail, so that none is idle and dies unnoticed.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use auth_engine::SendError;
use auth_outbound::describe_tls_failure;
use auth_outbound::idle::PROBE_LIMIT;
use lettre::Message;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::{Relay, Security};

/// How long the SMTP server may take for a connection, and for each step of a conversation.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest line of a reply, and the most lines.
const MOST_BYTES: u64 = 1000;
const MOST_LINES: usize = 100;

/// Sends a message to the SMTP server.
pub(super) async fn send(relay: &Relay, message: &Message) -> Result<(), SendError> {
    let mut connection = connect(relay).await?;
    in_time(connection.send(message.envelope(), &message.formatted())).await?.map_err(refused)?;
    // The mail is taken: what comes of the goodbye is of no concern, and other mails wait.
    let _gone = tokio::time::timeout(PROBE_LIMIT, connection.quit()).await;
    Ok(())
}

/// Connects to the SMTP server, greets it and logs in, and sends nothing.
pub(super) async fn check(relay: &Relay) -> Result<(), SendError> {
    let mut connection = connect(relay).await?;
    let _gone = tokio::time::timeout(PROBE_LIMIT, connection.quit()).await;
    Ok(())
}

async fn connect(relay: &Relay) -> Result<AsyncSmtpConnection, SendError> {
    let tcp = in_time(TcpStream::connect((relay.host.as_str(), relay.port))).await?.map_err(failed)?;
    let stream: Box<dyn AsyncTokioStream> = match &relay.tls {
        None => Box::new(tcp),
        Some(tls) => Box::new(by_tls(relay, tls, tcp).await?),
    };
    let name = ClientId::Domain(relay.ehlo.clone());
    let connecting = AsyncSmtpConnection::connect_with_transport(stream, &name);
    let mut connection = in_time(connecting).await?.map_err(refused)?;
    if let Some((user, password)) = &relay.login {
        let credentials = Credentials::new(user.clone(), password.to_string());
        in_time(connection.auth(DEFAULT_MECHANISMS, &credentials)).await?.map_err(refused)?;
    }
    Ok(connection)
}

async fn in_time<T>(step: impl Future<Output = T>) -> Result<T, SendError> {
    let done = tokio::time::timeout(SMTP_TIMEOUT, step).await;
    done.map_err(|_| SendError::Unreachable("the SMTP server didn't answer in time".into()))
}

fn failed(error: io::Error) -> SendError {
    SendError::Unreachable(describe_tls_failure(&error).unwrap_or_else(|| error.to_string()))
}

fn unreachable(why: impl Display) -> SendError {
    SendError::Unreachable(format!("the SMTP server {why}"))
}

/// The error for the log: the server's code, but not its words, which may name the recipient.
fn refused(error: smtp::Error) -> SendError {
    use std::error::Error as _;
    match error.status() {
        // These are about us, not about the mail.
        Some(code) if matches!(code.to_string().as_str(), "421" | "454" | "530" | "534" | "535" | "538") => {
            unreachable(format_args!("says {code}"))
        }
        Some(code) => SendError::Refused(format!("the SMTP server says {code}")),
        None => {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            SendError::Unreachable(describe_tls_failure(&error).unwrap_or(cause))
        }
    }
}

async fn by_tls(relay: &Relay, tls: &Arc<ClientConfig>, mut tcp: TcpStream) -> Result<TlsOverTcp, SendError> {
    let mut greeting: &[u8] = b"";
    if relay.security == Security::StartTls {
        in_time(ask_for_tls(&mut tcp, &relay.ehlo)).await??;
        // A server that was asked for TLS doesn't greet again (RFC 3207), but the client waits for it.
        greeting = b"220 TLS\r\n";
    }
    let name = ServerName::try_from(relay.host.clone())
        .map_err(|_| unreachable("has a name that no certificate can bear"))?;
    let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, tcp);
    let stream = in_time(handshake).await?.map_err(failed)?;
    Ok(TlsOverTcp { greeting, stream })
}

/// Asks for TLS (RFC 3207). Of what the server says before, nothing is believed but that it can.
async fn ask_for_tls(tcp: &mut TcpStream, ehlo: &str) -> Result<(), SendError> {
    let mut stream = BufReader::new(tcp);
    expect(&mut stream, "220").await?;
    stream.write_all(format!("EHLO {ehlo}\r\n").as_bytes()).await.map_err(failed)?;
    let offered = expect(&mut stream, "250").await?;
    if !offered.iter().any(|extension| extension.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(unreachable("doesn't offer STARTTLS"));
    }
    stream.write_all(b"STARTTLS\r\n").await.map_err(failed)?;
    expect(&mut stream, "220").await?;
    // Whatever came in plain text along with the answer would be read as if it had come by TLS.
    if stream.buffer().is_empty() { Ok(()) } else { Err(unreachable("goes on in plain text after STARTTLS")) }
}

/// Reads a reply, which may have several lines, and returns the texts of its lines.
///
/// # Errors
/// [`SendError::Unreachable`] for a reply with another code.
async fn expect(stream: &mut BufReader<&mut TcpStream>, code: &str) -> Result<Vec<String>, SendError> {
    let mut texts = Vec::new();
    while texts.len() < MOST_LINES {
        let mut line = String::new();
        (&mut *stream).take(MOST_BYTES).read_line(&mut line).await.map_err(failed)?;
        let Some((said, text)) = line.split_at_checked(3) else {
            return Err(unreachable(if line.is_empty() {
                "ended the connection"
            } else {
                "doesn't speak SMTP"
            }));
        };
        if said != code {
            let is_code = said.bytes().all(|byte| byte.is_ascii_digit());
            return Err(if is_code {
                unreachable(format_args!("says {said}"))
            } else {
                unreachable("doesn't speak SMTP")
            });
        }
        texts.push(text.get(1..).unwrap_or_default().trim_end().to_owned());
        if !text.starts_with('-') {
            return Ok(texts);
        }
    }
    Err(unreachable("doesn't speak SMTP"))
}

/// A connection by TLS, on which a greeting is read before what the server sends.
#[derive(Debug)]
struct TlsOverTcp {
    greeting: &'static [u8],
    stream: TlsStream<TcpStream>,
}

impl AsyncTokioStream for TlsOverTcp {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for TlsOverTcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsOverTcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
