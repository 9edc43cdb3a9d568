//! What an account takes over from its record, when the record has changed since the last import.

use std::time::Duration;

use auth_core::{
    Account, Act, AuditRecord, ByProtocol, CredentialKind, ExternalId, ImportedChange, Language, LoginName,
    NameKind, NewUser, ProtocolName, User,
};
use auth_crypto::password::{NameContext, StoredPassword};
use auth_engine::{Engine, RevocationEvent};

use super::mark::{Field, State};

/// What is done to an account because its record has changed.
pub(super) struct Following {
    /// The change, as yet without a password that is to be hashed, and without a mark.
    pub(super) change: ImportedChange,
    /// What changes, a word each.
    pub(super) words: Vec<&'static str>,
    /// What the source has changed and the account keeps.
    pub(super) notes: Vec<String>,
    /// Whether the record's password is to be stored.
    pub(super) sets_password: bool,
    /// What the mark tells beside the line.
    pub(super) state: State,
}

/// A record of a user.
pub(super) struct Given<'a> {
    pub(super) new: &'a NewUser,
    /// The ids of the source. Those of `new` that are not among them were made here.
    pub(super) ids: &'a ByProtocol<ExternalId>,
    /// Whether it has a password in clear.
    pub(super) has_clear: bool,
}

/// Applies records to accounts.
pub(super) struct Follower<'a> {
    pub(super) engine: &'a Engine,
    /// The name of the source, for the audit log.
    pub(super) source: &'a str,
}

impl<'a> Follower<'a> {
    /// An account to which nothing is done.
    pub(super) fn nothing(&self, account: &Account, state: State) -> Following {
        let bots = (
            self.engine.revocations().kinds(RevocationEvent::Deactivated),
            self.engine.passwords().next_valid_from(),
        );
        let change = ImportedChange {
            user: User::clone(&account.user),
            is_change: false,
            password: None,
            revoked: Vec::new(),
            bots,
            credentials: Vec::new(),
            audit: Vec::new(),
            mark: None,
        };
        Following { change, words: Vec::new(), notes: Vec::new(), sets_password: false, state }
    }

    /// Takes over the fields that have changed. An account that was joined with the record keeps what another source says of it,
    /// and takes the ids and roles at protocols, and the key.
    pub(super) fn follow(
        &self,
        account: &Account,
        record: &Given<'_>,
        state: State,
        changed: impl Fn(Field) -> bool,
    ) -> Following {
        const OF_JOINED: [Field; 3] = [Field::ExternalIds, Field::ExternalRoles, Field::ZulipKey];
        let mut following = self.nothing(account, state);
        let stays = |field| state.is_joined && !OF_JOINED.contains(&field);
        if Field::ALL.into_iter().any(|field| stays(field) && changed(field)) {
            let text = "has changed at this source too, and goes on as the source it came from first says";
            following.notes.push(text.to_owned());
        }
        let changed = |field| changed(field) && !stays(field);
        let new = record.new;
        self.follow_profile(&mut following, account, new, &changed);
        self.follow_ids(&mut following, record, &changed);
        self.follow_credentials(&mut following, account, record, &changed);
        if changed(Field::Active) {
            self.follow_activity(&mut following, account, new.user.active);
        }
        // What else has moved the stamp of an account that an import has deactivated is no act of an operator.
        let user = &following.change.user;
        if !user.active && following.state.ended == Some(account.user.valid_from) {
            following.state.ended = Some(user.valid_from);
        }
        following.change.is_change = !following.words.is_empty();
        following
    }

    /// Takes an account that is there already for that of a record: it stays as it is, but for a deactivation.
    pub(super) fn adopt(&self, account: &Account, new: &NewUser) -> Following {
        let mut following = self.nothing(account, State::default());
        let differing = differences(&account.user, &new.user);
        if !differing.is_empty() {
            let text = "was here before, and keeps what differs at the source until it changes there: ";
            following.notes.push(format!("{text}{}", differing.join(", ")));
        }
        if !new.user.active {
            self.follow_activity(&mut following, account, false);
        }
        following.change.is_change = !following.words.is_empty();
        following
    }

