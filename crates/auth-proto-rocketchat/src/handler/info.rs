//! What the server says of itself: `info` before anybody logs in, and its instances.

use auth_core::{Answer, Permission, Principal};
use serde::Serialize;

use crate::call::Call;
use crate::encode::success;
use crate::error::ApiError;
use crate::state::RocketChatProtocol;

/// The oldest versions of clients that Rocket.Chat supports.
const OLDEST_CLIENTS: Clients = Clients { desktop: "3.9.6", mobile: "4.39.0" };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<About<'a>>,
    minimum_client_versions: Clients,
}

/// There is neither a build of Rocket.Chat nor its apps engine behind the version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    version: &'a str,
    build: Empty,
    commit: Empty,
    marketplace_api_version: &'static str,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Clients {
    desktop: &'static str,
    mobile: &'static str,
}

/// Answers `GET /api/info`: the major and minor version, and the whole version to administrators.
pub(crate) async fn info(state: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    let full = state.config.version.as_str();
    let about =
        || About { version: full, build: Empty {}, commit: Empty {}, marketplace_api_version: "0.0.0" };
    let in_full = call.principal.as_deref().is_some_and(sees_statistics);
    Ok(success(&Info {
        version: if in_full { full } else { without_patch(full) },
        info: in_full.then(about),
        minimum_client_versions: OLDEST_CLIENTS,
    }))
}

/// Answers `GET /api/v1/instances.get`: none.
pub(crate) async fn instances(_: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Instances {
        instances: [(); 0],
    }
    if !sees_statistics(call.principal()?) {
        return Err(ApiError::NO_PERMISSION);
    }
    Ok(success(&Instances { instances: [] }))
}

/// Answers `GET /api/v1/webdav.getMyAccounts`: none, since no files are kept here. Programs ask it to try a token.
pub(crate) async fn webdav_accounts(_: &RocketChatProtocol, call: &Call<'_>) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Accounts {
        accounts: [(); 0],
    }
    call.principal()?;
    Ok(success(&Accounts { accounts: [] }))
}

fn sees_statistics(principal: &Principal) -> bool {
    principal.profile.user.may(Permission::ViewStatistics)
}

fn without_patch(version: &str) -> &str {
    version.match_indices('.').nth(1).and_then(|(at, _)| version.get(..at)).unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_level_is_cut_off() {
        for (full, short) in [
            ("8.8.0", "8.8"),
            ("8.8.0-rc.1", "8.8"),
            ("8.8", "8.8"),
            ("8", "8"),
            ("", ""),
            ("10.20.30.4", "10.20"),
        ] {
            assert_eq!(without_patch(full), short);
        }
    }
}
