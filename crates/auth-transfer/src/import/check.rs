//! What a line says, checked: the record it makes.

use std::collections::HashMap;

use auth_core::{
    BotKind, ExternalIds, LoginName, NameKind, NewUser, Password, Realm, RealmId, Role, StoreError,
    Timestamp, User, UserId, fold,
};
use auth_crypto::opaque;
use auth_crypto::password::{self, NameContext};

use super::super::line::{BOTS, BadLine, Line, RealmLine, UserLine, bad, named, time, zettel_id};
use crate::Engine;

/// The longest name anybody logs in with, in bytes.
const LONGEST_NAME: usize = 320;

/// The realms that lines can refer to, by slug: those of the store, and those of the lines before.
pub(super) struct Realms(HashMap<String, Realm>);

/// What a good line makes.
pub(super) enum Draft {
    Realm(Realm),
    User(Box<UserDraft>),
}

/// A user whose password may still be in clear.
pub(super) struct UserDraft {
    pub(super) user: NewUser,
    /// The password, and the realm whose rules hashing follows.
    pub(super) clear: Option<(Password, Realm)>,
}

impl Engine {
    pub(super) async fn realms_to_refer_to(&self) -> Result<Realms, StoreError> {
        let realms = self.store.realms().await?;
        Ok(Realms(realms.into_iter().map(|realm| (realm.slug.clone(), realm)).collect()))
    }

    pub(super) fn check(&self, line: Line, realms: &mut Realms) -> Result<Draft, BadLine> {
        let Realms(realms) = realms;
        match line {
            Line::Realm(line) => {
                let known = realms.get(&line.realm).map(|realm| realm.id);
                let realm = self.check_realm(*line, known)?;
                realms.insert(realm.slug.clone(), realm.clone());
                Ok(Draft::Realm(realm))
            }
            Line::User(line) => {
                let realm = realms.get(&line.realm).ok_or_else(|| bad("no such realm before this line"))?;
                let (user, clear) = self.check_user(*line, realm)?;
                let clear = clear.map(|password| (password, realm.clone()));
                Ok(Draft::User(Box::new(UserDraft { user, clear })))
            }
        }
    }

    fn check_realm(&self, line: RealmLine, known: Option<RealmId>) -> Result<Realm, BadLine> {
        let slug_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if line.realm.is_empty() || line.realm.len() > 64 || !line.realm.bytes().all(slug_byte) {
            return Err(bad("`realm` is not 1 to 64 lower-case letters, digits, - or _"));
        }
        let host_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if line.subdomain.as_ref().is_some_and(|name| name.len() > 63 || !name.bytes().all(host_byte)) {
            return Err(bad("`subdomain` is not up to 63 lower-case letters, digits or -"));
        }
        let strength = line.strength();
        for backend in &line.backends {
            if !self.backends.iter().any(|known| known.name() == backend) {
                return Err(bad("`backends` names one that is not configured"));
            }
        }
        Ok(Realm {
            id: known.unwrap_or_else(|| RealmId::random(&*self.rng)),
            name: line.name.unwrap_or_else(|| line.realm.clone()),
            slug: line.realm,
            subdomain: line.subdomain,
            icon: line.icon,
            description: line.description,
            active: line.active,
            password_login: line.password_login,
            digest_logins: line.digest_logins,
            strength,
            backends: line.backends,
        })
    }

    fn check_user(&self, line: UserLine, realm: &Realm) -> Result<(NewUser, Option<Password>), BadLine> {
        let joined = match line.joined.as_deref().map(time) {
            None => self.now(),
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
            Some(bot) => Some(named(&BOTS, bot).ok_or_else(|| bad("`bot` is not one we know"))?),
        };
        if line.id.is_some_and(|id| id < 1) {
            return Err(bad("`id` is not positive"));
        }
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
            (Some(clear), None) if clear.is_too_long() => return Err(bad("`password` is too long")),
            (_, None) => None,
            (None, Some(hash)) => Some(
                password::check_import(hash, context.as_ref())
                    .map_err(|why| BadLine(format!("`password_hash`: {why}")))?,
            ),
        };
        let email_verified = line.email.is_some() && line.email_verified;
        let user = User {
            id: UserId::random(&*self.rng),
            realm: realm.id,
            names,
            full_name: line.full_name.clone(),
            role,
            bot,
            active: line.active,
            joined,
            valid_from,
            email_second_factor: line
                .email_2fa
                .unwrap_or(self.config.rocketchat.email_2fa_auto_opt_in && email_verified && bot.is_none()),
            must_change_password: line.must_change_password,
            protocols: ExternalIds {
                zulip: line.id.unwrap_or_default(),
                rocketchat: line.rocketchat_id.clone().unwrap_or_else(|| opaque::rocketchat_id(&*self.rng)),
                rocketchat_roles: line.rocketchat_roles.clone(),
                zettelstore: zid.unwrap_or_else(|| zettel_id(joined)),
                zettelstore_role: line.zettelstore_role.clone(),
            },
            version: 0,
        };
        let credentials = self.credentials_of(&line, &user)?;
        let new = NewUser {
            assign_zulip_id: line.id.is_none(),
            assign_zettelstore_id: zid.is_none(),
            user,
            password,
            credentials,
        };
        Ok((new, clear))
    }
}

/// Whether somebody can log in with a name.
pub(crate) fn is_login_name(kind: NameKind, name: &str) -> bool {
    !name.trim().is_empty()
        && name.trim() == name
        && name.len() <= LONGEST_NAME
        && fold(name).len() <= 2 * LONGEST_NAME
        && !name.chars().any(char::is_control)
        && (kind != NameKind::Email || name.contains('@'))
}

fn names(line: &UserLine) -> Result<Vec<LoginName>, BadLine> {
    let given = [
        (NameKind::UserName, "username", &line.username, false),
        (NameKind::Email, "email", &line.email, line.email_verified),
        (NameKind::Directory, "directory_name", &line.directory_name, false),
    ];
    let mut names = Vec::new();
    for (kind, key, name, verified) in given {
        let Some(name) = name else { continue };
        if !is_login_name(kind, name) {
            return Err(BadLine(format!("`{key}` can't be logged in with")));
        }
        names.push(LoginName { kind, exact: name.clone(), verified });
    }
    if names.is_empty() { Err(bad("`username` or `email` is missing")) } else { Ok(names) }
}
