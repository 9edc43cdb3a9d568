//! A directory over a slapd, and short ways to ask it things.

use std::sync::Arc;
use std::time::Duration;

use auth_conformance::slapd::{BASE, SERVICE, Slapd};
use auth_core::{
    BackendAnswer, Clock, Entry, Identifier, Password, PasswordBackend, Peer, Realm, RealmId, SecretInput,
    Timestamp, VerifyRequest,
};
use auth_ldap::{Bind, Directory, Server, Settings};

/// The time of the day: what the pool does depends on real seconds here.
pub(crate) struct Now;

impl Clock for Now {
    #[expect(clippy::disallowed_methods, reason = "these tests are the edge: slapd lives in real time")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

pub(crate) fn service() -> Bind {
    Bind::Service { dn: SERVICE.0.into(), password: Password::new(SERVICE.1) }
}

/// What is said of a slapd with nothing special about it.
pub(crate) fn settings(slapd: &Slapd) -> Settings {
    Settings {
        servers: vec![server("ldap", slapd.address())],
        bind: service(),
        filter: "(objectClass=inetOrgPerson)".into(),
        connect_timeout: Duration::from_millis(1500),
        timeout: Duration::from_millis(1500),
        ..Settings::new("corp", BASE)
    }
}

pub(crate) fn server(scheme: &str, address: impl std::fmt::Display) -> Server {
    Server::parse(&format!("{scheme}://{address}")).unwrap()
}

pub(crate) fn open(settings: Settings) -> Directory {
    Directory::open(settings, Arc::new(Now)).unwrap()
}

pub(crate) fn realm(slug: &str) -> Realm {
    Realm { backends: vec!["corp".into()], ..Realm::new(RealmId::from_bytes([1; 16]), slug) }
}

/// Asks about an address or a user name.
pub(crate) async fn answer(directory: &Directory, typed: &str, password: &str) -> BackendAnswer {
    let who = if typed.contains('@') { Identifier::email(typed) } else { Identifier::user_name(typed) };
    let (realm, password) = (realm("zulip"), Password::new(password));
    let question = VerifyRequest {
        realm: &realm,
        who: &who,
        account: None,
        secret: SecretInput::Password(&password),
        demand: None,
        peer: &Peer::new("192.0.2.1".parse().unwrap()),
    };
    directory.verify(&question).await
}

/// The answer in a word: the user name that was accepted, `not mine`, the cause of a rejection, `unavailable` or
/// `busy`.
pub(crate) async fn ask(directory: &Directory, typed: &str, password: &str) -> String {
    match answer(directory, typed, password).await {
        BackendAnswer::Accept(accepted) => accepted.entry.unwrap().user_name.unwrap(),
        BackendAnswer::Reject(cause) => cause.as_str().to_owned(),
        BackendAnswer::NotMine => "not mine".to_owned(),
        BackendAnswer::Unavailable(fault) => format!("{:?}", fault.kind()).to_lowercase(),
        other => format!("{other:?}"),
    }
}

pub(crate) async fn entry(directory: &Directory, typed: &str, password: &str) -> Entry {
    match answer(directory, typed, password).await {
        BackendAnswer::Accept(accepted) => *accepted.entry.unwrap(),
        other => panic!("{other:?}"),
    }
}
