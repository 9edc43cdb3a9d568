//! Certificates of listeners, and their keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::files::certificates;
use super::{ConfigError, SecretFile};

/// The files of a certificate and its key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a listener with TLS needs both and nothing else")]
pub struct TlsFiles {
    /// The certificate, in PEM, and those of the authorities between it and one that clients trust.
    pub certificate: PathBuf,
    /// The private key of the certificate, in PEM.
    pub key: SecretFile,
}

impl TlsFiles {
    /// The TLS configuration of a listener, which speaks TLS 1.2 and 1.3 and offers the protocols in `alpn`. `whose` begins the
    /// error, such as `[admin]`.
    ///
    /// # Errors
    /// [`ConfigError`] when the certificate or its key can't be used.
    pub(crate) fn read(&self, whose: &str, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, ConfigError> {
        let unusable = |what: &str| ConfigError::new(format!("{whose} {what}"));
        let pem = certificates(&format!("{whose} certificate_file"), &self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.map_err(|_| unusable("certificate_file: a certificate in it is damaged"))?;
        let key = PrivateKeyDer::from_pem_slice(&self.key.read(&format!("{whose} key_file"))?)
            .map_err(|_| unusable("key_file: it holds no private key in PEM"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| unusable("certificate_file: TLS can't be used on this machine"))?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config
            .map_err(|_| unusable("key_file: it is not the key of the certificate in certificate_file"))?;
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Takes relative paths as ones in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
        self.key.resolve(folder);
    }
}
