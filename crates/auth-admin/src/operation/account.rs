//! Operations on accounts.

use std::collections::HashMap;
use std::time::Duration;

use auth_core::{Act, Language, NameKind, Password, Place, Realm, Role, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Done, Operation, Page, Scope};
use crate::accounts::{AccountChange, Accounts};
use crate::error::AdminError;
use crate::password_check::check_password;
use crate::secret_text::SecretText;
use crate::view::{Moment, UserView};

/// How long a link for a new password is good unless more is asked for.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);

/// How long a link for a new password is good at most.
const LONG_LINK_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The users that a part of a list has unless fewer are asked for.
const PAGE: u32 = 500;

/// The services on accounts, which act as the operator.
pub(super) fn accounts(admin: &Admin) -> Accounts {
    Accounts::new(admin.engine()).acting_as(admin.operator().author().clone())
}

/// Shows a user.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ShowUser {
    /// The user.
    pub user: AccountName,
}

impl Operation for ShowUser {
    const NAME: &'static str = "user.show";
    const SUMMARY: &'static str = "Shows a user.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = UserView;

    async fn run(self, admin: &Admin) -> Result<UserView, AdminError> {
        let (account, realm) = admin.account(&self.user).await?;
        let activities = admin.engine().store().activities(&[account.user.id]).await?;
        let activity = activities.first().map(|(_, activity)| activity);
        let mut view = UserView::of(&account, &realm, activity);
        view.second_factor_until =
            admin.engine().device_removals().held_until(account.user.id).await?.map(Moment);
        Ok(view)
    }
}

/// Lists the users of one realm or of all: realm by realm, or those that were not seen for a time, those unseen for longest
/// first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListUsers {
    /// The slug of the one realm.
    pub realm: Option<String>,
    /// Only users that neither logged in nor used a token or a key since this moment.
    pub inactive_since: Option<Moment>,
    /// Where the list goes on: `next` of the part before.
    pub after: Option<String>,
    /// The number of users, 500 at most.
    pub limit: Option<u32>,
}

impl Operation for ListUsers {
    const NAME: &'static str = "user.list";
    const SUMMARY: &'static str = "Lists users.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Page<UserView>;

    async fn run(self, admin: &Admin) -> Result<Page<UserView>, AdminError> {
        let mut realms = match &self.realm {
            Some(slug) => vec![admin.realm(slug).await?],
            None => admin.realms().await?,
        };
        let limit = self.limit.unwrap_or(PAGE).clamp(1, PAGE);
        if let Some(Moment(since)) = self.inactive_since {
            return self.inactive(admin, &realms, since, limit).await;
        }
        let mut after = None;
        if let Some(cursor) = &self.after {
            let (slug, id) = cursor.rsplit_once('/').ok_or(AdminError::BadCursor)?;
            // Realms come by slug: one that is gone meanwhile hides none of those after it.
            realms.retain(|realm| realm.slug.as_str() >= slug);
            if realms.first().is_some_and(|first| first.slug == slug) {
                after = Some(id.parse::<UserId>().map_err(|_| AdminError::BadCursor)?);
            }
        }
        let (mut items, mut next) = (Vec::new(), None);
        for realm in &realms {
            let left = limit - u32::try_from(items.len()).unwrap_or(limit);
            let page = Accounts::new(admin.engine()).list(realm, after.take(), left).await?;
            next = page.last().map(|last| format!("{}/{}", realm.slug, last.user.id)).or(next);
            let ids: Vec<UserId> = page.iter().map(|account| account.user.id).collect();
            let activities: HashMap<_, _> =
                admin.engine().store().activities(&ids).await?.into_iter().collect();
            let views =
                page.iter().map(|account| UserView::of(account, realm, activities.get(&account.user.id)));
            items.extend(views);
            if items.len() >= limit as usize {
                return Ok(Page { items, next });
            }
        }
        Ok(Page { items, next: None })
    }
}

