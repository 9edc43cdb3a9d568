//! Certificates for the servers that tests start.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// The host in the configurations of `deploy/`.
pub const HOST: &str = "auth.example.org";

/// Writes the certificate of a new authority (`ca.pem`) into a folder, and a certificate for loopback and the host of
/// `deploy/` that it signed (`server.pem`, with its key in `server.key`).
///
/// # Errors
/// When a file can't be written.
pub fn write_certificates(dir: &Path) -> Result<()> {
    let mut authority = CertificateParams::new(Vec::new())?;
    // Of the same name as what it signs, it would be taken for that.
    authority.distinguished_name.push(DnType::CommonName, "the authority of the tests");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", HOST].map(str::to_owned).to_vec();
    let certificate = CertificateParams::new(names)?.signed_by(&key, &authority)?;
    fs::write(dir.join("ca.pem"), authority.pem())?;
    fs::write(dir.join("server.pem"), certificate.pem())?;
    fs::write(dir.join("server.key"), key.serialize_pem())?;
    Ok(())
}

/// Writes a certificate into a folder that signs itself, as operators make one (`openssl req -x509`): as `server.pem` with its
/// key in `server.key`, and again as `ca.pem`, since it is all that there is to trust.
///
/// # Errors
/// When there is no openssl, or a file can't be written.
pub fn write_self_signed(dir: &Path) -> Result<()> {
    let fixed = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=a server"];
    let mut command = Command::new("openssl");
    command.args(fixed).arg("-keyout").arg(dir.join("server.key")).arg("-out").arg(dir.join("server.pem"));
    let done = command.output().context("openssl")?;
    ensure!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    fs::copy(dir.join("server.pem"), dir.join("ca.pem"))?;
    Ok(())
}
