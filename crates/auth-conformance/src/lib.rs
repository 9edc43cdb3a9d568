//! Holds the server to what the real Zulip, Rocket.Chat and Zettelstore answer.
//!
//! `data/` holds transcripts of a real Zulip server, cases derived from the real systems' sources and tests, and
//! the fixtures they start from. [`Set::run`] starts the built server on them, sends each request over a raw
//! socket and compares the answer; [`ExpectedFailures`] names the cases that don't hold yet, and the list may
//! only get shorter. This crate knows the server by its command line and its port alone: no other crate of the
//! workspace is linked, and it never reads the store.
//!
//! ```
//! use auth_conformance::{ExpectedFailures, Report};
//!
//! let expected = ExpectedFailures::parse("ldap-login  directory\n")?;
//! let mut report = Report::default();
//! report.add("login", Vec::new());
//! report.add("ldap-login", vec!["status 401 instead of 200".to_owned()]);
//! assert_eq!(report.surprises(&expected), "");
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # To add a case
//!
//! Add a line to a `data/*-cases.jsonl`. When it starts from a state that no setup describes, add one to
//! `data/setups/*.toml`.

pub mod client;
pub mod clock;
pub mod http;
pub mod matching;
pub mod nodes;
pub mod report;
pub mod server;
pub mod setup;
pub mod slapd;
pub mod timing;

mod binary;
mod cases;
mod forge;
mod live;
mod mailbox;
mod proxy;
mod rocketchat;
mod values;
mod zettelstore;
mod zulip;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

pub use binary::server_binary;
pub use report::{ExpectedFailures, Report, Verdict};
pub use server::{DevServer, Server};

use setup::Setup;

/// A set of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[expect(clippy::exhaustive_enums, reason = "a new set is a new file and a new test")]
pub enum Set {
    /// Transcripts of a real Zulip server.
    ZulipLive,
    /// Cases of Zulip's API.
    Zulip,
    /// Cases of Rocket.Chat's API.
    #[value(name = "rocketchat")]
    RocketChat,
    /// Cases of Zettelstore's API.
    Zettelstore,
}

impl Set {
    /// Every set with its name.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::ZulipLive, "zulip-live"),
        (Self::Zulip, "zulip"),
        (Self::RocketChat, "rocketchat"),
        (Self::Zettelstore, "zettelstore"),
    ];

    /// Runs the set's cases.
    ///
    /// # Errors
    /// When a file can't be read or the server can't be run. An answer that differs is a verdict, no error.
    pub fn run(self, options: &Options) -> Result<Report> {
        match self {
            Self::ZulipLive => live::run(options),
            Self::Zulip => cases::run(&zulip::Zulip, options),
            Self::RocketChat => cases::run(&rocketchat::RocketChat, options),
            Self::Zettelstore => cases::run(&zettelstore::Zettelstore, options),
        }
    }
}

/// What is run, and how.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests and the command line build it")]
pub struct Options {
    /// The server's program.
    pub binary: PathBuf,
    /// The folder of cases, fixtures and setups.
    pub data: PathBuf,
    /// Only cases whose id contains this.
    pub only: Option<String>,
    /// Upper bounds of time in cases are multiplied by this.
    pub patience: f64,
    /// Servers that run at a time: most of what cases do is wait.
    pub servers: usize,
}

impl Options {
    /// All cases of this crate's own data, with the bounds that an otherwise idle machine keeps.
    #[must_use]
    pub fn new(binary: PathBuf) -> Self {
        Self {
            binary,
            data: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data"),
            only: None,
            patience: 1.5,
            servers: 1,
        }
    }

    /// The list of cases that are known not to hold yet.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn expected_failures(&self) -> Result<ExpectedFailures> {
        ExpectedFailures::parse(&self.read("expected-failures.txt")?)
    }

    fn selects(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|text| id.contains(text))
    }

    fn fixture(&self, name: &str) -> Result<String> {
        self.read(&format!("fixtures/{name}"))
    }

    /// The users that a setup starts from.
    fn people(&self, setup: &Setup, set: &str) -> Result<String> {
        self.fixture(&format!("{}.jsonl", setup.people.as_deref().unwrap_or(set)))
    }

    fn read_lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let text = self.read(name)?;
        let lines = text.lines().enumerate();
        lines
            .map(|(index, line)| serde_json::from_str(line).with_context(|| format!("{name}:{}", index + 1)))
            .collect()
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.data.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }
}
