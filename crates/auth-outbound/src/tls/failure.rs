//! Failures of TLS in words.

use std::error::Error as StdError;
use std::io;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

const SECONDS_PER_DAY: u64 = 86_400;

/// The names of a certificate that an error shows at most.
const MOST_NAMES: usize = 3;

/// Puts into words why a TLS handshake failed, where TLS is among the causes of an error. The subject of the sentence is
/// the server, and its words are about what an operator can see or change.
#[must_use]
pub fn describe_tls_failure(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<Error>() {
            return Some(describe(failure));
        }
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(described) = describe_io(io)
        {
            return Some(described);
        }
        next = error.source();
    }
    None
}

/// An I/O error hides the error of TLS from the chain of sources.
fn describe_io(error: &io::Error) -> Option<String> {
    let inner: &(dyn StdError + 'static) = error.get_ref()?;
    if error.kind() == io::ErrorKind::UnexpectedEof && inner.to_string() == "tls handshake eof" {
        return Some(
            "it ended the connection during the TLS handshake: does it speak TLS on this port?".into(),
        );
    }
    describe_tls_failure(inner)
}

fn describe(failure: &Error) -> String {
    match failure {
        Error::InvalidCertificate(reason) => describe_certificate(reason),
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        ) => "it answers in plain text where TLS was expected: it doesn't speak TLS on this port, or not before it is \
              asked to"
            .into(),
        Error::AlertReceived(alert) => describe_alert(*alert),
        Error::PeerIncompatible(_) => "it offers neither TLS 1.2 nor TLS 1.3 with algorithms of today".into(),
        Error::NoCertificatesPresented => "it shows no certificate".into(),
        Error::UnsupportedNameType => "its address is of a kind that no certificate can bear".into(),
        Error::InvalidMessage(_)
        | Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord
        | Error::DecryptError => format!("it breaks the rules of TLS: {failure}"),
        other => format!("TLS failed: {other}"),
    }
}

fn describe_certificate(reason: &CertificateError) -> String {
    use CertificateError as E;
    match reason {
        E::Expired => "its certificate has expired".into(),
        E::ExpiredContext { time, not_after } => {
            format!(
                "its certificate has expired, {}",
                ago(time.as_secs().saturating_sub(not_after.as_secs()))
            )
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "its certificate is not valid yet: compare the clocks of both machines".into()
        }
        E::NotValidForName => "its certificate bears another name".into(),
        E::NotValidForNameContext { expected, presented } => {
            let expected = match expected {
                ServerName::DnsName(name) => name.as_ref().to_owned(),
                ServerName::IpAddress(address) => std::net::IpAddr::from(*address).to_string(),
                other => other.to_str().into_owned(),
            };
            format!("its certificate is for {}, not for {expected}", names(presented))
        }
        E::UnknownIssuer => {
            "its certificate is signed by an authority that isn't trusted: the authority's certificate, or \
                             the server's own, belongs into ca_file"
                .into()
        }
        E::BadSignature => {
            "its certificate is signed by another key than that of the trusted authority of this name: was \
                            one of the two made anew?"
                .into()
        }
        E::Revoked => "its certificate is revoked".into(),
        E::BadEncoding => "its certificate can't be read".into(),
        E::UnhandledCriticalExtension => {
            "its certificate has a critical extension that this program doesn't know".into()
        }
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "its certificate is not one for servers".into()
        }
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate is signed by an algorithm that isn't accepted, such as SHA-1".into()
        }
        // The library has no variants for these, only words of their own.
        E::Other(other) => match format!("{other:?}") {
            text if text.contains("CaUsedAsEndEntity") => {
                "its certificate is an authority's: that very certificate, in ca_file, would be accepted"
                    .into()
            }
            text if text.contains("UnsupportedCertVersion") => {
                "its certificate is of an old version: openssl req -x509 makes one of version 3".into()
            }
            _ => "its certificate is refused".into(),
        },
        _ => "its certificate is refused".into(),
    }
}

fn describe_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => "it asks for a client's certificate, which this program has none of".into(),
        A::ProtocolVersion => "it speaks neither TLS 1.2 nor TLS 1.3".into(),
        A::HandshakeFailure | A::InsufficientSecurity => {
            "it refuses the TLS handshake: it has no algorithm in common with this program".into()
        }
        A::UnrecognisedName => "it doesn't know the name by which it was called".into(),
        other => format!("it refuses the TLS handshake with the alert {other:?}"),
    }
}

fn ago(seconds: u64) -> String {
    match seconds / SECONDS_PER_DAY {
        0 => "less than a day ago".into(),
        1 => "a day ago".into(),
        days => format!("{days} days ago"),
    }
}

/// The names of a certificate as the library shows them, such as `DnsName("localhost")`.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| match name.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"').to_owned(),
        None => name.clone(),
    };
    match presented {
        [] => "no name".into(),
        all if all.len() > MOST_NAMES => {
            let first: Vec<String> = all.iter().take(MOST_NAMES).map(plain).collect();
            format!("{} and {} others", first.join(", "), all.len() - MOST_NAMES)
        }
        all => all.iter().map(plain).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests;
