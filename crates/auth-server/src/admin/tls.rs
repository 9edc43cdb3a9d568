//! TLS at the operators' listener, with a certificate that is renewed while the server runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::config::{Admin, ConfigError};
use crate::system::monotonic;

/// How old the certificate is at most that a new connection is shown after the files were changed.
const RENEWAL: Duration = Duration::from_secs(60);

/// The TLS configuration of the listener.
pub(crate) struct Tls {
    config: Admin,
    current: Mutex<(Arc<ServerConfig>, Instant)>,
}

impl Tls {
    /// Reads the certificate and its key; `None` where the configuration names none.
    ///
    /// # Errors
    /// [`ConfigError`] when they can't be used.
    pub(crate) fn new(config: &Admin) -> Result<Option<Self>, ConfigError> {
        let read = config.tls()?;
        Ok(read.map(|read| Self { config: config.clone(), current: Mutex::new((read, monotonic())) }))
    }

    /// The acceptor of a connection. Files that were changed are read anew; while they can't be used, the former ones hold.
    pub(super) async fn acceptor(&self) -> TlsAcceptor {
        let (mut current, read_at) = self.current();
        if monotonic() - read_at >= RENEWAL {
            let config = self.config.clone();
            match spawn_blocking(move || config.tls()).await {
                Ok(Ok(Some(renewed))) => current = renewed,
                Ok(Err(error)) => {
                    tracing::warn!("the operators' listener keeps its former certificate: {error}");
                }
                Ok(Ok(None)) | Err(_) => {}
            }
            let mut kept = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = (Arc::clone(&current), monotonic());
        }
        current.into()
    }

    fn current(&self) -> (Arc<ServerConfig>, Instant) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let config = Admin {
            certificate_file: Some(path("admin.pem")),
            key_file: Some(path("admin.key").into()),
            ..Admin::default()
        };
        let tls = Tls::new(&config).unwrap().unwrap();
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
    }
}