impl ListUsers {
    /// The users that were not seen since a moment.
    async fn inactive(
        &self,
        admin: &Admin,
        realms: &[Realm],
        since: Timestamp,
        limit: u32,
    ) -> Result<Page<UserView>, AdminError> {
        // One realm is meant, or all that there are.
        let only = (self.realm.is_some() || admin.operator().realm.is_some()).then_some(realms);
        let only = only.and_then(<[Realm]>::first).map(|realm| realm.id);
        let after = self.after.as_deref().map(str::parse::<Place>).transpose();
        let after = after.map_err(|_| AdminError::BadCursor)?;
        let unseen = admin.engine().store().unseen_since(only, since, after, limit).await?;
        let is_full = unseen.len() >= limit as usize;
        let next = unseen.last().filter(|_| is_full).map(|last| last.place.to_string());
        let views = unseen.iter().filter_map(|unseen| {
            let realm = realms.iter().find(|realm| realm.id == unseen.account.user.realm)?;
            Some(UserView::of(&unseen.account, realm, Some(&unseen.activity)))
        });
        Ok(Page { items: views.collect(), next })
    }
}

/// Sets a user's password, and ends what was signed in before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct SetPassword {
    /// The user.
    pub user: AccountName,
    /// The new password.
    pub password: SecretText,
    /// Whether a weak password is taken.
    #[serde(default)]
    pub allow_weak: bool,
}

impl Operation for SetPassword {
    const NAME: &'static str = "user.set-password";
    const SUMMARY: &'static str = "Sets a user's password, and ends the user's sessions.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let password = Password::new(self.password.expose());
        accounts(admin).set_password(&account, &password, self.allow_weak).await?;
        Ok(Done {})
    }
}

/// Tries a password without logging in. Nothing is counted by it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct CheckPassword {
    /// The user.
    pub user: AccountName,
    /// The password.
    pub password: SecretText,
}

/// Whether a password is the stored one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Matched {
    /// Whether it is.
    pub matches: bool,
    /// The scheme of the stored password in a word.
    pub scheme: String,
    /// Whether a good login hashes the password anew.
    pub obsolete: bool,
}

impl Operation for CheckPassword {
    const NAME: &'static str = "user.check-password";
    const SUMMARY: &'static str = "Tries a password without logging in.";
    // Whoever may try passwords without a limit may find them.
    const SCOPES: &'static [Scope] = &[];
    type Reply = Matched;

    async fn run(self, admin: &Admin) -> Result<Matched, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let password = Password::new(self.password.expose());
        let check = check_password(admin.engine(), &account, &password).await?;
        Ok(Matched { matches: check.matches, scheme: check.scheme.to_owned(), obsolete: check.obsolete })
    }
}

/// Takes a user's addresses for verified.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct VerifyAddress {
    /// The user.
    pub user: AccountName,
}

impl Operation for VerifyAddress {
    const NAME: &'static str = "user.verify-email";
    const SUMMARY: &'static str = "Takes a user's e-mail addresses for verified.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        Ok(Changed { changed: accounts(admin).verify_addresses(&account).await? })
    }
}

/// Deactivates a user: everything is refused at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct DeactivateUser {
    /// The user.
    pub user: AccountName,
}

impl Operation for DeactivateUser {
    const NAME: &'static str = "user.deactivate";
    const SUMMARY: &'static str = "Deactivates a user: every login, token and key is refused at once.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        accounts(admin).set_active(&account, false).await?;
        Ok(Done {})
    }
}

/// Activates a user that was deactivated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ActivateUser {
    /// The user.
    pub user: AccountName,
}

impl Operation for ActivateUser {
    const NAME: &'static str = "user.activate";
    const SUMMARY: &'static str = "Activates a user that was deactivated.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        accounts(admin).set_active(&account, true).await?;
        Ok(Done {})
    }
}

/// Deletes a user with everything that belongs to the user.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct DeleteUser {
    /// The user.
    pub user: AccountName,
}

impl Operation for DeleteUser {
    const NAME: &'static str = "user.delete";
    const SUMMARY: &'static str = "Deletes a user and everything that belongs to the user.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        accounts(admin).delete(&account).await?;
        Ok(Done {})
    }
}

/// Ends all of a user's sessions. Keys, personal tokens and app passwords stay.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct EndSessions {
    /// The user.
    pub user: AccountName,
}

impl Operation for EndSessions {
    const NAME: &'static str = "user.end-sessions";
    const SUMMARY: &'static str = "Ends all of a user's sessions.";
    const SCOPES: &'static [Scope] = &[Scope::Helpdesk];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        accounts(admin).end_sessions(&account).await?;
        Ok(Done {})
    }
}