    fn follow_profile(
        &self,
        following: &mut Following,
        account: &Account,
        new: &NewUser,
        changed: &impl Fn(Field) -> bool,
    ) {
        let (before, after) = (&*account.user, &mut following.change.user);
        let mut details = Vec::new();
        let mut note = |word, before: &str, after: &str| {
            following.words.push(word);
            details.push(format!("{word}: {before} → {after}"));
        };
        let names_stay = before.name(NameKind::Directory).is_some();
        if names_stay && (changed(Field::UserName) || changed(Field::Email)) {
            following.notes.push("keeps its names: a directory has them".to_owned());
        }
        let mut is_renamed = false;
        if changed(Field::UserName)
            && !names_stay
            && let Some(name) = new.user.user_name().filter(|name| before.user_name() != Some(name))
        {
            note("user_name", before.user_name().unwrap_or("none"), name);
            put(&mut after.names, NameKind::UserName, name, false);
            is_renamed = true;
        }
        let mut has_new_address = false;
        if changed(Field::Email)
            && !names_stay
            && let Some(email) = new.user.email()
        {
            let own = before.email();
            let is_own = own.is_some_and(|own| own.address == email.address);
            has_new_address = !is_own;
            if has_new_address {
                note("email", own.map_or("none", |own| own.address), email.address);
                put(&mut after.names, NameKind::Email, email.address, email.verified);
            } else if email.verified && own.is_some_and(|own| !own.verified) {
                note("email_verified", "false", "true");
                put(&mut after.names, NameKind::Email, email.address, true);
            }
        }
        if changed(Field::FullName) && new.user.full_name != before.full_name {
            note("full_name", &before.full_name, &new.user.full_name);
            after.full_name.clone_from(&new.user.full_name);
        }
        if changed(Field::Role) && new.user.role != before.role {
            note("role", before.role.as_str(), new.user.role.as_str());
            after.role = new.user.role;
        }
        if changed(Field::Language) && new.user.language != before.language {
            let tag = |language: Option<Language>| language.map_or("none", Language::tag);
            note("language", tag(before.language), tag(new.user.language));
            after.language = new.user.language;
        }
        if changed(Field::Bot) && (new.user.bot, new.user.bot_owner) != (before.bot, before.bot_owner) {
            note(
                "bot",
                before.bot.map_or("none", |bot| bot.as_str()),
                new.user.bot.map_or("none", |bot| bot.as_str()),
            );
            (after.bot, after.bot_owner) = (new.user.bot, new.user.bot_owner);
        }
        if is_renamed {
            following.change.password = named_in_hash(account);
            following.change.revoked.push(CredentialKind::ZETTELSTORE_TOKEN);
            self.move_valid_from(&mut following.change.user, before);
        }
        if has_new_address {
            following.change.revoked.extend(self.engine.revocations().kinds(RevocationEvent::AddressChanged));
        }
        if !details.is_empty() {
            following.change.audit.push(self.row(Act::ProfileUpdated, before, &details.join("; ")));
        }
    }

    fn follow_ids(&self, following: &mut Following, record: &Given<'_>, changed: &impl Fn(Field) -> bool) {
        let user = &mut following.change.user;
        let mut details = Vec::new();
        if changed(Field::ExternalIds) {
            for (protocol, id) in record.ids.iter() {
                if user.external_ids.get(protocol) == Some(id) {
                    continue;
                }
                if user.external_ids.get(protocol).is_some() {
                    following.notes.push(format!("keeps its {protocol} id"));
                } else {
                    user.external_ids.set(protocol, id.clone());
                    details.push("external_ids");
                }
            }
        }
        if changed(Field::ExternalRoles) {
            for (protocol, roles) in record.new.user.external_roles.iter() {
                if user.external_roles.get(protocol) != Some(roles) {
                    user.external_roles.set(protocol, roles.clone());
                    details.push("external_roles");
                }
            }
        }
        details.dedup();
        if !details.is_empty() {
            let row = self.row(Act::ProfileUpdated, &following.change.user, &details.join("; "));
            following.change.audit.push(row);
            following.words.extend(details);
        }
    }

    fn follow_credentials(
        &self,
        following: &mut Following,
        account: &Account,
        record: &Given<'_>,
        changed: &impl Fn(Field) -> bool,
    ) {
        let (before, new) = (&*account.user, record.new);
        let events = self.engine.revocations();
        let of_kind = |kind| new.credentials.iter().filter(move |own| own.kind == kind);
        if changed(Field::Password) {
            if record.has_clear || new.password.is_some() {
                following.sets_password = true;
                following.words.push("password");
                following.change.revoked.extend(events.kinds(RevocationEvent::NewPassword));
                following.change.user.must_change_password = new.user.must_change_password;
                self.move_valid_from(&mut following.change.user, before);
                following.change.audit.push(self.row(Act::PasswordSet, before, ""));
            } else {
                following
                    .notes
                    .push("has no password at the source any more, and keeps the one here".to_owned());
            }
        }
        if changed(Field::MustChangePassword)
            && new.user.must_change_password
            && !following.change.user.must_change_password
        {
            following.change.user.must_change_password = true;
            following.words.push("must_change_password");
            following.change.audit.push(self.row(Act::ProfileUpdated, before, "must_change_password"));
        }
        if changed(Field::EmailSecondFactor) && new.user.email_second_factor != before.email_second_factor {
            if new.user.email_second_factor {
                following.change.user.email_second_factor = true;
                following.words.push("email_2fa");
                following.change.revoked.extend(events.kinds(RevocationEvent::MailedCodesRequired));
                following.change.audit.push(self.row(Act::MailedCodesRequired, before, ""));
            } else {
                following.notes.push("is asked for mailed codes here as before".to_owned());
            }
        }
        if changed(Field::ZulipKey) && of_kind(CredentialKind::ZULIP_KEY).next().is_some() {
            following.change.revoked.push(CredentialKind::ZULIP_KEY);
            following.take(before, of_kind(CredentialKind::ZULIP_KEY).cloned());
            following.words.push("zulip_api_key");
            following.change.audit.push(self.row(Act::ZulipKeyRenewed, before, ""));
        }
        if changed(Field::Totp) {
            if account.totp {
                following.notes.push("keeps the authenticator app that it has here".to_owned());
            } else if of_kind(CredentialKind::TOTP).next().is_some() {
                following.change.revoked.extend(events.kinds(RevocationEvent::DeviceEnrolled));
                let device = of_kind(CredentialKind::TOTP).chain(of_kind(CredentialKind::BACKUP_CODE));
                following.take(before, device.cloned());
                following.words.push("totp");
                following.change.audit.push(self.row(Act::DeviceEnrolled, before, ""));
            }
        }
    }

