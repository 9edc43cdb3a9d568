//! Operations: what operators do, as values that a command, a socket or an HTTP API can carry.
//!
//! Each [`Operation`] has a name, the scopes that may do it, arguments and a reply. An [`Admin`] does it for an
//! [`Operator`]: it checks the scope, finds accounts of the operator's realm alone, changes none whose role is above the
//! operator's, and has the operator's name in every row of the audit log.

mod account;
mod account_name;
mod app_password;
mod device;
mod group;
mod key;
mod limits;
mod logs;
mod merge;
mod network;
mod new_account;
mod person;
mod realm;
mod relink;
mod table;
mod token;

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, Actor, AuditRecord, ClientKey, Event, Realm, RealmId, Role, Timestamp, UserId,
};
use auth_engine::Engine;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use account::{
    ActivateUser, CheckPassword, DeactivateUser, DeleteUser, EndSessions, ListUsers, MailResetLink,
    MakeResetLink, Matched, RenameUser, ResetLinkToken, SetPassword, SetUser, ShowUser, VerifyAddress,
};
pub use account_name::AccountName;
pub use app_password::{AddAppPassword, ListAppPasswords, NewAppPassword, RevokeAppPassword};
pub use device::{
    DeviceEnrolled, DeviceRemoved, EnrolDevice, KeepDevice, NewDeviceFor, RemoveDevice, ShownDevice,
};
pub use group::{
    AddGroup, AddMember, GroupName, ListGroups, ListGroupsOf, ListMembers, RemoveGroup, RemoveMember,
    RenameGroup,
};
pub use key::{AddKey, ListKeys, NewKey, RevokeKey};
pub use limits::{LiftLimit, ListLimits, UnlockUser};
pub use logs::{LogQuery, ReadAttempts, ReadAudit, Rows};
pub use merge::{MergeUsers, MergedUsers};
pub use network::{AllowNetwork, BanNetwork, ListNetworks, ReleaseNetwork};
pub use new_account::{AddUser, PROVISIONED, provisioned_id};
pub use person::{ExportUser, FindToken, FoundToken, PersonalData, SecretSearch};
pub use realm::{AddRealm, ListRealms, RealmSettings, RemoveRealm, SetRealm, ShowRealm};
pub use relink::{RelinkUser, Relinked};
pub use table::{Entry, OPERATIONS};
pub use token::{ListTokens, RevokeAllTokens, RevokeToken};

use crate::accounts::Accounts;
use crate::error::AdminError;
use crate::scribe::Author;

/// What an operator may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Scope {
    /// Look at everything but secrets.
    Read,
    /// Help members: look at accounts, unlock them, end their sessions, mail a link for a new password, have a second factor
    /// removed after a day.
    Helpdesk,
    /// Do everything.
    Admin,
}

impl Scope {
    /// Every scope with its word.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Read, "read"), (Self::Helpdesk, "helpdesk"), (Self::Admin, "admin")];

    /// The scope in a word.
    ///
    /// ```
    /// use auth_admin::operation::Scope;
    ///
    /// assert_eq!(Scope::Helpdesk.as_str(), "helpdesk");
    /// assert_eq!(Scope::from_name("helpdesk"), Some(Scope::Helpdesk));
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Helpdesk => "helpdesk",
            Self::Admin => "admin",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, word)| *word == name).map(|(scope, _)| *scope)
    }

    /// The highest role of accounts that the scope may change, and that it may give.
    const fn highest_role(self) -> Role {
        match self {
            Self::Read | Self::Helpdesk => Role::Member,
            Self::Admin => Role::Admin,
        }
    }
}

/// Who has an operation done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    author: Author,
    scope: Scope,
    /// The slug of the one realm that the operator knows of; `None` for all.
    realm: Option<String>,
    /// The highest role of accounts that the operator may change, and that it may give.
    highest: Role,
    /// When the operator's own key ends; `None` where it has none, or one without an end.
    ends: Option<Timestamp>,
}

impl Operator {
    /// Whoever may read the store's files, or owns the server: everything, on accounts of every role.
    #[must_use]
    pub fn owner(actor: Actor) -> Self {
        Self { author: actor.into(), scope: Scope::Admin, realm: None, highest: Role::Owner, ends: None }
    }

    /// Somebody with a scope, in one realm or in all.
    #[must_use]
    pub fn scoped(actor: Actor, scope: Scope, realm: Option<String>) -> Self {
        Self { author: actor.into(), scope, realm, highest: scope.highest_role(), ends: None }
    }

    /// The operator until a moment, at which the key ends by which it acts.
    #[must_use]
    pub fn until(self, ends: Option<Timestamp>) -> Self {
        Self { ends, ..self }
    }

    /// The operator at a client that asks over the network.
    #[must_use]
    pub fn at(mut self, client: ClientKey) -> Self {
        self.author.client = Some(client);
        self
    }

    /// Whom the audit log names.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// The slug of the one realm that the operator knows of; `None` for all.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Whether an operation that these scopes may do is this operator's to do.
    #[must_use]
    pub fn may(&self, scopes: &[Scope]) -> bool {
        self.scope == Scope::Admin || scopes.contains(&self.scope)
    }

    /// Whether the second factors that the operator removes stay for a day, which is the owner's to keep them.
    fn must_hold_removals(&self) -> bool {
        self.scope != Scope::Admin
    }

    /// Refuses a role that is above the operator's.
    fn check_role(&self, role: Role) -> Result<(), AdminError> {
        // The greatest authority comes first.
        if role < self.highest { Err(AdminError::RoleAbove(role)) } else { Ok(()) }
    }
}

