//! Which of a user's ids at protocols are in use.

use auth_core::{AttemptFilter, CredentialKind, LogPage, ProtocolName, Store, StoreError, UserId};

/// Whether a client may have seen the id that a user has at a protocol: the user has tried to log in there, or has a token or a
/// key of it. Ids that an import gave are for the caller to know.
///
/// # Errors
/// [`StoreError`] when the store can't be read.
pub async fn is_id_in_use(
    store: &dyn Store,
    user: UserId,
    protocol: ProtocolName,
) -> Result<bool, StoreError> {
    let filter = AttemptFilter { user: Some(user), protocol: Some(protocol), ..AttemptFilter::default() };
    if !store.attempts(&filter, LogPage::newest(1)).await?.is_empty() {
        return Ok(true);
    }
    let kinds: &[CredentialKind] = match protocol {
        ProtocolName::ZULIP => &[CredentialKind::ZULIP_KEY],
        ProtocolName::ROCKETCHAT => &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN],
        ProtocolName::ZETTELSTORE => &[CredentialKind::ZETTELSTORE_TOKEN],
        // The tokens of a protocol that another crate adds are not known here.
        _ => return Ok(true),
    };
    Ok(!store.of_kinds(user, kinds).await?.is_empty())
}
