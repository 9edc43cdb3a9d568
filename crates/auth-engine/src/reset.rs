//! Lost passwords: a token by mail, good once (rocketchat.md 5).

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    ActionError, Credential, CredentialKind, Done, Identifier, InternalError, NameKind, Password, Passwords,
    Peer, RealmId, Timestamp, Token,
};
use auth_crypto::opaque;

use crate::Engine;
use crate::engine::broken;
use crate::grant::has_ended;
use crate::login::state;
use crate::operator::OperatorError;

/// How long a token is good.
const LIFETIME: Duration = Duration::from_secs(3600);

#[async_trait]
impl Passwords for Engine {
    async fn forgot_password(&self, realm: RealmId, address: &str) -> Done<Timestamp> {
        let rules = &self.config.rocketchat;
        if !rules.password_reset {
            return Ok(Err(ActionError::NotOffered));
        }
        let started = self.now();
        let realm = self.realm_by_id(realm).await?.ok_or_else(|| broken("the realm of a protocol"))?;
        let account = self.resolve(&realm, &Identifier::email(address)).await?;
        // Whoever a directory knows has the password there.
        let account = account.filter(|account| {
            state(&realm, account).is_none() && account.user.name(NameKind::Directory).is_none()
        });
        if let Some(account) = account
            && self.limits.reserve_mail(account.user.id, started)
        {
            let user = account.user.id;
            let token = opaque::rocketchat_token(&*self.rng);
            let digest = opaque::digest(token.expose());
            let credential = Credential {
                expires: Some(started + LIFETIME),
                ..self.new_credential(user, CredentialKind::PasswordReset, Some(digest))
            };
            let text = format!(
                "Somebody has asked for a new password for your account. Set it here, within an hour:\n\n\
                 {}/reset-password/{}\n\nIf it wasn't you, there is nothing to do.\n",
                rules.site_url,
                token.expose()
            );
            let mail = self.mail_to(&account.user, "Password reset", &text);
            self.store.post_with(&credential, &mail).await?;
            tracing::info!(target: "auth::account", %user, "password reset mailed");
        }
        Ok(Ok(self.next_step(started)))
    }

    async fn reset_password(&self, realm: RealmId, token: &Token, new: &Password, peer: &Peer) -> Done<()> {
        let digest = opaque::digest(token.expose());
        let found = self.store.by_digest(CredentialKind::PasswordReset, &digest).await?;
        let now = self.now();
        let Some((credential, account)) = found.filter(|(credential, account)| {
            account.user.realm == realm
                && account.user.active
                && account.user.name(NameKind::Directory).is_none()
                && !has_ended(credential, now)
        }) else {
            return Ok(Err(ActionError::WrongToken));
        };
        let hashed = match self.hash_password(&account, new, false, peer.client_key()).await {
            Ok(hashed) => hashed,
            Err(OperatorError::TooWeak(_) | OperatorError::TooLong) => {
                return Ok(Err(ActionError::WeakPassword(Vec::new())));
            }
            Err(OperatorError::AgainstPolicy(rules)) => return Ok(Err(ActionError::WeakPassword(rules))),
            Err(OperatorError::Store(error)) => return Err(error.into()),
            Err(OperatorError::Busy) => return Err(InternalError::busy(Duration::from_secs(1))),
            Err(error) => return Err(InternalError::internal(error)),
        };
        // Of two requests with one token one sets its password.
        if !self.store.remove(credential.id).await? {
            return Ok(Err(ActionError::WrongToken));
        }
        let set = self.store_password(account.user.id, &hashed).await?;
        tracing::info!(target: "auth::account", user = %account.user.id, "password reset");
        Ok(if set { Ok(()) } else { Err(ActionError::WrongToken) })
    }
}
