//! A user as Rocket.Chat shows it to itself: `data.me` and `GET /api/v1/me` (rocketchat.md 1.7).

use auth_core::{NameKind, Profile};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;

use super::date::iso;
use super::preferences::preferences;

/// The fields of `me`, in the contract's order: those stored first, then those computed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    emails: Vec<Email<'a>>,
    // Nobody is online at a log-in server.
    status: &'static str,
    status_connection: &'static str,
    utc_offset: u8,
    roles: Vec<&'a str>,
    active: bool,
    #[serde(skip_serializing_if = "is_false")]
    require_password_change: bool,
    #[serde(rename = "_updatedAt")]
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    #[serde(rename = "isOAuthUser")]
    is_oauth_user: bool,
    services: Services,
}

#[derive(Serialize)]
struct Email<'a> {
    address: &'a str,
    verified: bool,
}

#[derive(Serialize)]
struct Settings {
    profile: Empty,
    preferences: Option<&'static RawValue>,
    calendar: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// Which services are on; never a secret.
#[derive(Serialize)]
struct Services {
    #[serde(skip_serializing_if = "Option::is_none")]
    email2fa: Option<Enabled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp: Option<Enabled>,
    password: Exists,
}

#[derive(Serialize)]
struct Enabled {
    enabled: bool,
}

#[derive(Serialize)]
struct Exists {
    exists: bool,
}

impl<'a> Me<'a> {
    /// The user of a profile on a server at `site_url`.
    pub(crate) fn new(profile: &'a Profile, site_url: &str) -> Self {
        let user = &profile.user;
        let emails = user.names.iter().filter(|name| name.kind == NameKind::Email);
        let enabled = |on: bool| on.then_some(Enabled { enabled: true });
        Self {
            id: &user.protocols.rocketchat,
            name: &user.full_name,
            username: user.user_name(),
            emails: emails
                .clone()
                .map(|name| Email { address: &name.exact, verified: name.verified })
                .collect(),
            status: "offline",
            status_connection: "offline",
            utc_offset: 0,
            roles: user.rocketchat_roles(),
            active: user.active,
            require_password_change: user.must_change_password,
            updated_at: iso(user.joined),
            email: emails.clone().find(|name| name.verified).map(|name| name.exact.as_str()),
            settings: Settings { profile: Empty {}, preferences: preferences(), calendar: Empty {} },
            avatar_url: user.user_name().map(|name| avatar(site_url, name)),
            is_oauth_user: user.name(NameKind::Directory).is_some(),
            services: Services {
                email2fa: enabled(user.email_second_factor),
                totp: enabled(profile.totp),
                password: Exists { exists: profile.has_password },
            },
        }
    }
}

fn avatar(site_url: &str, user_name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    format!("{}/avatar/{}", site_url.trim_end_matches('/'), utf8_percent_encode(user_name, KEPT))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
