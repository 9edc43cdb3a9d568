//! The TLS client configuration.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::ConfigError;

/// Trusts the CA certificates given in PEM, or else those of the system.
pub(crate) fn client_config(ca_certificates: Option<&[u8]>) -> Result<Arc<ClientConfig>, ConfigError> {
    let mut roots = RootCertStore::empty();
    match ca_certificates {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| ConfigError::InvalidCaCertificates)?;
                roots.add(certificate).map_err(|_| ConfigError::InvalidCaCertificates)?;
            }
            if roots.is_empty() {
                return Err(ConfigError::InvalidCaCertificates);
            }
        }
        // Without any system certificate every handshake fails, and the connection's error says so. A directory
        // without TLS must still open.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| ConfigError::InvalidCaCertificates)?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
