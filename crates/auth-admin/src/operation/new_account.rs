//! The operation that makes an account.

use auth_core::{
    Act, BotKind, ByProtocol, ExternalId, Language, LoginName, NameKind, NewUser, Password, ProtocolName,
    Realm, Role, User, check_login_name, is_control,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Operation, Scope};
use crate::error::AdminError;
use crate::secret_text::SecretText;
use crate::view::UserView;

/// The name under which an account keeps the id that a provisioning system gave it.
pub const PROVISIONED: ProtocolName = ProtocolName::new("scim");

/// The longest display name, in characters.
const LONGEST_FULL_NAME: usize = 100;

/// The longest id of a provisioning system, in bytes.
const LONGEST_EXTERNAL_ID: usize = 64;

/// Makes a user.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AddUser {
    /// The slug of the realm; needed where there are several.
    pub realm: Option<String>,
    /// The user name. One that is an address is the e-mail address too, unless `email` gives another.
    pub username: Option<String>,
    /// The e-mail address, which counts as verified.
    pub email: Option<String>,
    /// The display name.
    pub full_name: String,
    /// The role: `owner`, `admin`, `moderator`, `member` or `guest`; `member` unless set.
    pub role: Option<String>,
    /// The language of mails: a tag such as `en`.
    pub language: Option<String>,
    /// The kind of bot that the user is, where it is one: `default`, `incoming-webhook`, `outgoing-webhook`, `embedded` or
    /// `app`.
    pub bot: Option<String>,
    /// The password; without one the user needs a link for a new password, or a directory.
    pub password: Option<SecretText>,
    /// Whether a weak password is taken.
    pub allow_weak: bool,
    /// The id that a provisioning system knows the user by: 1 to 64 bytes. No other user of the realm has it.
    pub external_id: Option<String>,
}

impl Operation for AddUser {
    const NAME: &'static str = "user.add";
    const SUMMARY: &'static str = "Makes a user.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = UserView;

    async fn run(self, admin: &Admin) -> Result<UserView, AdminError> {
        let realm = self.realm_of(admin).await?;
        let new = self.record(admin, &realm)?;
        let password = self.password.as_ref().map(|password| Password::new(password.expose()));
        let password = password.as_ref().map(|password| (password, self.allow_weak));
        let audit = admin.audit(Act::UserCreated, Some(realm.id), Some(new.user.id), "");
        let account = admin.engine().add_account(&realm, new, password, &audit).await?;
        Ok(UserView::of(&account, &realm, None))
    }
}

impl AddUser {
    async fn realm_of(&self, admin: &Admin) -> Result<Realm, AdminError> {
        if let Some(slug) = &self.realm {
            return admin.realm(slug).await;
        }
        let mut realms = admin.realms().await?.into_iter();
        match (realms.next(), realms.next()) {
            (Some(realm), None) => Ok(realm),
            (None, _) => Err(AdminError::NoRealm),
            (Some(_), Some(_)) => Err(AdminError::SeveralRealms),
        }
    }

    /// The record of the user, without a password.
    fn record(&self, admin: &Admin, realm: &Realm) -> Result<NewUser, AdminError> {
        let role = match self.role.as_deref() {
            None => Role::default(),
            Some(name) => Role::from_name(name).ok_or_else(|| AdminError::NoRole(name.to_owned()))?,
        };
        admin.operator().check_role(role)?;
        let language = match self.language.as_deref() {
            None => None,
            Some(tag) => Some(Language::from_tag(tag).ok_or_else(|| AdminError::NoLanguage(tag.to_owned()))?),
        };
        let bot = match self.bot.as_deref() {
            None => None,
            Some(name) => {
                Some(BotKind::from_name(name).ok_or_else(|| AdminError::NoBotKind(name.to_owned()))?)
            }
        };
        let full_name = self.full_name.trim().to_owned();
        if full_name.chars().count() > LONGEST_FULL_NAME || full_name.contains(is_control) {
            return Err(AdminError::NotAName("full name"));
        }
        let names = self.names()?;
        let mut ids = ByProtocol::new();
        if let Some(id) = &self.external_id {
            ids.set(PROVISIONED, provisioned_id(id)?);
        }
        let engine = admin.engine();
        // No bot reads mail.
        let has_address = bot.is_none() && names.iter().any(|name| name.kind == NameKind::Email);
        let email_second_factor = engine.config().rocketchat.email_2fa_auto_opt_in && has_address;
        let mut new = engine.users().new_user(realm, engine.clock().now(), ids);
        new.user = User { names, full_name, role, bot, language, email_second_factor, ..new.user };
        Ok(new)
    }

    fn names(&self) -> Result<Vec<LoginName>, AdminError> {
        let is_address = |name: &&String| check_login_name(NameKind::Email, name).is_ok();
        let email = self.email.as_ref().or_else(|| self.username.as_ref().filter(is_address));
        let mut names = Vec::new();
        for (kind, what, name, verified) in [
            (NameKind::UserName, "user name", self.username.as_ref(), false),
            (NameKind::Email, "e-mail address", email, true),
        ] {
            let Some(name) = name.map(|name| name.trim()) else { continue };
            check_login_name(kind, name).map_err(|why| AdminError::BadLoginName(what, why))?;
            names.push(LoginName { kind, exact: name.to_owned(), verified });
        }
        if names.is_empty() { Err(AdminError::NotAName("user name")) } else { Ok(names) }
    }
}

/// The id that a provisioning system knows a user by, as an account keeps it.
///
/// # Errors
/// [`AdminError::NotAName`] when it can't be one.
pub fn provisioned_id(text: &str) -> Result<ExternalId, AdminError> {
    if !(1..=LONGEST_EXTERNAL_ID).contains(&text.len()) || text.contains(is_control) {
        return Err(AdminError::NotAName("external id"));
    }
    Ok(ExternalId::Text(text.to_owned()))
}
