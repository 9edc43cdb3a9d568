//! `/account`: the overview.

use auth_core::{Answer, NameKind};
use http::StatusCode;

use crate::answer::page;
use crate::error::PageError;
use crate::request::Request;
use crate::state::WebProtocol;
use crate::view::{Account, Address, App};
use crate::{notice, session};

/// Shows the overview.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required(state, request).await?;
    let profile = &signed_in.principal.profile;
    let addresses = profile.user.names.iter().filter(|name| name.kind == NameKind::Email);
    let view = Account {
        shell: signed_in.shell(state, request, "/account", false),
        t,
        organisation: request.organisation(),
        notice: notice::shown(state, request, &signed_in),
        full_name: &profile.user.full_name,
        user_name: profile.user.user_name(),
        addresses: addresses.map(|name| Address { text: &name.exact, is_verified: name.verified }).collect(),
        has_password: profile.has_password,
        has_totp: profile.totp,
        has_mailed_codes: profile.user.email_second_factor,
        apps: apps(state),
    };
    Ok(page(state, StatusCode::OK, &view)?)
}

/// The systems whose apps log in here.
fn apps(state: &WebProtocol) -> Vec<App<'_>> {
    let zulip = state.config.zulip_url.as_deref();
    let zulip = zulip.map(|address| App { name: "Zulip", address, link: None });
    let rocketchat = state.config.rocketchat_url.as_deref().map(|address| {
        let host = form_urlencoded::Serializer::new(String::new()).append_pair("host", address).finish();
        App { name: "Rocket.Chat", address, link: Some(format!("rocketchat://auth?{host}")) }
    });
    zulip.into_iter().chain(rocketchat).collect()
}
