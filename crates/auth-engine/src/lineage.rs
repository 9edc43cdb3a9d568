//! Where a new credential comes from: what an app password fetches ends with it.

use auth_core::{Credential, CredentialId, CredentialKind, Store, StoreError, Timestamp, UserId};

/// The app password that a new credential comes from, and when that ends. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) parent: Option<CredentialId>,
    ends: Option<Timestamp>,
}

impl Lineage {
    /// The lineage of what a login with this app password, or with none, is given.
    pub(crate) fn of(app_password: Option<&Credential>) -> Self {
        app_password.map_or(Self::default(), |app_password| Self {
            parent: Some(app_password.id),
            ends: app_password.expires,
        })
    }

    /// The lineage of what a session makes that came from this app password, or from none; `None` when the app password is
    /// gone.
    pub(crate) async fn of_session(
        store: &dyn Store,
        user: UserId,
        parent: Option<CredentialId>,
    ) -> Result<Option<Self>, StoreError> {
        let Some(parent) = parent else { return Ok(Some(Self::default())) };
        let own = store.of_user(user, CredentialKind::APP_PASSWORD).await?;
        let app_password = own.into_iter().find(|own| own.id == parent);
        Ok(app_password.map(|app_password| Self::of(Some(&app_password))))
    }

    /// The same lineage for what ends at a moment at the latest.
    pub(crate) fn until(self, end: Option<Timestamp>) -> Self {
        Self { ends: self.end(end), ..self }
    }

    /// The earlier of a moment and the end of the app password.
    pub(crate) fn end(self, planned: Option<Timestamp>) -> Option<Timestamp> {
        planned.into_iter().chain(self.ends).min()
    }

    /// The credential as one that comes from the app password.
    pub(crate) fn apply(self, credential: Credential) -> Credential {
        Credential { parent: self.parent, expires: self.end(credential.expires), ..credential }
    }
}