/// Makes a token with which a user sets a new password, once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct MakeResetLink {
    /// The user.
    pub user: AccountName,
    /// Whether it is good for a day instead of 15 minutes.
    #[serde(default)]
    pub day: bool,
}

/// A token for a new password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ResetLinkToken {
    /// The token: the last part of the address `/reset-password/TOKEN` of the pages.
    pub token: SecretText,
    /// Until when it is good.
    pub until: Moment,
}

impl Operation for MakeResetLink {
    const NAME: &'static str = "user.reset-link";
    const SUMMARY: &'static str = "Makes a token with which a user sets a new password, once.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = ResetLinkToken;

    async fn run(self, admin: &Admin) -> Result<ResetLinkToken, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let until = admin.engine().clock().now() + if self.day { LONG_LINK_LIFE } else { LINK_LIFE };
        let token = accounts(admin).make_reset_token(&account, until).await?;
        Ok(ResetLinkToken { token: SecretText::new(token.expose()), until: Moment(until) })
    }
}

/// Mails a link for a new password to the user's own address. The reply doesn't hold the link.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct MailResetLink {
    /// The user.
    pub user: AccountName,
}

impl Operation for MailResetLink {
    const NAME: &'static str = "user.mail-reset-link";
    const SUMMARY: &'static str = "Mails a user a link for a new password.";
    const SCOPES: &'static [Scope] = &[Scope::Helpdesk];
    type Reply = Done;

    async fn run(self, admin: &Admin) -> Result<Done, AdminError> {
        let (account, realm) = admin.account_to_change(&self.user).await?;
        let user = &account.user;
        if user.name(NameKind::Directory).is_some() {
            return Err(AdminError::OfDirectory);
        }
        if !user.active {
            return Err(AdminError::Inactive);
        }
        if user.email().is_none() {
            return Err(AdminError::NoAddress);
        }
        if !admin.engine().mail_link_for_new_password(&account).await? {
            return Err(AdminError::TooManyMails);
        }
        let audit = admin.audit(Act::ResetLinkMailed, Some(realm.id), Some(user.id), "");
        admin.engine().store().write_audit(&audit).await?;
        Ok(Done {})
    }
}

/// Changes what is named of a user.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct SetUser {
    /// The user.
    pub user: AccountName,
    /// The display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// The new e-mail address, which counts as verified. An empty text removes the address. A notice is mailed to the former
    /// address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The role: `owner`, `admin`, `moderator`, `member` or `guest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The language of mails: a tag such as `en`, or an empty text for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether the user must have a new password, and is led to it at the next sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub must_change_password: Option<bool>,
}

impl Operation for SetUser {
    const NAME: &'static str = "user.set";
    const SUMMARY: &'static str =
        "Changes what is named of a user: name, address, role, language, whether a new password is due.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let role = match &self.role {
            Some(name) => Some(Role::from_name(name).ok_or_else(|| AdminError::NoRole(name.clone()))?),
            None => None,
        };
        if let Some(role) = role {
            admin.operator().check_role(role)?;
        }
        let language = match self.language.as_deref() {
            None => None,
            Some("") => Some(None),
            Some(tag) => {
                Some(Some(Language::from_tag(tag).ok_or_else(|| AdminError::NoLanguage(tag.to_owned()))?))
            }
        };
        let change = AccountChange {
            full_name: self.full_name,
            address: self.email,
            role,
            language,
            must_change_password: self.must_change_password,
            ..AccountChange::default()
        };
        Ok(Changed { changed: accounts(admin).change(&account, &change).await? })
    }
}

/// Gives a user another user name. Ids, keys and tokens stay, but Zettelstore's tokens end: they name their user.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RenameUser {
    /// The user.
    pub user: AccountName,
    /// The new user name.
    pub to: String,
}

impl Operation for RenameUser {
    const NAME: &'static str = "user.rename";
    const SUMMARY: &'static str = "Gives a user another user name.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let change = AccountChange { user_name: Some(self.to), ..AccountChange::default() };
        Ok(Changed { changed: accounts(admin).change(&account, &change).await? })
    }
}
