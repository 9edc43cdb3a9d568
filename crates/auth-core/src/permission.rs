//! Rocket.Chat's roles and what they may do, as far as a log-in server is asked (rocketchat.md 3.2, 4.1).

use crate::{BotKind, Role, User};

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Have personal access tokens.
    CreatePersonalTokens,
    /// End another user's sessions.
    LogOutOthers,
    /// Take another user's TOTP device away.
    ResetOthersDevice,
    /// Have a token made for another user.
    CreateSessionsOfOthers,
    /// See the server's version in full, and its instances.
    ViewStatistics,
    /// Call as often as one likes.
    BypassRateLimit,
    /// Have the directory's users brought in.
    SyncDirectory,
}

impl Permission {
    /// The roles that have it, by Rocket.Chat's defaults.
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
    /// Rocket.Chat's roles: its own where they are given, else those that the [`Role`] stands for.
    #[must_use]
    pub fn rocketchat_roles(&self) -> Vec<&str> {
        if let Some(given) = &self.doors.rocketchat_roles {
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

    /// Whether one of its roles has a permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.rocketchat_roles().iter().any(|role| permission.roles().contains(role))
    }
}
