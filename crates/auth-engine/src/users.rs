//! Finding users by the names that clients send, and choosing the ids of new ones.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, ByProtocol, Clock, ExternalId, Identifier, LoginAttempt, Lookup, NameKind, NewId, NewUser,
    ProtocolName, Realm, Rng, Store, StoreError, Timestamp, User, UserId,
};

use crate::directories::Directories;
use crate::rate_limit::subject::password_login_name;
use crate::rules::RuleSet;

/// Finds users in the store.
pub struct UserFinder {
    store: Arc<dyn Store>,
    directories: Arc<Directories>,
}

impl UserFinder {
    pub(crate) fn new(store: Arc<dyn Store>, directories: Arc<Directories>) -> Self {
        Self { store, directories }
    }

    /// The user whose name came with the password of an attempt, as far as the store can tell.
    pub(crate) async fn named_in(&self, attempt: &LoginAttempt) -> Option<UserId> {
        let found = self.find(&attempt.realm, password_login_name(attempt)?).await;
        found.ok().flatten().map(|account| account.user.id)
    }

    /// The account that a name means in a realm.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub async fn find(&self, realm: &Realm, who: &Identifier) -> Result<Option<Account>, StoreError> {
        let lookup = match who {
            Identifier::Name { kind: NameKind::Email, typed } => {
                let typed = typed.trim();
                if !typed.contains('@') && self.directories.of(realm).next().is_some() {
                    // Zulip's name field takes a directory's user names as well.
                    let found = self.store.find(realm.id, &Lookup::Name(NameKind::UserName, typed)).await?;
                    return Ok(found.filter(|account| self.directories.judge_password_of(realm, account)));
                }
                Lookup::Name(NameKind::Email, typed)
            }
            Identifier::Name { kind, typed } => Lookup::Name(*kind, typed),
            Identifier::External { protocol, id } => Lookup::ExternalId(*protocol, id),
            _ => return Ok(None),
        };
        self.store.find(realm.id, &lookup).await
    }
}

impl fmt::Debug for UserFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFinder").field("directories", &self.directories).finish_non_exhaustive()
    }
}

/// Makes records of new users.
pub struct UserFactory {
    rules: Arc<RuleSet>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl UserFactory {
    pub(crate) fn new(rules: Arc<RuleSet>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { rules, clock, rng }
    }

    /// A user with a new identifier, `given` ids, and for every other protocol that shows ids a new one.
    ///
    /// The user takes no signed token from before this moment, whenever it joined: an earlier user may have had its ids.
    /// Callers may move the stamp on, never back.
    #[must_use]
    pub fn new_user(&self, realm: &Realm, joined: Timestamp, given: ByProtocol<ExternalId>) -> NewUser {
        let (mut external_ids, mut assign_ids) = (given, Vec::new());
        for rules in self.rules.iter() {
            let protocol: ProtocolName = rules.protocol();
            if external_ids.get(protocol).is_some() {
                continue;
            }
            match rules.new_id(&*self.rng, joined) {
                None => {}
                Some(NewId::Exactly(id)) => external_ids.set(protocol, id),
                Some(NewId::Preferably(number)) => {
                    external_ids.set(protocol, ExternalId::Number(number));
                    assign_ids.push(protocol);
                }
                Some(NewId::Next) => assign_ids.push(protocol),
            }
        }
        let user = User {
            id: UserId::random(&*self.rng),
            realm: realm.id,
            names: Vec::new(),
            full_name: String::new(),
            role: auth_core::Role::default(),
            bot: None,
            bot_owner: None,
            active: true,
            joined,
            valid_from: self.clock.now(),
            email_second_factor: false,
            must_change_password: false,
            language: None,
            external_ids,
            external_roles: ByProtocol::new(),
            version: 0,
        };
        NewUser { user, assign_ids, password: None, credentials: Vec::new() }
    }
}

impl fmt::Debug for UserFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFactory").finish_non_exhaustive()
    }
}
