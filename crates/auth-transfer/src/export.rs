//! Export: the same lines that an import reads.

use std::collections::BTreeMap;
use std::io::Write;

use auth_core::{Account, CredentialKind, InternalError, NameKind, ProtocolName, Timestamp};
use auth_crypto::totp;
use auth_engine::{Engine, USERS_PER_PAGE};

use super::line::{RealmLine, UserLine, rfc3339};

/// Writes all realms and users as JSON lines and gives the number of lines. With `secrets` the lines carry password hashes,
/// Zulip keys and TOTP secrets: enough to import them elsewhere. Backup codes, tokens and app passwords can't be read back
/// and are left out.
///
/// # Errors
/// An [`InternalError`] when a record can't be read or a line can't be written.
pub async fn export(
    engine: &Engine,
    out: &mut (dyn Write + Send),
    secrets: bool,
) -> Result<u64, InternalError> {
    let mut lines = 0;
    let mut write = |line: serde_json::Result<String>| -> Result<(), InternalError> {
        let line = line.map_err(InternalError::defect)?;
        writeln!(out, "{line}").map_err(InternalError::defect)?;
        lines += 1;
        Ok(())
    };
    let realms = engine.store().realms().await?;
    for realm in &realms {
        write(serde_json::to_string(&RealmLine::of(realm)))?;
    }
    for realm in &realms {
        let mut after = None;
        loop {
            let page = engine.store().users(realm.id, after, USERS_PER_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.user.id);
            for account in &page {
                let line = user_line(engine, account, &realm.slug, secrets).await?;
                write(serde_json::to_string(&line))?;
            }
        }
    }
    Ok(lines)
}

async fn user_line(
    engine: &Engine,
    account: &Account,
    realm: &str,
    secrets: bool,
) -> Result<UserLine, InternalError> {
    let user = &account.user;
    let name = |kind| user.name(kind).map(|name| name.exact.clone());
    let of_others = |protocol: &ProtocolName| {
        ![ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE].contains(protocol)
    };
    let zettelstore_role = user.external_roles.get(ProtocolName::ZETTELSTORE).and_then(|roles| roles.first());
    let mut line = UserLine {
        kind: "user".to_owned(),
        realm: realm.to_owned(),
        id: i64::try_from(user.external_number(ProtocolName::ZULIP)).ok(),
        username: name(NameKind::UserName),
        email: name(NameKind::Email),
        email_verified: user.email().is_some_and(|email| email.verified),
        directory_name: name(NameKind::Directory),
        full_name: user.full_name.clone(),
        role: Some(user.role.as_str().to_owned()),
        bot: user.bot.map(|bot| bot.as_str().to_owned()),
        bot_owner_id: user.bot_owner.and_then(|owner| i64::try_from(owner).ok()),
        active: user.active,
        joined: rfc3339(user.joined),
        valid_from: (user.valid_from > Timestamp::default()).then(|| rfc3339(user.valid_from)).flatten(),
        must_change_password: user.must_change_password,
        language: user.language.map(|language| language.tag().to_owned()),
        rocketchat_id: Some(user.external_text(ProtocolName::ROCKETCHAT).to_owned()),
        rocketchat_roles: user.external_roles.get(ProtocolName::ROCKETCHAT).cloned(),
        zettelstore_zid: Some(format!("{:014}", user.external_number(ProtocolName::ZETTELSTORE))),
        zettelstore_role: zettelstore_role.cloned(),
        external_ids: user
            .external_ids
            .iter()
            .filter(|(protocol, _)| of_others(protocol))
            .map(|(protocol, id)| (protocol.as_str().to_owned(), id.into()))
            .collect(),
        external_roles: user
            .external_roles
            .iter()
            .filter(|(protocol, _)| of_others(protocol))
            .map(|(protocol, roles)| (protocol.as_str().to_owned(), roles.clone()))
            .collect(),
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
        let (store, credentials) = (engine.store(), engine.credentials());
        line.password_hash = account.password.as_ref().map(|hash| hash.expose().to_owned());
        // Keys of app passwords end with them, and app passwords are left out.
        let keys = store.of_user(user.id, CredentialKind::ZULIP_KEY).await?;
        if let Some(key) = keys.into_iter().find(|key| key.parent.is_none()) {
            line.zulip_api_key = Some(credentials.open_zulip_key(&key)?.expose().to_owned());
        }
        if let Some(device) = store.of_user(user.id, CredentialKind::TOTP).await?.pop() {
            line.totp_secret = Some(totp::to_base32(&credentials.totp_secret(&device)?).as_str().to_owned());
        }
    }
    Ok(line)
}
