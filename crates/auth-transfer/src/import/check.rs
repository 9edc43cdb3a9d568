//! Checks lines, and makes records of them.

use std::collections::HashMap;

use auth_core::{
    BotKind, ByProtocol, ExternalId, Language, LoginName, NameKind, NewUser, Password, PasswordString,
    ProtocolName, Realm, RealmChange, RealmId, Role, StoreError, Timestamp, User, check_login_name,
};
use auth_crypto::password::{self, NameContext, StoredPassword};
use auth_engine::Engine;

use super::draft::Record;
use crate::line::{BadLine, Line, RealmLine, UserLine, bad, time};

/// Checks the lines of one import.
pub(super) struct Checker<'a> {
    pub(super) engine: &'a Engine,
    /// The realms that lines can refer to, by slug: those of the store, and those of the lines before.
    realms: HashMap<String, Realm>,
}

/// Why no record is made of a line.
pub(super) enum Refusal {
    /// The line is bad.
    Bad(BadLine),
    /// The line is a user's, and there is no realm of this slug.
    NoRealm(String),
}

impl From<BadLine> for Refusal {
    fn from(bad: BadLine) -> Self {
        Self::Bad(bad)
    }
}

impl<'a> Checker<'a> {
    pub(super) async fn new(engine: &'a Engine) -> Result<Self, StoreError> {
        let realms = engine.store().realms().await?;
        let realms = realms.into_iter().map(|realm| (realm.slug.clone(), realm)).collect();
        Ok(Self { engine, realms })
    }

    /// Makes a record of a line.
    pub(super) fn check(&mut self, line: Line) -> Result<Record, Refusal> {
        match line {
            Line::Realm(line) => {
                let change = self.check_realm(*line)?;
                let realm = change.clone().apply(self.realms.remove(&change.slug));
                self.realms.insert(realm.slug.clone(), realm);
                Ok(Record::Realm(change))
            }
            Line::User(line) => {
                let Some(realm) = self.realms.get(&line.realm) else {
                    return Err(Refusal::NoRealm(line.realm));
                };
                let (user, clear) = self.check_user(*line, realm)?;
                Ok(Record::User { user: Box::new(user), clear, digest_ready: realm.digest_logins })
            }
        }
    }

    /// The change of a realm that the line is.
    fn check_realm(&self, line: RealmLine) -> Result<RealmChange, BadLine> {
        let known = self.realms.get(&line.realm).map(|realm| realm.id);
        let change = line.change(known.unwrap_or_else(|| RealmId::random(&**self.engine.rng())));
        let backends = self.engine.backends();
        change.check(|name| backends.contains(name)).map_err(|why| bad(&why.to_string()))?;
        Ok(change)
    }

    /// Checks that a stored password has a known form, and that logins have the memory to verify it.
    fn check_hash(&self, hash: &str, context: Option<&NameContext>) -> Result<PasswordString, BadLine> {
        let hash = password::check_import(hash, context)
            .map_err(|why| BadLine(format!("`password_hash`: {why}")))?;
        if let Ok(stored) = StoredPassword::parse(&hash) {
            self.engine.passwords().pool().check(&stored).map_err(|why| {
                BadLine(format!("`password_hash`: {why}: raise [passwords] memory_budget_mib"))
            })?;
        }
        Ok(hash)
    }

    fn check_user(&self, line: UserLine, realm: &Realm) -> Result<(NewUser, Option<Password>), BadLine> {
        let joined = match line.joined.as_deref().map(time) {
            None => self.engine.clock().now(),
            Some(Some(joined)) => joined,
            Some(None) => return Err(bad("`joined` is not an RFC 3339 time")),
        };
        let valid_from = match line.valid_from.as_deref().map(time) {
            None => Timestamp::default(),
            Some(Some(valid_from)) => valid_from,
            Some(None) => return Err(bad("`valid_from` is not an RFC 3339 time")),
        };
        let names = names(&line)?;
        let role = match line.role.as_deref() {
            None => Role::default(),
            Some(role) => Role::from_name(role).ok_or_else(|| bad("`role` is not one we know"))?,
        };
        let bot: Option<BotKind> = match line.bot.as_deref() {
            None => None,
            Some(bot) => Some(BotKind::from_name(bot).ok_or_else(|| bad("`bot` is not one we know"))?),
        };
        let language = match line.language.as_deref() {
            None => None,
            Some(tag) => Some(Language::from_tag(tag).ok_or_else(|| bad("`language` is not one we know"))?),
        };
        if line.id.is_some_and(|id| id < 1) {
            return Err(bad("`id` is not positive"));
        }
        let bot_owner = match line.bot_owner_id.map(u64::try_from) {
            None => None,
            Some(_) if bot.is_none() => return Err(bad("`bot_owner_id` is for bots: `bot` is missing")),
            Some(Ok(owner)) if owner > 0 => Some(owner),
            Some(_) => return Err(bad("`bot_owner_id` is not positive")),
        };
        let zid = match line.zettelstore_zid.as_deref() {
            None => None,
            Some(zid) if zid.len() == 14 && zid.bytes().all(|b| b.is_ascii_digit()) => zid.parse().ok(),
            Some(_) => return Err(bad("`zettelstore_zid` is not 14 digits")),
        };
        if line.rocketchat_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > 64) {
            return Err(bad("`rocketchat_id` is not 1 to 64 bytes"));
        }
        let context = zid.zip(line.username.as_deref()).map(|(zettelstore_id, user_name)| NameContext {
            zettelstore_id,
            user_name: user_name.to_owned(),
        });
        let clear = line.password.as_deref().map(Password::new);
        let password = match (&clear, line.password_hash.as_deref()) {
            (Some(_), Some(_)) => return Err(bad("`password` and `password_hash` exclude each other")),
            (Some(clear), None) if clear.expose().is_empty() => {
                return Err(bad("`password` is empty: leave it out for a user without a password"));
            }
            (Some(clear), None) if clear.is_too_long() => return Err(bad("`password` is too long")),
            (_, None) => None,
            (None, Some(hash)) => Some(self.check_hash(hash, context.as_ref())?),
        };
        let email_verified = names.iter().any(|name| name.kind == NameKind::Email && name.verified);
        let mut new = self.engine.users().new_user(realm, joined, external_ids(&line, zid)?);
        let asks_for_codes = self.engine.config().rocketchat.email_2fa_auto_opt_in;
        new.user = User {
            names,
            full_name: line.full_name.clone(),
            role,
            bot,
            bot_owner,
            active: line.active,
            valid_from: new.user.valid_from.max(valid_from),
            email_second_factor: line.email_2fa.unwrap_or(asks_for_codes && email_verified && bot.is_none()),
            must_change_password: line.must_change_password,
            language,
            external_roles: external_roles(&line)?,
            ..new.user
        };
        new.credentials = self.credentials_of(&line, &new.user)?;
        new.password = password;
        Ok((new, clear))
    }
}

