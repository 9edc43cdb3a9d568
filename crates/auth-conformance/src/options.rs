//! What a run of the cases is given.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::report::ExpectedFailures;
use crate::setup::Setup;

/// The options of a run.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests and the command line build it")]
pub struct Options {
    /// The server's program.
    pub binary: PathBuf,
    /// The folder of cases, fixtures and setups.
    pub data: PathBuf,
    /// Runs only the cases whose id contains this text.
    pub only: Option<String>,
    /// The factor by which upper bounds of time in cases are multiplied.
    pub patience: f64,
    /// The number of servers that run at a time. Cases spend most of their time waiting.
    pub servers: usize,
}

impl Options {
    /// All cases of this crate's own data, one server at a time, with time bounds that an otherwise idle machine keeps.
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

    /// Reads the list of cases that are known not to hold yet.
    ///
    /// # Errors
    /// When the list cannot be read.
    pub fn expected_failures(&self) -> Result<ExpectedFailures> {
        ExpectedFailures::parse(&self.read("expected-failures.txt")?)
    }

    /// Whether the case of this id is to be run.
    pub(crate) fn selects(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|text| id.contains(text))
    }

    /// The configuration that a setup starts from.
    pub(crate) fn configuration(&self, setup: &Setup) -> Result<String> {
        setup.configuration(&self.read(&format!("fixtures/{}.toml", setup.fixture))?)
    }

    /// The users that a setup starts from; `set` is the name of the set of cases.
    pub(crate) fn users(&self, setup: &Setup, set: &str) -> Result<String> {
        let name = setup.users_fixture.as_deref().unwrap_or(set);
        setup.import(&self.read(&format!("fixtures/{name}.jsonl"))?)
    }

    /// Reads a file of JSON lines.
    pub(crate) fn read_lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let text = self.read(name)?;
        let lines = text.lines().enumerate();
        lines
            .map(|(index, line)| serde_json::from_str(line).with_context(|| format!("{name}:{}", index + 1)))
            .collect()
    }

    /// Reads a file of the data folder.
    pub(crate) fn read(&self, name: &str) -> Result<String> {
        let path = self.data.join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }
}
