//! A directory over a slapd, and short ways to log in to it.

use std::sync::Arc;
use std::time::Duration;

use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use auth_core::{
    BackendAnswer, Entry, Identifier, Password, PasswordBackend, PasswordDigest, Peer, Realm, RealmId,
    SecretInput, SystemClock, VerifyRequest,
};
use auth_ldap::{BindMethod, Directory, DirectoryConfig, Server};

pub(crate) fn service_account() -> BindMethod {
    BindMethod::ServiceAccount { dn: SERVICE.0.into(), password: Password::new(SERVICE.1) }
}

/// The plain configuration for a slapd.
pub(crate) fn config(slapd: &Slapd) -> DirectoryConfig {
    DirectoryConfig {
        servers: vec![server("ldap", slapd.address())],
        bind: service_account(),
        filter: "(objectClass=inetOrgPerson)".into(),
        connect_timeout: Duration::from_millis(1500),
        timeout: Duration::from_millis(1500),
        ..DirectoryConfig::new("corp", BASE)
    }
}

pub(crate) fn server(scheme: &str, address: impl std::fmt::Display) -> Server {
    Server::parse(&format!("{scheme}://{address}")).unwrap()
}

pub(crate) fn open(config: DirectoryConfig) -> Directory {
    Directory::open(config, Arc::new(SystemClock)).unwrap()
}

pub(crate) fn realm(slug: &str) -> Realm {
    Realm { backends: vec!["corp".into()], ..Realm::new(RealmId::from_bytes([1; 16]), slug) }
}

async fn verify(directory: &Directory, who: &Identifier, secret: &SecretInput) -> BackendAnswer {
    let (realm, peer) = (realm("zulip"), Peer::new("192.0.2.1".parse().unwrap()));
    let request = VerifyRequest { realm: &realm, who, account: None, secret, demand: None, peer: &peer };
    directory.verify(&request).await
}

/// Verifies a password.
pub(crate) async fn verify_password(
    directory: &Directory,
    who: &Identifier,
    password: &str,
) -> BackendAnswer {
    verify(directory, who, &SecretInput::Password(Password::new(password))).await
}

/// Verifies a digest in place of a password.
pub(crate) async fn verify_digest(directory: &Directory, who: &Identifier, digest: &str) -> BackendAnswer {
    verify(directory, who, &SecretInput::Digest(PasswordDigest::new(digest))).await
}

/// Verifies the password of an e-mail address or a user name.
async fn verify_typed(directory: &Directory, typed: &str, password: &str) -> BackendAnswer {
    let who = if typed.contains('@') { Identifier::email(typed) } else { Identifier::user_name(typed) };
    verify_password(directory, &who, password).await
}

/// The answer to a login as text: the user name that was accepted, `not mine`, the reason of a rejection,
/// `unavailable` or `busy`.
pub(crate) async fn log_in(directory: &Directory, typed: &str, password: &str) -> String {
    match verify_typed(directory, typed, password).await {
        BackendAnswer::Accept(accepted) => accepted.entry.unwrap().user_name.unwrap(),
        BackendAnswer::Reject(reason) => reason.as_str().to_owned(),
        BackendAnswer::NotMine => "not mine".to_owned(),
        BackendAnswer::Unavailable(error) => format!("{:?}", error.kind()).to_lowercase(),
        other => format!("{other:?}"),
    }
}

/// The person that a login returns.
pub(crate) async fn entry(directory: &Directory, typed: &str, password: &str) -> Entry {
    match verify_typed(directory, typed, password).await {
        BackendAnswer::Accept(accepted) => *accepted.entry.unwrap(),
        other => panic!("{other:?}"),
    }
}
