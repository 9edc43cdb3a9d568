//! TLS at a listener, with a certificate that is renewed while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::config::{ConfigError, TlsFiles};
use crate::system::monotonic;

/// How old the certificate is at most that a new connection is shown after the files were changed.
const RENEWAL: Duration = Duration::from_secs(60);

/// The TLS configuration of a listener.
pub(crate) struct Tls {
    files: TlsFiles,
    /// Begins what is logged, such as `[admin]`.
    whose: String,
    alpn: &'static [&'static [u8]],
    current: Mutex<Current>,
}

#[derive(Clone)]
struct Current {
    config: Arc<ServerConfig>,
    /// When the files were read last.
    read_at: Instant,
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`ConfigError`] when they can't be used.
    pub(crate) fn new(
        files: TlsFiles,
        whose: String,
        alpn: &'static [&'static [u8]],
    ) -> Result<Self, ConfigError> {
        let config = files.read(&whose, alpn)?;
        Ok(Self { files, whose, alpn, current: Mutex::new(Current { config, read_at: monotonic() }) })
    }

    /// The acceptor of a connection. Files that were changed are read anew within a minute; while they can't be used, the former
    /// ones hold.
    pub(crate) async fn acceptor(&self) -> TlsAcceptor {
        let is_due = {
            let mut current = self.current();
            let is_due = monotonic() - current.read_at >= RENEWAL;
            if is_due {
                // Further connections don't read the files as well.
                current.read_at = monotonic();
            }
            is_due
        };
        if is_due {
            self.renew().await;
        }
        Arc::clone(&self.current().config).into()
    }

    /// Reads the files anew, for connections from now on. Those that can't be used are logged, and the former ones hold.
    pub(crate) async fn renew(&self) {
        let (files, whose, alpn) = (self.files.clone(), self.whose.clone(), self.alpn);
        match spawn_blocking(move || files.read(&whose, alpn)).await {
            Ok(Ok(config)) => *self.current() = Current { config, read_at: monotonic() },
            Ok(Err(error)) => tracing::warn!("a listener keeps its former certificate: {error}"),
            Err(_) => {}
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::generate_simple_self_signed;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_renewed_certificate_is_shown_after_a_minute_and_a_bad_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let renew = || {
            let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
            fs::write(path("admin.pem"), made.cert.pem()).unwrap();
            fs::write(path("admin.key"), made.signing_key.serialize_pem()).unwrap();
        };
        renew();
        let files = TlsFiles { certificate: path("admin.pem"), key: path("admin.key").into() };
        let tls = Tls::new(files, "[admin]".to_owned(), &[b"http/1.1"]).unwrap();
        let config_of = async || Arc::clone(tls.acceptor().await.config());
        let first = config_of().await;
        renew();
        tokio::time::advance(RENEWAL - Duration::from_millis(1)).await;
        assert!(Arc::ptr_eq(&first, &config_of().await));
        tokio::time::advance(Duration::from_millis(1)).await;
        let second = config_of().await;
        assert!(!Arc::ptr_eq(&first, &second), "it is read anew");
        assert!(Arc::ptr_eq(&second, &config_of().await), "and not again at once");
        fs::write(path("admin.key"), "no key").unwrap();
        tokio::time::advance(RENEWAL).await;
        assert!(Arc::ptr_eq(&second, &config_of().await), "the former one holds");
        renew();
        tls.renew().await;
        assert!(!Arc::ptr_eq(&second, &config_of().await), "it is read at once when asked");
    }
}
