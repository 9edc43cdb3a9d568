//! `GET server_settings`.

use auth_core::{Answer, Realm};
use serde::Serialize;

use crate::decode::client::Client;
use crate::encode::response::{Success, ok};
use crate::error::ApiError;
use crate::methods::{self, ExternalMethod};
use crate::request::Request;
use crate::state::ZulipProtocol;

/// From this feature level on, Discord is among the methods.
const DISCORD: u32 = 489;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    success: Success,
    authentication_methods: Methods,
    zulip_version: &'a str,
    /// The commit of Zulip that the server is built from: none.
    zulip_merge_base: &'static str,
    zulip_feature_level: u32,
    push_notifications_enabled: bool,
    is_incompatible: bool,
    email_auth_enabled: bool,
    require_email_format_usernames: bool,
    realm_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm_icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm_description: Option<&'a str>,
    realm_web_public_access_enabled: bool,
    external_authentication_methods: Vec<ExternalMethod>,
    realm_uri: &'a str,
}

/// The ways to log in that Zulip knows.
#[derive(Default, Serialize)]
struct Methods {
    password: bool,
    dev: bool,
    email: bool,
    ldap: bool,
    remoteuser: bool,
    github: bool,
    azuread: bool,
    gitlab: bool,
    google: bool,
    apple: bool,
    saml: bool,
    #[serde(rename = "openid connect")]
    openid_connect: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    discord: Option<bool>,
}

/// Tells what a client must know before it logs in. The realm may be deactivated.
pub(crate) async fn show(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let methods = request.route.methods;
    if !methods.contains(&request.http.method().as_str()) {
        return Err(ApiError::BareMethodNotAllowed(methods));
    }
    let config = &state.config;
    let realm = state.realm(&request.site).await?;
    if realm.is_none() {
        if !request.site.subdomain().is_empty() {
            return Err(ApiError::BadRequest("Invalid subdomain"));
        }
        if config.root_domain_landing_page {
            return Err(ApiError::BadRequest("Subdomain required"));
        }
    }
    let realm = realm.as_deref();
    let password_login = config.password_login && realm.is_none_or(|realm| realm.password_login);
    let email = password_login && realm.is_none_or(Realm::asks_stored_passwords);
    let ldap = password_login && realm.is_some_and(Realm::asks_a_directory);
    let url = request.site.url(config, realm);
    let document = Document {
        success: Success::EMPTY,
        authentication_methods: Methods {
            password: email || ldap,
            dev: request.is_development && config.development_login,
            email,
            ldap,
            remoteuser: config.web && config.remote_user.is_some(),
            discord: (config.feature_level >= DISCORD).then_some(false),
            ..Methods::default()
        },
        zulip_version: &config.version,
        zulip_merge_base: "",
        zulip_feature_level: config.feature_level,
        push_notifications_enabled: false,
        is_incompatible: request.user_agent().is_some_and(|text| Client::parse(&text).is_incompatible()),
        email_auth_enabled: email,
        require_email_format_usernames: !ldap,
        realm_url: &url,
        realm_name: realm.map(|realm| realm.name.as_str()),
        realm_icon: realm.map(|realm| realm.icon.as_str()),
        realm_description: realm.map(|realm| realm.description.as_str()),
        realm_web_public_access_enabled: false,
        external_authentication_methods: realm.map(|realm| methods::all(config, realm)).unwrap_or_default(),
        realm_uri: &url,
    };
    Ok(state.with_addresses(ok(&document).into()))
}
