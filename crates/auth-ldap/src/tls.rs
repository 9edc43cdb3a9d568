//! Whom TLS believes.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::settings::SettingsError;

/// What connections are made with: the authorities given, or else the system's.
pub(crate) fn config(authorities: Option<&[u8]>) -> Result<Arc<ClientConfig>, SettingsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| SettingsError::Authorities)?;
                roots.add(certificate).map_err(|_| SettingsError::Authorities)?;
            }
            if roots.is_empty() {
                return Err(SettingsError::Authorities);
            }
        }
        // A machine without any believes nobody: it will be said of the connection.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|_| SettingsError::Authorities)?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
