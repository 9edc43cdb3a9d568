//! The user object.

use auth_core::{BotKind, Profile, ProtocolName, Role};
use serde::Serialize;

use super::date::ToTheMinute;

/// From this feature level on, user objects tell imported stubs.
const IMPORTED_STUBS: u32 = 433;

/// A user as the API shows it, with the keys in the recorded order.
#[derive(Serialize)]
pub(crate) struct UserObject<'a> {
    email: &'a str,
    user_id: u64,
    avatar_version: u8,
    is_admin: bool,
    is_owner: bool,
    is_guest: bool,
    role: u16,
    is_bot: bool,
    full_name: &'a str,
    timezone: &'static str,
    is_active: bool,
    date_joined: ToTheMinute,
    delivery_email: &'a str,
    avatar_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_imported_stub: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    bot: Option<Bot>,
}

/// The keys that only bots have.
#[derive(Serialize)]
struct Bot {
    bot_type: u8,
    bot_owner_id: Option<u64>,
}

impl<'a> UserObject<'a> {
    /// The object of a user, for clients of a feature level.
    pub(crate) fn new(profile: &'a Profile, feature_level: u32) -> Self {
        let user = &profile.user;
        let email = address(profile);
        let user_id = user.external_number(ProtocolName::ZULIP);
        Self {
            email,
            user_id,
            avatar_version: 1,
            is_admin: matches!(user.role, Role::Owner | Role::Admin),
            is_owner: user.role == Role::Owner,
            is_guest: user.role == Role::Guest,
            role: role_number(user.role),
            is_bot: user.bot.is_some(),
            full_name: &user.full_name,
            timezone: "",
            is_active: user.active,
            date_joined: ToTheMinute(user.joined),
            delivery_email: email,
            avatar_url: format!("/avatar/{user_id}?version=1"),
            is_imported_stub: (feature_level >= IMPORTED_STUBS).then_some(false),
            bot: user.bot.map(|kind| Bot { bot_type: bot_number(kind), bot_owner_id: user.bot_owner }),
        }
    }
}

/// The address that stands for a user in Zulip's API: the e-mail address, or else the user name.
pub(crate) fn address(profile: &Profile) -> &str {
    let user = &profile.user;
    user.email().map(|email| email.address).or(user.user_name()).unwrap_or_default()
}

fn role_number(role: Role) -> u16 {
    match role {
        Role::Owner => 100,
        Role::Admin => 200,
        Role::Moderator => 300,
        Role::Member => 400,
        Role::Guest => 600,
    }
}

fn bot_number(kind: BotKind) -> u8 {
    match kind {
        BotKind::Default => 1,
        BotKind::IncomingWebhook => 2,
        BotKind::OutgoingWebhook => 3,
        BotKind::Embedded | BotKind::App => 4,
    }
}
