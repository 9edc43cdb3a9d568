//! Reading, checking, hashing and sealing what moves in.

mod credentials;

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use auth_core::{
    BotKind, DoorIds, Fault, ImportError, ImportMode, Imported, LoginName, NameKind, Network, NewRecord,
    NewUser, Password, PasswordString, Realm, RealmId, Role, StoreError, Timestamp, User, UserId, fold,
};
use auth_crypto::opaque;
use auth_crypto::password::{self, HashingRule, NameContext, OldHash, Secret, StoredPassword};
use futures_util::{StreamExt, stream};

use super::line::{BOTS, BadLine, Line, RealmLine, UserLine, bad, named, time, zettel_id};
use super::{ImportFailure, ImportOptions, ImportReport};
use crate::Engine;
use crate::schemes::{self, Scheme};

/// Bad lines are all named, up to this many.
const MOST_NAMED: usize = 100;

/// So many records that conflict with what is there are left out; more are hardly meant.
const MOST_CONFLICTS: usize = 1000;

/// The longest name anybody logs in with, in bytes.
const LONGEST_NAME: usize = 320;

/// How many passwords wait for hashing at a time: enough to keep the workers busy.
const HASHING: usize = 8;

/// A user whose password may still be in clear.
struct Draft {
    line: u64,
    user: NewUser,
    clear: Option<(Password, Realm)>,
}

enum Checked {
    Realm(u64, Realm),
    User(Box<Draft>),
}

