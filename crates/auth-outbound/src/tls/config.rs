//! The configuration of a TLS client.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::pinning::PinningVerifier;

/// The mark that editors of Windows put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The first byte of every certificate in DER.
const DER_SEQUENCE: u8 = 0x30;

/// Why no TLS client can be built from a file of certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFileError {
    /// The file has no certificate in PEM.
    #[error("it has no certificate: a PEM file is expected, with -----BEGIN CERTIFICATE----- in it")]
    NoCertificate,
    /// The file is in DER.
    #[error(
        "it is in DER, and PEM is expected: openssl x509 -inform der -in FILE -out FILE.pem makes one of it"
    )]
    Der,
    /// A certificate can't be parsed; with its number in the file, counted from one.
    #[error("its certificate number {0} can't be read")]
    Unreadable(usize),
    /// The TLS library refuses its own default configuration.
    #[error("TLS can't be used on this machine")]
    Unusable,
}

/// Builds the configuration of a TLS client: TLS 1.2 and 1.3, by ring.
///
/// `trusted` is the content of a PEM file. A server is accepted if an authority in it vouches for the server's name, or if
/// the server's own certificate is in it: that very certificate is pinned, whoever signed it and whatever name it bears, as
/// long as it is not out of date. `None` trusts the authorities of the system. A system without any still gets a
/// configuration, whose handshakes fail.
///
/// # Errors
/// [`CertificateFileError`].
pub fn client_config(trusted: Option<&[u8]>) -> Result<Arc<ClientConfig>, CertificateFileError> {
    let mut authorities = RootCertStore::empty();
    let mut pinned = Vec::new();
    match trusted {
        Some(pem) => {
            pinned = certificates(pem)?;
            for (index, certificate) in pinned.iter().enumerate() {
                let added = authorities.add(certificate.clone());
                added.map_err(|_| CertificateFileError::Unreadable(index + 1))?;
            }
        }
        None => {
            authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|_| CertificateFileError::Unusable)?;
    if pinned.is_empty() {
        return Ok(Arc::new(builder.with_root_certificates(authorities).with_no_client_auth()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider).build();
    let verifier = PinningVerifier::new(verifier.map_err(|_| CertificateFileError::Unusable)?, pinned);
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// The certificates of a PEM file: at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateFileError> {
    let pem = pem.strip_prefix(BYTE_ORDER_MARK).unwrap_or(pem);
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        found.push(certificate.map_err(|_| CertificateFileError::Unreadable(found.len() + 1))?);
    }
    match (found.is_empty(), pem.first()) {
        (false, _) => Ok(found),
        (true, Some(&DER_SEQUENCE)) => Err(CertificateFileError::Der),
        (true, _) => Err(CertificateFileError::NoCertificate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_certificates_is_read_whatever_editor_wrote_it() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem();
        let marked = [BYTE_ORDER_MARK, pem.as_bytes()].concat();
        let windows = pem.replace('\n', "\r\n").into_bytes();
        let twice = [pem.as_bytes(), b"\nsome words\n", pem.as_bytes()].concat();
        for (text, count) in [(pem.as_bytes(), 1), (&marked, 1), (&windows, 1), (&twice, 2)] {
            assert_eq!(certificates(text).unwrap().len(), count);
            assert!(client_config(Some(text)).is_ok());
        }
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let second_broken = [pem.as_bytes(), broken.as_bytes()].concat();
        for (text, error) in [
            (&b""[..], CertificateFileError::NoCertificate),
            (b"hello", CertificateFileError::NoCertificate),
            (made.cert.der(), CertificateFileError::Der),
            (broken.as_bytes(), CertificateFileError::Unreadable(1)),
            (&second_broken, CertificateFileError::Unreadable(2)),
        ] {
            assert_eq!(client_config(Some(text)).unwrap_err(), error);
        }
        assert!(client_config(None).is_ok());
    }
}
