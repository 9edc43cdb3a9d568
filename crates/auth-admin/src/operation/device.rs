//! Operations on second factors.

use auth_core::OneTimeCode;
use auth_crypto::totp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountName, Admin, Changed, Operation, Scope};
use crate::devices_and_tokens::{Devices, NewDevice};
use crate::error::AdminError;
use crate::secret_text::SecretText;
use crate::view::Moment;

fn devices(admin: &Admin) -> Devices {
    Devices::new(admin.engine()).acting_as(admin.operator().author().clone())
}

/// Makes the secret of a new device for a user. Nothing is kept of it before `device.enrol`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct NewDeviceFor {
    /// The user.
    pub user: AccountName,
}

/// A device that is not enrolled yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ShownDevice {
    /// The address that authenticator apps take from a picture: `otpauth://…`.
    pub url: SecretText,
    /// The secret, in base 32.
    pub secret: SecretText,
}

impl Operation for NewDeviceFor {
    const NAME: &'static str = "device.new";
    const SUMMARY: &'static str = "Makes the secret of a new authenticator app for a user.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = ShownDevice;

    async fn run(self, admin: &Admin) -> Result<ShownDevice, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let device = devices(admin).new_device(&account);
        let secret = totp::to_base32(device.secret());
        Ok(ShownDevice {
            url: SecretText::new(device.url.as_str()),
            secret: SecretText::new(secret.as_str()),
        })
    }
}

/// Enrols a device in place of the one that the user may have, with new backup codes, and ends the user's sessions.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct EnrolDevice {
    /// The user.
    pub user: AccountName,
    /// The secret, in base 32.
    pub secret: SecretText,
    /// The code that the device shows; without one the device is enrolled untried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecretText>,
}

/// A device that was enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct DeviceEnrolled {
    /// Backup codes, each of which replaces the device once.
    pub backup_codes: Vec<SecretText>,
}

impl Operation for EnrolDevice {
    const NAME: &'static str = "device.enrol";
    const SUMMARY: &'static str = "Enrols an authenticator app in place of the one that the user may have.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = DeviceEnrolled;

    async fn run(self, admin: &Admin) -> Result<DeviceEnrolled, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        let secret = totp::from_base32(self.secret.expose()).map_err(|_| AdminError::BadDevice)?;
        let device = NewDevice::with_secret(secret);
        let code = self.code.as_ref().map(|code| OneTimeCode::new(code.expose()));
        let codes = devices(admin).enrol(&account, &device, code.as_ref()).await?;
        let codes = codes.ok_or(AdminError::WrongCode)?;
        Ok(DeviceEnrolled { backup_codes: codes.iter().map(|code| SecretText::new(code.expose())).collect() })
    }
}

/// Removes a user's device and backup codes: at once for an operator who may do everything. For a help desk the removal is held
/// for a day, and the owner is mailed; a right code of the device stops it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct RemoveDevice {
    /// The user.
    pub user: AccountName,
}

/// What became of a device that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct DeviceRemoved {
    /// Whether the request did anything: it does not where there is no device, or a removal is held already.
    pub changed: bool,
    /// When the device is removed; nothing where it is gone, or there was none.
    pub held_until: Option<Moment>,
}

impl Operation for RemoveDevice {
    const NAME: &'static str = "device.remove";
    const SUMMARY: &'static str =
        "Removes a user's authenticator app and backup codes: for a help desk, after a day.";
    const SCOPES: &'static [Scope] = &[Scope::Helpdesk];
    type Reply = DeviceRemoved;

    async fn run(self, admin: &Admin) -> Result<DeviceRemoved, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        if admin.operator().must_hold_removals() {
            let held = devices(admin).hold_removal(&account).await?;
            return Ok(DeviceRemoved {
                changed: held.is_some_and(|held| held.is_new),
                held_until: held.map(|held| Moment(held.until)),
            });
        }
        let changed = devices(admin).remove(&account).await?;
        if changed {
            admin.engine().notices().tell_of_removed_device(&account.user).await;
        }
        Ok(DeviceRemoved { changed, held_until: None })
    }
}

/// Keeps a device whose removal a help desk asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct KeepDevice {
    /// The user.
    pub user: AccountName,
}

impl Operation for KeepDevice {
    const NAME: &'static str = "device.keep";
    const SUMMARY: &'static str = "Keeps an authenticator app whose removal a help desk asked for.";
    const SCOPES: &'static [Scope] = &[Scope::Helpdesk];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        let (account, _) = admin.account_to_change(&self.user).await?;
        Ok(Changed { changed: devices(admin).keep(&account).await? })
    }
}
