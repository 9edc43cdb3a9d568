//! Section `[limits]`: the limits of failed logins that all protocols share.

use auth_engine::CommonQuotas;
use serde::Deserialize;

use super::{ConfigError, Limit, Switch};

/// Section `[limits]`: the limits of failed logins that all protocols share.
///
/// A client key is an IPv4 address or an IPv6 /64.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Whether there are shared limits.
    pub shared: Switch,
    /// Failed attempts per account and client key.
    pub account: Option<Limit>,
    /// Failed attempts per client key. The /56 and the /48 around an IPv6 client key have 4 and 16 times as many.
    pub network: Option<Limit>,
    /// Wrong second factors per account and client key. Beside that, an account takes 30 a day from all clients, of which
    /// 25 may come from clients that it has not logged in from.
    pub second_factor: Option<Limit>,
    /// Whether accounts with a second factor log in by password alone where a protocol has no second step.
    pub allow_password_only_with_2fa: bool,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, limit) in
            [("account", self.account), ("network", self.network), ("second_factor", self.second_factor)]
        {
            if limit == Some(Limit::Off) {
                return Err(ConfigError::new(format!(
                    "[limits] {name} can't be off by itself: shared = \"off\" switches all of them off"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn warning(&self) -> Option<String> {
        let text = "[limits] shared is off: only each protocol's own limits slow down password guessing";
        (self.shared == Switch::Off).then(|| text.to_owned())
    }

    /// The quotas; `None` when shared limits are off.
    pub(super) fn quotas(&self) -> Option<CommonQuotas> {
        let default = CommonQuotas::default();
        let or = |given: Option<Limit>, default| given.and_then(Limit::quota).unwrap_or(default);
        (self.shared == Switch::On).then(|| CommonQuotas {
            account: or(self.account, default.account),
            client: or(self.network, default.client),
            second_factor: or(self.second_factor, default.second_factor),
        })
    }
}