impl Engine {
    /// Reads JSON lines and writes what they say: everything, or nothing when a line is bad, unless bad ones are to
    /// be left out. `progress` is told the number of records that are ready, every so often.
    ///
    /// # Errors
    /// [`ImportFailure`] with every bad line, or what failed.
    pub async fn import(
        &self,
        lines: impl BufRead,
        options: impl Into<ImportOptions>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<ImportReport, ImportFailure> {
        let options = options.into();
        let mut report = ImportReport::default();
        let checked = self.check_lines(lines, options.skip_bad, &mut report).await?;
        let mut numbers: Vec<u64> = checked
            .iter()
            .map(|checked| match checked {
                Checked::Realm(line, _) => *line,
                Checked::User(draft) => draft.line,
            })
            .collect();

        let wrap = options.wrap && options.mode == ImportMode::Write;
        let mut records = Vec::with_capacity(checked.len());
        let mut hashed = stream::iter(checked).map(|checked| self.finish(checked, wrap)).buffered(HASHING);
        while let Some(record) = hashed.next().await {
            records.push(record?);
            if records.len().is_multiple_of(1000) {
                progress(u64::try_from(records.len()).unwrap_or(u64::MAX));
            }
        }
        drop(hashed);
        if options.mode == ImportMode::Write {
            self.note_schemes(&records).await?;
        }
        let written = self.write(records, &mut numbers, options, &mut report).await;
        self.realms.forget();
        report.imported = written?;
        Ok(report)
    }

    /// Writes records, whose lines have these numbers. What conflicts with what is there is left out, if that is
    /// allowed, and everything tried again: the store takes all or nothing.
    async fn write(
        &self,
        mut records: Vec<NewRecord>,
        numbers: &mut Vec<u64>,
        options: ImportOptions,
        report: &mut ImportReport,
    ) -> Result<Imported, ImportFailure> {
        loop {
            // A copy is kept only for another try.
            let kept = if options.skip_bad { records.clone() } else { Vec::new() };
            let written = self.store.import(Box::new(records.into_iter().map(Some)), options.mode).await;
            let (record, error) = match written {
                Ok(imported) => return Ok(imported),
                Err(ImportError { record, error }) => (record, error),
            };
            let Some(error) = error else {
                return Err(ImportFailure::Fault(Fault::internal("the records ended early")));
            };
            let index = record.and_then(|index| usize::try_from(index).ok()).filter(|at| *at < numbers.len());
            let (Some(index), StoreError::Conflict(_) | StoreError::Missing(_)) = (index, &error) else {
                return Err(ImportFailure::Fault(error.into()));
            };
            let line = (numbers.remove(index), error.to_string());
            if !options.skip_bad || report.left_out.len() >= MOST_CONFLICTS {
                return Err(ImportFailure::Lines(vec![line]));
            }
            report.left_out.push(line);
            records = kept;
            records.remove(index);
        }
    }

    /// Lists the schemes of what is to be written: before it is, so that none is there without being listed.
    async fn note_schemes(&self, records: &[NewRecord]) -> Result<(), StoreError> {
        let params = self.config.passwords.params;
        let passwords = records.iter().filter_map(|record| match record {
            NewRecord::User(user) => user.password.as_ref(),
            NewRecord::Realm(_) => None,
        });
        let stored = passwords.filter_map(|password| StoredPassword::parse(password).ok());
        let schemes: HashSet<Scheme> = stored.map(|stored| Scheme::of_stored(&stored, params)).collect();
        schemes::note(&*self.store, schemes).await
    }

    async fn check_lines(
        &self,
        lines: impl BufRead,
        skip_bad: bool,
        report: &mut ImportReport,
    ) -> Result<Vec<Checked>, ImportFailure> {
        let mut realms: HashMap<String, Realm> =
            self.store.realms().await?.into_iter().map(|realm| (realm.slug.clone(), realm)).collect();
        let mut checked = Vec::new();
        let mut bad_lines = Vec::new();
        for (number, text) in (1..).zip(lines.split(b'\n')) {
            let text = text.map_err(ImportFailure::Read)?;
            if text.trim_ascii().is_empty() {
                continue;
            }
            match self.check_line(number, &text, &mut realms, report) {
                Ok(line) => checked.push(line),
                Err(BadLine(reason)) if skip_bad => report.left_out.push((number, reason)),
                Err(BadLine(reason)) => {
                    bad_lines.push((number, reason));
                    if bad_lines.len() == MOST_NAMED {
                        break;
                    }
                }
            }
        }
        if bad_lines.is_empty() { Ok(checked) } else { Err(ImportFailure::Lines(bad_lines)) }
    }

    fn check_line(
        &self,
        number: u64,
        text: &[u8],
        realms: &mut HashMap<String, Realm>,
        report: &mut ImportReport,
    ) -> Result<Checked, BadLine> {
        let text = std::str::from_utf8(text).map_err(|_| bad("not UTF-8"))?;
        let line = Line::parse(text)?;
        for key in line.unknown_keys() {
            report.notes.push((number, format!("`{key}` means nothing here")));
        }
        match line {
            Line::Realm(line) => {
                let known = realms.get(&line.realm).map(|realm| realm.id);
                let realm = self.check_realm(*line, known)?;
                realms.insert(realm.slug.clone(), realm.clone());
                Ok(Checked::Realm(number, realm))
            }
            Line::User(line) => {
                let realm = realms.get(&line.realm).ok_or_else(|| bad("no such realm before this line"))?;
                let (user, clear) = self.check_user(*line, realm)?;
                let clear = clear.map(|password| (password, realm.clone()));
                Ok(Checked::User(Box::new(Draft { line: number, user, clear })))
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
            doors: DoorIds {
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

    /// Hashes what is still in clear, and wraps what shall be wrapped.
    async fn finish(&self, checked: Checked, wrap: bool) -> Result<NewRecord, Fault> {
        match checked {
            Checked::Realm(_, realm) => Ok(NewRecord::Realm(realm)),
            Checked::User(draft) => {
                let mut user = draft.user;
                if let Some((password, realm)) = draft.clear {
                    user.password = Some(self.hash_clear(password, &realm).await?);
                } else if wrap {
                    user.password = self.wrapped(user.password).await?;
                }
                Ok(NewRecord::User(Box::new(user)))
            }
        }
    }

    async fn hash_clear(&self, password: Password, realm: &Realm) -> Result<PasswordString, Fault> {
        let rule = self.hashing_rule(realm);
        self.pool
            .hash(Secret::Password(password), rule, Network::default())
            .await
            .map_err(|busy| Fault::busy(busy.retry_after))
    }

    async fn wrapped(&self, password: Option<PasswordString>) -> Result<Option<PasswordString>, Fault> {
        let params = self.config.passwords.params;
        let Some(old) = password.as_ref().and_then(|password| OldHash::of(password, params)) else {
            return Ok(password);
        };
        let rule = HashingRule { params, digest_ready: false };
        let wrapped = self.pool.wrap(old, rule, Network::default()).await;
        wrapped.map(Some).map_err(|busy| Fault::busy(busy.retry_after))
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
