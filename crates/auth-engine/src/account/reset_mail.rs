//! The letterhead of the mails that answer Zulip's form for lost passwords.

use auth_core::{ResetLinkRequest, User};

use crate::maintenance::outbox::Letterhead;

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
