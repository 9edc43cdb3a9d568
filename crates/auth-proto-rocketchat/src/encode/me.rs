//! A user as Rocket.Chat shows it to itself: `data.me` of a login, and `GET /api/v1/me`.

use auth_core::{NameKind, Profile, ProtocolName, User};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::date::IsoDate;
use super::settings::settings;

/// The fields of `me` in Rocket.Chat's order: the stored ones first, then the computed ones.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Emails<'a>>,
    /// Nobody is online at a login server.
    status: &'static str,
    status_connection: &'static str,
    utc_offset: u8,
    roles: Vec<&'a str>,
    active: bool,
    #[serde(skip_serializing_if = "is_false")]
    require_password_change: bool,
    #[serde(rename = "_updatedAt")]
    updated_at: IsoDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    settings: Option<&'static RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<AvatarUrl<'a>>,
    #[serde(rename = "isOAuthUser")]
    is_oauth_user: bool,
    services: Services,
}

/// The ways to sign in that are switched on; never a secret.
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
    /// The user of a profile, on a server at `site_url`.
    pub(crate) fn new(profile: &'a Profile, site_url: &'a str) -> Self {
        let user = &*profile.user;
        let enabled = |on: bool| on.then_some(Enabled { enabled: true });
        Self {
            id: user.external_text(ProtocolName::ROCKETCHAT),
            name: &user.full_name,
            username: user.user_name(),
            emails: user.email().map(|_| Emails(user)),
            status: "offline",
            status_connection: "offline",
            utc_offset: 0,
            roles: user.rocketchat_roles(),
            active: user.active,
            require_password_change: user.must_change_password,
            updated_at: IsoDate(user.joined),
            email: emails(user).find(|email| email.verified).map(|email| email.address),
            settings: settings(),
            avatar_url: user.user_name().map(|user_name| AvatarUrl { site_url, user_name }),
            is_oauth_user: user.name(NameKind::Directory).is_some(),
            services: Services {
                email2fa: enabled(user.email_second_factor),
                totp: enabled(profile.totp),
                password: Exists { exists: profile.has_password },
            },
        }
    }
}

/// The e-mail addresses of a user.
struct Emails<'a>(&'a User);

impl Serialize for Emails<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(emails(self.0))
    }
}

#[derive(Serialize)]
struct Email<'a> {
    address: &'a str,
    verified: bool,
}

fn emails(user: &User) -> impl Iterator<Item = Email<'_>> {
    let of_kind = user.names.iter().filter(|name| name.kind == NameKind::Email);
    of_kind.map(|name| Email { address: &name.exact, verified: name.verified })
}

/// The address of a user's picture.
struct AvatarUrl<'a> {
    site_url: &'a str,
    user_name: &'a str,
}

impl Serialize for AvatarUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
        let name = utf8_percent_encode(self.user_name, KEPT);
        serializer.collect_str(&format_args!("{}/avatar/{name}", self.site_url))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
