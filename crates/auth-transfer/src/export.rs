//! Writing what moves out: the same lines that come in.

use std::collections::BTreeMap;
use std::io::Write;

use auth_core::{Account, CredentialKind, InternalError, NameKind, Timestamp};
use auth_crypto::totp;

use super::line::{BOTS, RealmLine, UserLine, name_of, print_time};
use crate::Engine;
use crate::accounts::PAGE;

impl Engine {
    /// Writes all realms and users as JSON lines and gives the number of lines. With `secrets` they carry
    /// password hashes, Zulip keys and TOTP secrets: enough to move in elsewhere. Backup codes, tokens and app
    /// passwords can't be read back and stay.
    ///
    /// # Errors
    /// A [`InternalError`] when a record can't be read or a line can't be written.
    pub async fn export(&self, out: &mut (dyn Write + Send), secrets: bool) -> Result<u64, InternalError> {
        let mut lines = 0;
        let mut write = |line: serde_json::Result<String>| -> Result<(), InternalError> {
            let line = line.map_err(InternalError::internal)?;
            writeln!(out, "{line}").map_err(InternalError::internal)?;
            lines += 1;
            Ok(())
        };
        let realms = self.store.realms().await?;
        for realm in &realms {
            write(serde_json::to_string(&RealmLine::of(realm)))?;
        }
        for realm in &realms {
            let mut after = None;
            loop {
                let page = self.store.users(realm.id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
                for account in &page {
                    let line = self.user_line(account, &realm.slug, secrets).await?;
                    write(serde_json::to_string(&line))?;
                }
            }
        }
        Ok(lines)
    }

    async fn user_line(
        &self,
        account: &Account,
        realm: &str,
        secrets: bool,
    ) -> Result<UserLine, InternalError> {
        let user = &account.user;
        let name = |kind| user.name(kind).map(|name| name.exact.clone());
        let mut line = UserLine {
            kind: "user".to_owned(),
            realm: realm.to_owned(),
            id: Some(user.protocols.zulip),
            username: name(NameKind::UserName),
            email: name(NameKind::Email),
            email_verified: user.email().is_some_and(|email| email.verified),
            directory_name: name(NameKind::Directory),
            full_name: user.full_name.clone(),
            role: Some(user.role.as_str().to_owned()),
            bot: user.bot.and_then(|bot| name_of(&BOTS, bot)),
            active: user.active,
            joined: print_time(user.joined),
            valid_from: (user.valid_from > Timestamp::default())
                .then(|| print_time(user.valid_from))
                .flatten(),
            must_change_password: user.must_change_password,
            rocketchat_id: Some(user.protocols.rocketchat.clone()),
            rocketchat_roles: user.protocols.rocketchat_roles.clone(),
            zettelstore_zid: Some(format!("{:014}", user.protocols.zettelstore)),
            zettelstore_role: user.protocols.zettelstore_role.clone(),
            email_2fa: Some(user.email_second_factor),
            password: None,
            password_hash: None,
            zulip_api_key: None,
            totp_secret: None,
            backup_codes: Vec::new(),
            backup_code_digests: Vec::new(),
            rocketchat_tokens: Vec::new(),
            unknown: BTreeMap::new(),
        };
        if secrets {
            line.password_hash = account.password.as_ref().map(|hash| hash.expose().to_owned());
            if let Some(key) = self.store.of_user(user.id, CredentialKind::ZulipKey).await?.pop() {
                line.zulip_api_key = Some(self.open_zulip_key(&key)?.expose().to_owned());
            }
            if let Some(device) = self.store.of_user(user.id, CredentialKind::Totp).await?.pop() {
                line.totp_secret = Some(totp::to_base32(&self.totp_secret(&device)?).as_str().to_owned());
            }
        }
        Ok(line)
    }
}
