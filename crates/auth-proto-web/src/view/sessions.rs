//! The list of everything that an account is signed in with.

use askama::Template;
use auth_core::{CredentialKind, Origin, OwnCredential, ProtocolName, Token, program_and_system};

use crate::encode::moment::Moment;
use crate::text::{Texts, fill};
use auth_pages::Shell;

/// The list of everything that an account is signed in with.
#[derive(Debug, Template)]
#[template(path = "sessions.html")]
pub(crate) struct Sessions<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) notice: &'a str,
    pub(crate) rows: Vec<Row>,
    pub(crate) end: Token,
    pub(crate) end_others: Token,
}

/// A session, token, key or app password.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// Its kind in words.
    pub(crate) kind: String,
    /// The name that its owner gave it.
    pub(crate) title: String,
    /// The protocols that take it, in words.
    pub(crate) protocols: String,
    /// From where and for which program it was made.
    pub(crate) place: String,
    pub(crate) made: Moment,
    pub(crate) used: Option<Moment>,
    pub(crate) ends: Option<Moment>,
    pub(crate) is_presented: bool,
}

impl Row {
    /// A credential in the words of a language.
    pub(crate) fn new(credential: &OwnCredential, t: &'static Texts) -> Self {
        let moment = |at| Moment::new(at, &t.months);
        let place = credential.origin.as_ref().map(|origin| place(origin, t)).unwrap_or_default();
        let protocols: Vec<&str> = credential.protocols.iter().map(|name| protocol(name, t)).collect();
        Self {
            id: credential.id.to_string(),
            kind: kind(credential.kind, t),
            title: credential.name.clone().unwrap_or_default(),
            protocols: if protocols.is_empty() {
                t.app_passwords.all_protocols.to_owned()
            } else {
                protocols.join(", ")
            },
            place,
            made: moment(credential.created),
            used: credential.last_used.map(moment),
            ends: credential.expires.map(moment),
            is_presented: credential.is_presented,
        }
    }
}

/// Where a credential was made: the program and its system, and the client's address.
fn place(origin: &Origin, t: &'static Texts) -> String {
    let client = origin.client.to_string();
    let Some(agent) = &origin.agent else { return client };
    match program_and_system(agent) {
        (program, Some(system)) => fill(t.sessions.made_at, &[&program, system, &client]),
        (program, None) => format!("{program}, {client}"),
    }
}

/// A kind of credential in words.
fn kind(kind: CredentialKind, t: &'static Texts) -> String {
    let words = match kind {
        CredentialKind::WEB_SESSION => t.kinds.web,
        CredentialKind::ZULIP_KEY => t.kinds.zulip_key,
        CredentialKind::ROCKETCHAT_TOKEN => t.kinds.rocketchat,
        CredentialKind::PERSONAL_TOKEN => t.kinds.personal,
        CredentialKind::APP_PASSWORD => t.kinds.app_password,
        CredentialKind::ZETTELSTORE_TOKEN => t.kinds.zettelstore,
        other => return fill(t.kinds.other, &[other.as_str()]),
    };
    words.to_owned()
}

/// The system that a protocol belongs to, as people know it.
pub(crate) fn protocol<'a>(name: &'a ProtocolName, t: &'static Texts) -> &'a str {
    match *name {
        ProtocolName::ZULIP => "Zulip",
        ProtocolName::ROCKETCHAT => "Rocket.Chat",
        ProtocolName::ZETTELSTORE => "Zettelstore",
        ProtocolName::FORWARD => t.kinds.applications,
        _ => name.as_str(),
    }
}
