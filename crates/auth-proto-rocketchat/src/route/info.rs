//! `GET /api/info`: what a server says of itself before anybody logs in (rocketchat.md 3.2); and what it says of
//! its instances to those who may know.

use auth_core::{Permission, Principal};
use bytes::Bytes;
use http::Response;
use serde::Serialize;

use crate::encode::{Failure, success};
use crate::protocol::RocketChatProtocol;

/// The oldest clients that Rocket.Chat wants to see.
const OLDEST_CLIENTS: Clients = Clients { desktop: "3.9.6", mobile: "4.39.0" };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<About<'a>>,
    minimum_client_versions: Clients,
}

/// No build of Rocket.Chat and no apps engine stand behind the version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    version: &'a str,
    build: Nothing,
    commit: Nothing,
    marketplace_api_version: &'static str,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Clients {
    desktop: &'static str,
    mobile: &'static str,
}

/// Major and minor version; all of it to administrators.
pub(crate) fn info(protocol: &RocketChatProtocol, principal: Option<&Principal>) -> Response<Bytes> {
    let full = protocol.config.version.as_str();
    let may = |principal: &Principal| principal.profile.user.may(Permission::ViewStatistics);
    let admin = principal.is_some_and(may);
    let about =
        || About { version: full, build: Nothing {}, commit: Nothing {}, marketplace_api_version: "0.0.0" };
    success(&Info {
        version: if admin { full } else { without_patch(full) },
        info: admin.then(about),
        minimum_client_versions: OLDEST_CLIENTS,
    })
}

/// `GET /api/v1/instances.get`: there are no other instances to tell of.
pub(crate) fn instances(principal: &Principal) -> Result<Response<Bytes>, Failure> {
    #[derive(Serialize)]
    struct Instances {
        instances: [(); 0],
    }
    if !principal.profile.user.may(Permission::ViewStatistics) {
        return Err(Failure::NO_PERMISSION);
    }
    Ok(success(&Instances { instances: [] }))
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
