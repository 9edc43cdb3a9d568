//! Builders for realms, users and accounts, with the values that a test doesn't care about filled in.

use std::sync::Arc;

use crate::{
    Account, BotKind, ByProtocol, ExternalId, LoginName, NameKind, NewUser, PasswordString, ProtocolName,
    Realm, RealmId, Role, Timestamp, User, UserId,
};

/// Builds a realm: active, reachable as the host itself, with password logins.
#[derive(Clone, Debug)]
pub struct RealmBuilder(Realm);

impl RealmBuilder {
    /// A realm of that slug; its id is made from the slug.
    #[must_use]
    pub fn new(slug: &str) -> Self {
        let mut realm = Realm::new(RealmId::from_bytes(id_of(slug)), slug);
        realm.name = slug.to_owned();
        realm.subdomain = Some(String::new());
        Self(realm)
    }

    /// Gives the realm a part of a host name.
    #[must_use]
    pub fn subdomain(mut self, subdomain: &str) -> Self {
        self.0.subdomain = Some(subdomain.to_owned());
        self
    }

    /// Lets clients send a digest in place of the password.
    #[must_use]
    pub fn digest_logins(mut self) -> Self {
        self.0.digest_logins = true;
        self
    }

    /// Deactivates the realm.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.0.active = false;
        self
    }

    /// The realm.
    #[must_use]
    pub fn build(self) -> Realm {
        self.0
    }

    /// The realm, to be shared.
    #[must_use]
    pub fn shared(self) -> Arc<Realm> {
        Arc::new(self.0)
    }
}

/// Builds a user: an active member with a user name and an id for each of the three protocols.
#[derive(Clone, Debug)]
pub struct UserBuilder(User);

impl UserBuilder {
    /// A user of that user name in the realm `main`; the ids are made from the name.
    #[must_use]
    pub fn new(user_name: &str) -> Self {
        Self(User {
            id: UserId::from_bytes(id_of(user_name)),
            realm: RealmId::from_bytes(id_of("main")),
            names: vec![name(NameKind::UserName, user_name, false)],
            full_name: user_name.to_owned(),
            role: Role::Member,
            bot: None,
            bot_owner: None,
            active: true,
            joined: Timestamp::default(),
            valid_from: Timestamp::default(),
            email_second_factor: false,
            must_change_password: false,
            language: None,
            external_ids: ByProtocol::from([
                (ProtocolName::ZULIP, ExternalId::Number(1)),
                (ProtocolName::ROCKETCHAT, ExternalId::Text(format!("{user_name:x<17.17}"))),
                (ProtocolName::ZETTELSTORE, ExternalId::Number(20_240_101_000_000)),
            ]),
            external_roles: ByProtocol::new(),
            version: 1,
        })
    }

    /// Puts the user in a realm.
    #[must_use]
    pub fn realm(mut self, realm: RealmId) -> Self {
        self.0.realm = realm;
        self
    }

    /// Adds a verified e-mail address.
    #[must_use]
    pub fn email(mut self, address: &str) -> Self {
        self.0.names.push(name(NameKind::Email, address, true));
        self
    }

    /// Adds an e-mail address that is not verified.
    #[must_use]
    pub fn unverified_email(mut self, address: &str) -> Self {
        self.0.names.push(name(NameKind::Email, address, false));
        self
    }

    /// Sets the full name.
    #[must_use]
    pub fn full_name(mut self, full_name: &str) -> Self {
        full_name.clone_into(&mut self.0.full_name);
        self
    }

    /// Sets the role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.0.role = role;
        self
    }

    /// Makes the user a bot.
    #[must_use]
    pub fn bot(mut self, kind: BotKind) -> Self {
        self.0.bot = Some(kind);
        self
    }

    /// Deactivates the user.
    #[must_use]
    pub fn inactive(mut self) -> Self {
        self.0.active = false;
        self
    }

    /// Sets the moment at which the user was created.
    #[must_use]
    pub fn joined(mut self, joined: Timestamp) -> Self {
        self.0.joined = joined;
        self
    }

    /// Sets the id under which a protocol shows the user.
    #[must_use]
    pub fn external_id(mut self, protocol: ProtocolName, id: impl Into<ExternalId>) -> Self {
        self.0.external_ids.set(protocol, id.into());
        self
    }

    /// Sets the user's roles in a protocol's own words.
    #[must_use]
    pub fn external_roles(mut self, protocol: ProtocolName, roles: &[&str]) -> Self {
        self.0.external_roles.set(protocol, roles.iter().map(|role| (*role).to_owned()).collect());
        self
    }

    /// The user.
    #[must_use]
    pub fn build(self) -> User {
        self.0
    }

    /// An account of the user without a password and without a second factor.
    #[must_use]
    pub fn account(self) -> Account {
        Account { user: Arc::new(self.0), password: None, totp: false }
    }

    /// The user as a record for a store, with a stored password if one is given.
    #[must_use]
    pub fn new_user(self, password: Option<&str>) -> NewUser {
        NewUser {
            user: self.0,
            assign_ids: Vec::new(),
            password: password.map(PasswordString::new),
            credentials: Vec::new(),
        }
    }
}

fn name(kind: NameKind, exact: &str, verified: bool) -> LoginName {
    LoginName { kind, exact: exact.to_owned(), verified }
}

/// Sixteen bytes that follow from a name: FNV-1a, twice.
fn id_of(name: &str) -> [u8; 16] {
    let hash = |start: u64| {
        name.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let mut id = [0; 16];
    let (first, second) = id.split_at_mut(8);
    first.copy_from_slice(&hash(0xcbf2_9ce4_8422_2325).to_be_bytes());
    second.copy_from_slice(&hash(0x8422_2325_cbf2_9ce4).to_be_bytes());
    id
}