    /// Deactivates an account whose record has been deactivated, or activates it again, if it was an import that
    /// deactivated it and no operator has done so since.
    fn follow_activity(&self, following: &mut Following, account: &Account, active: bool) {
        let before = &*account.user;
        if before.active == active {
            return;
        }
        if !active {
            following.change.user.active = false;
            following.change.revoked.extend(self.engine.revocations().kinds(RevocationEvent::Deactivated));
            self.move_valid_from(&mut following.change.user, before);
            following.state.ended = Some(following.change.user.valid_from);
            following.words.push("deactivated");
            following.change.audit.push(self.row(Act::Deactivated, before, ""));
        } else if following.state.ended == Some(before.valid_from) {
            following.change.user.active = true;
            following.state.ended = None;
            following.words.push("activated");
            following.change.audit.push(self.row(Act::Activated, before, ""));
        } else {
            following.notes.push("stays deactivated: it was deactivated here".to_owned());
        }
    }

    /// Moves the stamp before which signed tokens are refused, as revocations do.
    fn move_valid_from(&self, user: &mut User, before: &User) {
        let next = self.engine.passwords().next_valid_from();
        user.valid_from = next.max(before.valid_from + Duration::from_secs(1));
    }

    /// A row of the audit log for an act that a record causes.
    pub(super) fn row(&self, act: Act, user: &User, detail: &str) -> AuditRecord {
        let separator = if detail.is_empty() { "" } else { ": " };
        let detail = format!("import of {}{separator}{detail}", self.source);
        self.engine.auditor().by_command_on(act, user, detail)
    }
}

impl Following {
    /// Adds credentials of a record to the account.
    pub(super) fn take(&mut self, user: &User, credentials: impl Iterator<Item = auth_core::Credential>) {
        let own = credentials.map(|credential| auth_core::Credential { user: user.id, ..credential });
        self.change.credentials.extend(own);
    }
}

/// The hash of an account that is renamed, where it covers the name.
fn named_in_hash(account: &Account) -> Option<auth_core::PasswordString> {
    let user = &account.user;
    let context = NameContext {
        zettelstore_id: user.external_number(ProtocolName::ZETTELSTORE),
        user_name: user.user_name().unwrap_or_default().to_owned(),
    };
    StoredPassword::before_renaming(account.password.as_ref()?, &context)
}

/// The fields in which an account differs from a record that becomes it.
fn differences(account: &User, record: &User) -> Vec<&'static str> {
    let address = |user: &User| user.email().map(|email| email.address.to_owned());
    let differing = [
        ("user_name", record.user_name().is_some_and(|name| account.user_name() != Some(name))),
        ("email", record.email().is_some() && address(account) != address(record)),
        ("full_name", account.full_name != record.full_name),
        ("role", account.role != record.role),
        ("language", record.language.is_some() && account.language != record.language),
        ("active", record.active && !account.active),
    ];
    differing.into_iter().filter(|(_, differs)| *differs).map(|(word, _)| word).collect()
}

/// Puts a name in the place of the first of its kind.
pub(super) fn put(names: &mut Vec<LoginName>, kind: NameKind, exact: &str, verified: bool) {
    let new = LoginName { kind, exact: exact.to_owned(), verified };
    let first = names.iter().position(|name| name.kind == kind);
    match first.and_then(|at| names.get_mut(at)) {
        Some(first) => *first = new,
        None => names.push(new),
    }
    // What was the second of its kind may be the same name.
    let mut is_first = true;
    names.retain(|name| {
        let is_it = name.kind == kind && name.exact == exact;
        !is_it || std::mem::take(&mut is_first)
    });
}
