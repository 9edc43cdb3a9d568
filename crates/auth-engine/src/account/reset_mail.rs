//! The mails of Zulip's form for lost passwords: a link, or why there is none.

use auth_core::{ResetLinkRequest, User};

use crate::maintenance::outbox::Letterhead;

/// What the owner of an address is told.
#[derive(Debug)]
pub(super) enum ResetMail {
    /// Where to set a new password.
    Link(String),
    /// The account is deactivated.
    Deactivated,
    /// There is no account; the addresses of the realms in which there is one.
    NoAccount { elsewhere: Vec<String> },
}

/// The letterhead of a mail to a user, or to nobody's address.
pub(super) fn letterhead(asked: &ResetLinkRequest<'_>, user: Option<&User>) -> Letterhead {
    let site = asked.links.realm(asked.realm);
    let host = site.split_once("://").map_or(site.as_str(), |(_, host)| host);
    Letterhead {
        sender: format!("{} account security", asked.links.host()),
        recipient: user.map(|user| user.full_name.clone()).unwrap_or_default(),
        list: format!("{} <{host}>", asked.realm.name),
    }
}

impl ResetMail {
    /// The subject and the text. Addresses stand alone, so that mail programs show links.
    pub(super) fn write(&self, asked: &ResetLinkRequest<'_>) -> (String, String) {
        let name = &asked.realm.name;
        let typed = asked.address;
        let site = asked.links.realm(asked.realm);
        let begin = format!("Somebody has asked for a new password for {typed} at {name}:\n\n{site}\n\n");
        let rest = match self {
            Self::Link(link) => format!("Set it here, within three days:\n\n{link}\n\n"),
            Self::Deactivated => {
                "Your account there is deactivated. An administrator of the organization can \
                                  activate it again.\n\n"
                    .to_owned()
            }
            Self::NoAccount { elsewhere } if elsewhere.is_empty() => {
                "There is no account of this address there.\n\n".to_owned()
            }
            Self::NoAccount { elsewhere } => format!(
                "There is no account of this address there, but there is one at:\n\n{}\n\n",
                elsewhere.join("\n\n")
            ),
        };
        let end = "If it wasn't you, there is nothing to do.\n";
        (format!("Password reset request for {name}"), [&begin, rest.as_str(), end].concat())
    }
}