/// Something that operators do.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + fmt::Debug + Send + 'static {
    /// The name, such as `user.deactivate`.
    const NAME: &'static str;

    /// What it does, in a sentence.
    const SUMMARY: &'static str;

    /// The scopes that may do it. [`Scope::Admin`] may do everything.
    const SCOPES: &'static [Scope];

    /// What it answers.
    type Reply: Serialize + DeserializeOwned + JsonSchema + fmt::Debug + Send;

    /// Does it. Faces call [`Admin::run`], which checks the operator's scope before.
    fn run(self, admin: &Admin) -> impl Future<Output = Result<Self::Reply, AdminError>> + Send;
}

/// Does operations for an operator.
///
/// ```no_run
/// # async fn deactivate(engine: std::sync::Arc<auth_engine::Engine>) -> Result<(), auth_admin::AdminError> {
/// use auth_admin::operation::{AccountName, Admin, DeactivateUser, Operator};
/// use auth_core::Actor;
///
/// let admin = Admin::new(engine, Operator::owner(Actor::Operator));
/// admin.run(DeactivateUser { user: AccountName::new(Some("main"), "iago") }).await?;
/// # Ok(())
/// # }
/// ```
pub struct Admin {
    engine: Arc<Engine>,
    operator: Operator,
}

impl Admin {
    /// Does operations on an engine's store.
    #[must_use]
    pub fn new(engine: Arc<Engine>, operator: Operator) -> Self {
        Self { engine, operator }
    }

    /// Does an operation.
    ///
    /// # Errors
    /// [`AdminError::NotPermitted`] when the operator's scope isn't enough, and those of the operation.
    pub async fn run<O: Operation>(&self, operation: O) -> Result<O::Reply, AdminError> {
        self.permit(O::NAME, O::SCOPES)?;
        let result = operation.run(self).await;
        match &result {
            // What only reads is no event.
            Ok(_) if O::SCOPES.contains(&Scope::Read) => {}
            Ok(_) => self.log(Event::OperationDone, O::NAME, None),
            Err(error) => self.log(Event::OperationRefused, O::NAME, Some(error)),
        }
        result
    }

    /// Refuses an operation that the operator may not do.
    fn permit(&self, name: &'static str, scopes: &[Scope]) -> Result<(), AdminError> {
        if self.operator.may(scopes) {
            return Ok(());
        }
        let error = AdminError::NotPermitted(name);
        self.log(Event::OperationRefused, name, Some(&error));
        Err(error)
    }

    fn log(&self, event: Event, operation: &'static str, error: Option<&AdminError>) {
        let Author { actor, client } = &self.operator.author;
        tracing::info!(
            target: "auth::admin",
            event = event.as_str(),
            client = client.map(|client| client.to_string()),
            operation,
            why = error.map(AdminError::code),
            actor = actor.as_str(),
            actor_name = actor.name(),
            "operation of an operator"
        );
    }

    /// The engine on whose store the operations work.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who has the operations done.
    #[must_use]
    pub fn operator(&self) -> &Operator {
        &self.operator
    }

    /// The row of the audit log for an act of the operator.
    #[must_use]
    pub fn audit(
        &self,
        act: Act,
        realm: Option<RealmId>,
        user: Option<UserId>,
        detail: impl Into<String>,
    ) -> AuditRecord {
        let row = self.engine.auditor().by_command(act, realm, user, detail);
        self.operator.author.sign(row)
    }

    /// All realms that the operator knows of, by slug.
    pub(crate) async fn realms(&self) -> Result<Vec<Realm>, AdminError> {
        let mut realms = self.engine.store().realms().await?;
        realms.retain(|realm| self.operator.realm.as_ref().is_none_or(|own| *own == realm.slug));
        Ok(realms)
    }

    /// The realm of that slug.
    pub(crate) async fn realm(&self, slug: &str) -> Result<Realm, AdminError> {
        let realms = self.realms().await?;
        realms.into_iter().find(|realm| realm.slug == slug).ok_or(AdminError::NoRealm)
    }

    /// The account that is meant, to look at it, with its realm.
    pub(crate) async fn account(&self, who: &AccountName) -> Result<(Account, Realm), AdminError> {
        let mut realms = self.realms().await?;
        if let Some(slug) = &who.realm {
            realms.retain(|realm| realm.slug == *slug);
            if realms.is_empty() {
                return Err(AdminError::NoRealm);
            }
        }
        let account = Accounts::new(&self.engine).find_in(&realms, &who.name).await?;
        let realm = realms.into_iter().find(|realm| realm.id == account.user.realm);
        Ok((account, realm.ok_or(AdminError::NoRealm)?))
    }

    /// The account that is meant, to change it, with its realm.
    pub(crate) async fn account_to_change(&self, who: &AccountName) -> Result<(Account, Realm), AdminError> {
        let (account, realm) = self.account(who).await?;
        self.operator.check_role(account.user.role)?;
        Ok((account, realm))
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("operator", &self.operator).finish_non_exhaustive()
    }
}

/// A part of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "faces take it apart")]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The argument `after` of the next part; `None` at the end.
    pub next: Option<String>,
}

/// Nothing but that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing in it")]
pub struct Done {}

/// Whether something was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::exhaustive_structs, reason = "faces take it apart")]
pub struct Changed {
    /// Whether it was not so before.
    pub changed: bool,
}
