//! The sets of cases.

use anyhow::Result;

use crate::cases::rocketchat::RocketChat;
use crate::cases::zettelstore::Zettelstore;
use crate::cases::zulip::Zulip;
use crate::cases::zulip_web::ZulipWeb;
use crate::options::Options;
use crate::report::Report;
use crate::{cases, transcripts, web_transcripts};

/// A set of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "a new set is a new file and a new test")]
pub enum Set {
    /// Transcripts of a real Zulip server.
    ZulipLive,
    /// Cases of Zulip's API.
    Zulip,
    /// Transcripts of a real Zulip server's pages and web sessions.
    ZulipWebLive,
    /// Cases of Zulip's pages and web sessions.
    ZulipWeb,
    /// Cases of Rocket.Chat's API.
    #[value(name = "rocketchat")]
    RocketChat,
    /// Cases of Zettelstore's API.
    Zettelstore,
}

impl Set {
    /// Every set with its name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::ZulipLive, "zulip-live"),
        (Self::Zulip, "zulip"),
        (Self::ZulipWebLive, "zulip-web-live"),
        (Self::ZulipWeb, "zulip-web"),
        (Self::RocketChat, "rocketchat"),
        (Self::Zettelstore, "zettelstore"),
    ];

    /// Runs the cases of the set.
    ///
    /// # Errors
    /// When a file cannot be read or the server cannot be run. A response that differs is a verdict in the report and
    /// no error.
    pub fn run(self, options: &Options) -> Result<Report> {
        match self {
            Self::ZulipLive => transcripts::run(options),
            Self::Zulip => cases::run(&Zulip, options),
            Self::ZulipWebLive => web_transcripts::run(options),
            Self::ZulipWeb => cases::run(&ZulipWeb, options),
            Self::RocketChat => cases::run(&RocketChat, options),
            Self::Zettelstore => cases::run(&Zettelstore, options),
        }
    }
}