/// The names of a line, which [`check_login_name`] accepts. A user name that is an address is the user's address too,
/// where the line has no other: Zulip and Rocket.Chat find nobody by an address that is a user name alone.
fn names(line: &UserLine) -> Result<Vec<LoginName>, BadLine> {
    let is_address = |name: &&String| check_login_name(NameKind::Email, name).is_ok();
    let email = line.email.as_ref().or_else(|| line.username.as_ref().filter(is_address));
    let given = [
        (NameKind::UserName, "username", line.username.as_ref(), false),
        (NameKind::Email, "email", email, line.email_verified),
        (NameKind::Directory, "directory_name", line.directory_name.as_ref(), false),
    ];
    let mut names = Vec::new();
    for (kind, key, name, verified) in given {
        let Some(name) = name else { continue };
        check_login_name(kind, name).map_err(|why| BadLine(format!("`{key}` {why}")))?;
        names.push(LoginName { kind, exact: name.clone(), verified });
    }
    if names.is_empty() { Err(bad("`username` or `email` is missing")) } else { Ok(names) }
}

/// The ids that a good line gives.
pub(super) fn given_ids(line: &UserLine) -> ByProtocol<ExternalId> {
    let zid = line.zettelstore_zid.as_deref().and_then(|zid| zid.parse().ok());
    external_ids(line, zid).unwrap_or_default()
}

/// The ids that a line gives; a user gets those of the other protocols when it is made.
fn external_ids(line: &UserLine, zid: Option<u64>) -> Result<ByProtocol<ExternalId>, BadLine> {
    let mut ids = ByProtocol::new();
    for (protocol, id) in &line.external_ids {
        let id = ExternalId::from(id);
        let is_storable = match &id {
            ExternalId::Number(number) => i64::try_from(*number).is_ok(),
            ExternalId::Text(text) => !text.is_empty() && text.len() <= 64,
        };
        if !is_storable {
            return Err(bad("`external_ids` has one that is not a number or 1 to 64 bytes"));
        }
        ids.set(protocol_of(protocol)?, id);
    }
    let zulip = line.id.and_then(|id| u64::try_from(id).ok()).map(ExternalId::Number);
    let rocketchat = line.rocketchat_id.clone().map(ExternalId::Text);
    for (protocol, id) in [
        (ProtocolName::ZULIP, zulip),
        (ProtocolName::ROCKETCHAT, rocketchat),
        (ProtocolName::ZETTELSTORE, zid.map(ExternalId::Number)),
    ] {
        if let Some(id) = id {
            ids.set(protocol, id);
        }
    }
    Ok(ids)
}

fn external_roles(line: &UserLine) -> Result<ByProtocol<Vec<String>>, BadLine> {
    let mut roles = ByProtocol::new();
    for (protocol, given) in &line.external_roles {
        roles.set(protocol_of(protocol)?, given.clone());
    }
    if let Some(given) = &line.rocketchat_roles {
        roles.set(ProtocolName::ROCKETCHAT, given.clone());
    }
    if let Some(given) = &line.zettelstore_role {
        roles.set(ProtocolName::ZETTELSTORE, vec![given.clone()]);
    }
    Ok(roles)
}

fn protocol_of(name: &str) -> Result<ProtocolName, BadLine> {
    ProtocolName::from_name(name)
        .ok_or_else(|| bad("a key of `external_ids` or `external_roles` is no protocol's name"))
}
