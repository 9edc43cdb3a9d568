//! The tables of `data/zulip-web-rules.toml`.

use anyhow::{Context, Result};
use regex::Regex;
use serde::{Deserialize, Deserializer};

use crate::options::Options;

/// How pages are compared, and how the state that no transcript shows is brought about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) pages: PageRules,
    pub(crate) mails: MailRules,
    pub(crate) browsers: Browsers,
    pub(crate) history: Vec<History>,
}

/// Which facts of a page are compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageRules {
    /// The texts of messages.
    pub(crate) alerts: Vec<Pattern>,
    /// The parts of messages that differ from run to run.
    pub(crate) changing: Vec<Pattern>,
    /// The actions of forms that are not compared.
    pub(crate) other_forms: Vec<Pattern>,
    /// The names of fields that are not compared.
    pub(crate) other_fields: Vec<String>,
}

/// Which mails are compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailRules {
    /// The subjects of mails that this server does not send.
    pub(crate) others: Vec<Pattern>,
    /// The subject of mails that asking for a new password leads to.
    pub(crate) of_reset: Pattern,
}

/// Who is signed in in a browser, in the words of `given`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Browsers {
    /// Patterns with a group `user`.
    pub(crate) given: Vec<Pattern>,
    /// The user where nothing tells who it was.
    pub(crate) somebody: String,
}

/// What came before a transcript without being one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    /// A part of what the transcript says is given.
    given: Pattern,
    /// Whether a link to a new password was mailed, and is the one that the request opens.
    #[serde(default)]
    pub(crate) link: bool,
    /// Whether a token for a session was made, and is the one that the request opens.
    #[serde(default)]
    pub(crate) token: bool,
    /// Whether the account then logged in in another browser.
    #[serde(default)]
    pub(crate) log_in: bool,
    /// Whether the account then fetched its API key by its password.
    #[serde(default)]
    pub(crate) fetch_api_key: bool,
    /// Whether the account's password has been changed.
    #[serde(default)]
    pub(crate) new_password: bool,
    /// How far the clock has moved on since.
    pub(crate) clock: Option<String>,
    /// How many milliseconds have passed since.
    pub(crate) wait_ms: Option<u64>,
}

/// A regular expression that matches a part of a text.
#[derive(Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Rules {
    /// Reads the tables.
    ///
    /// # Errors
    /// When the file cannot be read, or holds an unknown key.
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let name = "zulip-web-rules.toml";
        toml::from_str(&options.read(name)?).context(name)
    }

    /// What came before a transcript, by the first table that describes it.
    pub(crate) fn history(&self, given: &str) -> Option<&History> {
        self.history.iter().find(|history| history.given.0.is_match(given))
    }

    /// The user who is signed in, if what is given names one.
    pub(crate) fn user<'a>(&self, given: &'a str) -> Option<&'a str> {
        self.browsers.given.iter().find_map(|pattern| Some(pattern.0.captures(given)?.name("user")?.as_str()))
    }
}
