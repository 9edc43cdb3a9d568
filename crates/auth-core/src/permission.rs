//! Permissions, by Rocket.Chat's roles.

use crate::{BotKind, ProtocolName, Role, User};

/// An action that takes a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Have personal access tokens.
    CreatePersonalTokens,
    /// End another user's sessions.
    LogOutOthers,
    /// Remove another user's TOTP device.
    ResetOthersDevice,
    /// Have a token made for another user.
    CreateSessionsOfOthers,
    /// See the server's version in full, and its instances.
    ViewStatistics,
    /// Call without a rate limit.
    BypassRateLimit,
    /// Synchronise the directory's users.
    SyncDirectory,
}

impl Permission {
    /// The roles that have the permission, by Rocket.Chat's defaults.
    #[must_use]
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::CreatePersonalTokens => &["admin", "user"],
            Self::BypassRateLimit => &["admin", "bot", "app"],
            Self::LogOutOthers
            | Self::ResetOthersDevice
            | Self::CreateSessionsOfOthers
            | Self::ViewStatistics
            | Self::SyncDirectory => &["admin"],
        }
    }
}

impl User {
    /// The user's roles at Rocket.Chat: the given ones, else those that the [`Role`] stands for.
    #[must_use]
    pub fn rocketchat_roles(&self) -> Vec<&str> {
        if let Some(given) = self.external_roles.get(ProtocolName::ROCKETCHAT) {
            return given.iter().map(String::as_str).collect();
        }
        match (self.bot, self.role) {
            (Some(BotKind::App), _) => vec!["app"],
            (Some(_), _) => vec!["bot"],
            (None, Role::Owner | Role::Admin) => vec!["admin"],
            (None, Role::Moderator) => vec!["user", "moderator"],
            (None, Role::Member) => vec!["user"],
            (None, Role::Guest) => vec!["guest"],
        }
    }

    /// Whether one of the user's roles has a permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.rocketchat_roles().iter().any(|role| permission.roles().contains(role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::UserBuilder;

    fn user(role: Role, bot: Option<BotKind>, given: Option<&[&str]>) -> User {
        let mut user = UserBuilder::new("iago").role(role).build();
        user.bot = bot;
        if let Some(roles) = given {
            user.external_roles
                .set(ProtocolName::ROCKETCHAT, roles.iter().map(|role| (*role).to_owned()).collect());
        }
        user
    }

    #[test]
    fn roles_follow_from_the_account_unless_they_are_given() {
        for (role, bot, given, roles) in [
            (Role::Owner, None, None, &["admin"][..]),
            (Role::Admin, None, None, &["admin"]),
            (Role::Moderator, None, None, &["user", "moderator"]),
            (Role::Member, None, None, &["user"]),
            (Role::Guest, None, None, &["guest"]),
            (Role::Admin, Some(BotKind::Default), None, &["bot"]),
            (Role::Member, Some(BotKind::App), None, &["app"]),
            (Role::Guest, None, Some(&["admin", "x"][..]), &["admin", "x"]),
            (Role::Admin, None, Some(&[]), &[]),
        ] {
            assert_eq!(user(role, bot, given).rocketchat_roles(), roles, "{role:?} {bot:?} {given:?}");
        }
    }

    #[test]
    fn permissions_are_those_of_any_role() {
        use Permission::{BypassRateLimit, CreatePersonalTokens, LogOutOthers, ViewStatistics};
        for (given, permission, may) in [
            (&["user"][..], CreatePersonalTokens, true),
            (&["admin"], CreatePersonalTokens, true),
            (&["guest"], CreatePersonalTokens, false),
            (&["guest", "user"], CreatePersonalTokens, true),
            (&["user"], LogOutOthers, false),
            (&["admin"], LogOutOthers, true),
            (&["moderator"], ViewStatistics, false),
            (&["bot"], BypassRateLimit, true),
            (&["app"], BypassRateLimit, true),
            (&["user"], BypassRateLimit, false),
            (&[], BypassRateLimit, false),
        ] {
            assert_eq!(user(Role::Admin, None, Some(given)).may(permission), may, "{given:?} {permission:?}");
        }
    }
}
