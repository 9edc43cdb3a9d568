//! `auth-server user totp`: enrols and removes authenticator apps.

use anyhow::{Context, bail};
use auth_admin::SecretText;
use auth_admin::operation::{AccountName, EnrolDevice, KeepDevice, NewDeviceFor, RemoveDevice};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use crate::command::access::{Access, is_refusal};
use crate::command::account::{AccountArguments, AccountsArguments};
use crate::command::input::read_code;
use crate::command::output::{print_line, shown_moment};

/// Manage a user's authenticator app.
#[derive(Debug, clap::Subcommand)]
pub(in crate::command) enum TotpCommand {
    /// Show a new device as an otpauth URL and a QR code, enrol it by its first code, and print backup codes.
    #[command(after_help = "Example: auth-server user totp enroll --config auth.toml iago@zulip.com\n\
                            The code is read from the terminal or standard input.")]
    Enroll(Enroll),
    /// Remove the device and its backup codes. For a help desk the removal is held for a day, and the owner is mailed.
    #[command(after_help = "Example: auth-server user totp disable --config auth.toml iago@zulip.com")]
    Disable(AccountsArguments),
    /// Keep a device whose removal a help desk asked for.
    #[command(after_help = "Example: auth-server user totp keep iago@zulip.com")]
    Keep(AccountsArguments),
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Enroll {
    #[command(flatten)]
    account: AccountArguments,
    /// Enrol the device without a first code: from now on the user needs the device, even if nobody has scanned it.
    #[arg(long)]
    without_code: bool,
}

impl TotpCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Enroll(enroll) => enroll.run().await,
            Self::Disable(accounts) => {
                let disable = async |access: &Access, user| {
                    let removed = access.run(RemoveDevice { user }).await?;
                    match (removed.changed, removed.held_until) {
                        (true, None) => Ok("disabled".to_owned()),
                        (true, until) => Ok(format!(
                            "held until {}: the owner was mailed, and a login with a code of the device keeps it",
                            shown_moment(until)
                        )),
                        (false, Some(until)) => {
                            Ok(format!("was held already, until {}", shown_moment(Some(until))))
                        }
                        (false, None) => bail!("the user has no device"),
                    }
                };
                accounts.each(disable).await
            }
            Self::Keep(accounts) => {
                let keep = async |access: &Access, user| {
                    let changed = access.run(KeepDevice { user }).await?.changed;
                    Ok(if changed { "kept" } else { "no removal was held" }.to_owned())
                };
                accounts.each(keep).await
            }
        }
    }
}

impl Enroll {
    async fn run(self) -> anyhow::Result<()> {
        let enrol = async |access: &Access, user: AccountName| {
            let device = access.run(NewDeviceFor { user: user.clone() }).await?;
            print_line(device.url.expose())?;
            print_line(qr_code(device.url.expose())?.as_str())?;
            let code = if self.without_code { None } else { Some(SecretText::new(read_code()?.expose())) };
            access.run(EnrolDevice { user, secret: device.secret.clone(), code }).await
        };
        match self.account.run(enrol).await {
            Ok(enrolled) => {
                print_line("enrolled; each of these backup codes replaces the device once:")?;
                enrolled.backup_codes.iter().try_for_each(|code| print_line(code.expose()))?;
                Ok(())
            }
            Err(error) if is_refusal(&error, "wrong-code") => {
                bail!("the code is wrong: nothing was changed")
            }
            Err(error) => Err(error),
        }
    }
}

/// A QR code for the terminal. It is dark on light, as cameras expect, where terminals are light on dark.
fn qr_code(url: &str) -> anyhow::Result<Zeroizing<String>> {
    let code = QrCode::new(url.as_bytes()).context("the URL doesn't fit a QR code")?;
    let text = code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Ok(Zeroizing::new(text))
}
