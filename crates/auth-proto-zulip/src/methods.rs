//! The ways to log in that lead through pages, as `server_settings` lists them and the log-in page shows them.

use auth_core::Realm;
use serde::Serialize;

use crate::config::{Config, WebMethod};

/// A way to log in that leads through pages, with the keys in the recorded order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ExternalMethod {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) display_icon: Option<String>,
    pub(crate) login_url: String,
    pub(crate) signup_url: String,
}

/// All ways of a realm, the heaviest first. Of two that weigh the same, the one that is listed first here comes first. The
/// log-in page is one where it takes passwords.
pub(crate) fn all(config: &Config, realm: &Realm) -> Vec<ExternalMethod> {
    let takes_passwords = config.web && config.password_login && realm.password_login;
    let own = config.web_method.as_ref().filter(|_| takes_passwords).map(|own| (own.order, web(own)));
    heaviest_first(own.into_iter().chain(weighed(config)))
}

/// The ways beside the log-in page, for its buttons.
pub(crate) fn others(config: &Config) -> Vec<ExternalMethod> {
    heaviest_first(weighed(config))
}

/// The methods in the order of their weights; those that weigh the same stay in theirs.
fn heaviest_first(weighed: impl IntoIterator<Item = (u32, ExternalMethod)>) -> Vec<ExternalMethod> {
    let mut weighed: Vec<_> = weighed.into_iter().collect();
    weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    weighed.into_iter().map(|(_, method)| method).collect()
}

/// The ways beside the log-in page, with their weights.
fn weighed(config: &Config) -> Vec<(u32, ExternalMethod)> {
    config.remote_user.iter().filter(|_| config.web).map(|_| (9000, remote_user())).collect()
}

fn remote_user() -> ExternalMethod {
    let start = "/accounts/login/start/sso/".to_owned();
    ExternalMethod {
        name: "remoteuser".to_owned(),
        display_name: "SSO".to_owned(),
        display_icon: None,
        login_url: start.clone(),
        signup_url: start,
    }
}

fn web(own: &WebMethod) -> ExternalMethod {
    ExternalMethod {
        name: own.name.clone(),
        display_name: own.display_name.clone(),
        display_icon: own.display_icon.clone(),
        login_url: "/accounts/login/start/web/".to_owned(),
        signup_url: "/accounts/register/start/web/".to_owned(),
    }
}
