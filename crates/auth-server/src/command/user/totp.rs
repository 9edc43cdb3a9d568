//! `auth-server user totp`.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use auth_core::OneTimeCode;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use super::{One, say};

/// Look after the authenticator app of a user.
#[derive(Debug, clap::Subcommand)]
pub(in crate::command) enum Totp {
    /// Show a new device as an otpauth address and a picture, enrol it by its first code, and print backup codes.
    #[command(after_help = "Example: auth-server user totp enroll --config auth.toml iago@zulip.com\n\
                            The code is read from the terminal or standard input.")]
    Enroll(Enroll),
    /// Take the device and its backup codes away.
    #[command(after_help = "Example: auth-server user totp disable --config auth.toml iago@zulip.com")]
    Disable(One),
}

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Enroll {
    #[command(flatten)]
    one: One,
    /// Ask for no code: from now on the user needs the device, whether it was scanned or not.
    #[arg(long)]
    without_code: bool,
}

impl Totp {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Enroll(enroll) => enroll.run().await,
            Self::Disable(one) => {
                let (assembled, account) = one.find().await?;
                if !assembled.engine().remove_device_of(&account).await? {
                    bail!("the user has no device");
                }
                say("disabled")?;
                Ok(())
            }
        }
    }
}

impl Enroll {
    async fn run(self) -> anyhow::Result<()> {
        let (assembled, account) = self.one.find().await?;
        let engine = assembled.engine();
        let device = engine.new_device(&account);
        say(&*device.url)?;
        let picture = QrCode::new(device.url.as_bytes()).context("the address doesn't fit a picture")?;
        // Dark on light, as cameras want it, where terminals are light on dark.
        let picture = picture.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        say(Zeroizing::new(picture).as_str())?;
        let code = if self.without_code { None } else { Some(read_code()?) };
        match engine.enrol(&account, &device, code.as_ref()).await? {
            Some(codes) => {
                say("enrolled; each of these codes stands for the device once:")?;
                codes.iter().try_for_each(|code| say(code.expose()))?;
                Ok(())
            }
            None => bail!("the code is wrong: nothing was changed"),
        }
    }
}

/// The first line of standard input; at a terminal it is asked for.
fn read_code() -> anyhow::Result<OneTimeCode> {
    if std::io::stdin().is_terminal() {
        say("Code that the app shows:")?;
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line).context("the code is not UTF-8 text")?;
    Ok(OneTimeCode::new(line.trim()))
}
