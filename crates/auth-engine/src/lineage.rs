//! Where a new credential comes from: what an app password fetches ends with it, and owners are shown the client.

use auth_core::{
    Credential, CredentialId, CredentialKind, Origin, Peer, Store, StoreError, Timestamp, UserId,
};

/// The client that a new credential is made for, and the app password that it comes from, if any, with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) parent: Option<CredentialId>,
    ends: Option<Timestamp>,
    origin: Origin,
}

impl Lineage {
    /// The lineage of what a login with this app password, or with none, is given.
    pub(crate) fn of(peer: &Peer, app_password: Option<&Credential>) -> Self {
        Self {
            parent: app_password.map(|app_password| app_password.id),
            ends: app_password.and_then(|app_password| app_password.expires),
            origin: Origin::from(peer),
        }
    }

    /// The lineage of what a session makes that came from this app password, or from none; `None` when the app password is
    /// gone.
    pub(crate) async fn of_session(
        store: &dyn Store,
        peer: &Peer,
        user: UserId,
        parent: Option<CredentialId>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(parent) = parent else { return Ok(Some(Self::of(peer, None))) };
        let own = store.of_user(user, CredentialKind::APP_PASSWORD).await?;
        let app_password = own.into_iter().find(|own| own.id == parent);
        Ok(app_password.map(|app_password| Self::of(peer, Some(&app_password))))
    }

    /// The same lineage for what comes from a credential of the user, and ends with it.
    pub(crate) fn with_parent(self, parent: CredentialId) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// The same lineage for what ends at a moment at the latest.
    pub(crate) fn until(self, end: Option<Timestamp>) -> Self {
        Self { ends: self.end(end), ..self }
    }

    /// The earlier of a moment and the end of the app password.
    pub(crate) fn end(&self, planned: Option<Timestamp>) -> Option<Timestamp> {
        planned.into_iter().chain(self.ends).min()
    }

    /// The credential as one that was made for the client and comes from the app password.
    pub(crate) fn apply(&self, credential: Credential) -> Credential {
        Credential {
            parent: self.parent,
            expires: self.end(credential.expires),
            origin: Some(self.origin.clone()),
            ..credential
        }
    }
}
