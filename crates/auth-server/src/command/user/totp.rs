//! `auth-server user totp`: enrols and removes authenticator apps.

use anyhow::{Context, bail};
use auth_admin::Devices;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use crate::command::account::AccountArguments;
use crate::command::input::read_code;
use crate::command::output::print_line;

/// Manage a user's authenticator app.
#[derive(Debug, clap::Subcommand)]
pub(in crate::command) enum TotpCommand {
    /// Show a new device as an otpauth URL and a QR code, enrol it by its first code, and print backup codes.
    #[command(after_help = "Example: auth-server user totp enroll --config auth.toml iago@zulip.com\n\
                            The code is read from the terminal or standard input.")]
    Enroll(Enroll),
    /// Remove the device and its backup codes.
    #[command(after_help = "Example: auth-server user totp disable --config auth.toml iago@zulip.com")]
    Disable(AccountArguments),
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
            Self::Disable(arguments) => {
                let (assembled, account) = arguments.find().await?;
                if !Devices::new(assembled.engine()).remove(&account).await? {
                    bail!("the user has no device");
                }
                print_line("disabled")?;
                Ok(())
            }
        }
    }
}

impl Enroll {
    async fn run(self) -> anyhow::Result<()> {
        let (assembled, account) = self.account.find().await?;
        let devices = Devices::new(assembled.engine());
        let device = devices.new_device(&account);
        print_line(&*device.url)?;
        print_line(qr_code(&device.url)?.as_str())?;
        let code = if self.without_code { None } else { Some(read_code()?) };
        match devices.enrol(&account, &device, code.as_ref()).await? {
            Some(codes) => {
                print_line("enrolled; each of these backup codes replaces the device once:")?;
                codes.iter().try_for_each(|code| print_line(code.expose()))?;
                Ok(())
            }
            None => bail!("the code is wrong: nothing was changed"),
        }
    }
}

/// A QR code for the terminal. It is dark on light, as cameras expect, where terminals are light on dark.
fn qr_code(url: &str) -> anyhow::Result<Zeroizing<String>> {
    let code = QrCode::new(url.as_bytes()).context("the URL doesn't fit a QR code")?;
    let text = code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    Ok(Zeroizing::new(text))
}
