//! The default settings that `me` carries, with their preferences. Clients expect every key to be there.

use std::sync::LazyLock;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// The settings of a user who has changed none, as JSON. They are the same for every user, since this server
/// keeps no settings, so they are written once.
pub(crate) fn settings() -> Option<&'static RawValue> {
    static WRITTEN: LazyLock<Option<Box<RawValue>>> = LazyLock::new(|| to_raw_value(&DEFAULTS).ok());
    WRITTEN.as_deref()
}

#[derive(Serialize)]
struct Settings {
    profile: Empty,
    preferences: Preferences,
    calendar: Empty,
}

#[derive(Serialize)]
struct Empty {}

const DEFAULTS: Settings = Settings { profile: Empty {}, preferences: Preferences, calendar: Empty {} };

/// The preferences of a user who has set none.
struct Preferences;

#[derive(Serialize)]
#[serde(untagged)]
enum Preference {
    Flag(bool),
    Number(u32),
    Text(&'static str),
    List(&'static [&'static str]),
}

impl Serialize for Preferences {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(PREFERENCES)
    }
}

const PREFERENCES: [(&str, Preference); 35] = {
    use Preference::{Flag, List, Number, Text};
    [
        ("alsoSendThreadToChannel", Text("default")),
        ("newRoomNotification", Text("door")),
        ("newMessageNotification", Text("chime")),
        ("showThreadsInMainChannel", Flag(false)),
        ("useEmojis", Flag(true)),
        ("convertAsciiEmoji", Flag(true)),
        ("saveMobileBandwidth", Flag(true)),
        ("collapseMediaByDefault", Flag(false)),
        ("autoImageLoad", Flag(true)),
        ("emailNotificationMode", Text("mentions")),
        ("unreadAlert", Flag(true)),
        ("notificationsSoundVolume", Number(100)),
        ("omnichannelTranscriptEmail", Flag(false)),
        ("desktopNotifications", Text("all")),
        ("pushNotifications", Text("all")),
        ("enableAutoAway", Flag(true)),
        ("desktopNotificationRequireInteraction", Flag(false)),
        ("hideUsernames", Flag(false)),
        ("hideRoles", Flag(false)),
        ("displayAvatars", Flag(true)),
        ("hideFlexTab", Flag(false)),
        ("sendOnEnter", Text("normal")),
        ("idleTimeLimit", Number(300)),
        ("sidebarShowFavorites", Flag(true)),
        ("sidebarShowUnread", Flag(false)),
        ("themeAppearence", Text("auto")),
        ("sidebarSortby", Text("activity")),
        ("sidebarViewMode", Text("medium")),
        ("sidebarDisplayAvatar", Flag(true)),
        ("sidebarGroupByType", Flag(true)),
        ("sidebarSectionsOrder", List(&SECTIONS)),
        ("muteFocusedConversations", Flag(true)),
        ("notifyCalendarEvents", Flag(true)),
        ("enableMobileRinging", Flag(true)),
        // A string that holds JSON, not a list.
        ("featuresPreview", Text("[]")),
    ]
};

const SECTIONS: [&str; 11] = [
    "Incoming_Calls",
    "Incoming_Livechats",
    "Open_Livechats",
    "On_Hold_Chats",
    "Unread",
    "Favorites",
    "Teams",
    "Discussions",
    "Channels",
    "Direct_Messages",
    "Conversations",
];
