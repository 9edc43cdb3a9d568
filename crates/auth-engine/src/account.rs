//! What signed-in users do to their own accounts.

pub(crate) mod address_verification;
pub(crate) mod api_keys;
pub(crate) mod confirm;
pub(crate) mod development;
pub(crate) mod device_removals;
pub(crate) mod forward_sessions;
pub(crate) mod notices;
pub(crate) mod own_account;
pub(crate) mod own_credentials;
pub(crate) mod password_reset;
pub(crate) mod passwords;
pub(crate) mod personal_tokens;
pub(crate) mod present_password;
pub(crate) mod second_factors;
pub(crate) mod sessions;
