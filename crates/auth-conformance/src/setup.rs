//! The state that a case starts from: a fixture's configuration and users with changes, and steps before the request.
//!
//! Setups are data (`data/setups/*.toml`), so that a new case needs no new code. A file is a list of `[[setup]]` tables
//! with the keys of [`Setup`].

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::ServerConfig;
use crate::json::merge;

/// A starting state, and the cases that start from it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Setup {
    /// The ids of the cases.
    pub cases: Vec<String>,
    /// A regular expression for all that a case says is given.
    pub given: Option<String>,
    /// The name of the configuration file among the fixtures, without `.toml`.
    pub fixture: String,
    /// The name of the users' file among the fixtures, without `.jsonl`, where it is not that of the set.
    pub users_fixture: Option<String>,
    /// The name of the configuration of an nginx in front, among the setups. `@LISTEN@`, `@SERVER@` and `@DIR@` are
    /// filled in.
    pub proxy: Option<String>,
    /// The id of the case whose response is expected instead of these cases' own.
    pub answer_of: Option<String>,
    /// JSON pointers to lists in the response whose order is not compared.
    pub unordered: Vec<String>,
    /// Configuration keys that replace those of the fixture; `"<absent>"` removes one.
    pub config: Map<String, Value>,
    /// Changes of the fixture's realms, by slug.
    pub realms: Map<String, Value>,
    /// Changes of the fixture's users, by user name; users of other names are added.
    pub users: Map<String, Value>,
    /// The steps before the request. Each case of a setup with steps has a server of its own.
    pub before: Vec<Step>,
    /// JSON that is expected in the response, beside what the case says.
    pub expect: Map<String, Value>,
}

/// A step before a request: a wait, then changes of the directory, then a command, then requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Step {
    /// The method and the path of a request.
    pub send: Option<String>,
    /// The headers of the request.
    pub headers: BTreeMap<String, String>,
    /// The body of the request, as an encoded form.
    pub form: Option<String>,
    /// The body of the request, as JSON.
    pub json: Option<Value>,
    /// The status of the response, 200 by default.
    pub status: Option<u16>,
    /// Parts of the JSON response that later texts refer to as `{{name}}`: names and JSON pointers. A `!` in a pointer
    /// continues inside a text that is JSON itself.
    pub save: BTreeMap<String, String>,
    /// How many times the request is sent; `{{n}}` is its number, from 1.
    pub times: Option<u32>,
    /// The arguments of a command of the server's program, which must succeed.
    pub run: Option<Vec<String>>,
    /// The standard input of the command.
    pub stdin: String,
    /// Changes of the directory's entries, as LDIF.
    pub modify: Option<String>,
    /// Whether to end the directory server.
    pub directory_ends: bool,
    /// Milliseconds to wait: the windows of rate limits end by the clock alone.
    pub wait_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    setup: Vec<Setup>,
}

/// Reads a file of setups.
///
/// # Errors
/// When the file cannot be read, or holds an unknown key.
pub fn read(path: &Path) -> Result<Vec<Setup>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(toml::from_str::<File>(&text).with_context(|| path.display().to_string())?.setup)
}

/// Finds the setup of a case: the one that names its id, else the first that describes what is given.
#[must_use]
pub fn find(setups: &[Setup], id: &str, given: &str) -> Option<usize> {
    let named = setups.iter().position(|setup| setup.cases.iter().any(|case| case == id));
    named.or_else(|| {
        setups.iter().position(|setup| {
            let pattern = setup.given.as_ref().and_then(|given| Regex::new(&format!("^(?s:{given})$")).ok());
            pattern.is_some_and(|pattern| pattern.is_match(given))
        })
    })
}

impl Setup {
    /// The configuration as text, from that of the fixture.
    ///
    /// # Errors
    /// When the fixture is not TOML.
    pub fn configuration(&self, fixture: &str) -> Result<String> {
        if self.config.is_empty() {
            return Ok(fixture.to_owned());
        }
        let config = ServerConfig::parse(fixture)?.merge(&Value::Object(self.config.clone()));
        Ok(config.to_string())
    }

    /// The users as JSON lines, from those of the fixture.
    ///
    /// # Errors
    /// When a line of the fixture is not JSON.
    pub fn import(&self, fixture: &str) -> Result<String> {
        let mut lines: Vec<Value> =
            fixture.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("fixture users")?;
        let realm = lines.iter().find_map(|line| line.get("realm")).cloned().unwrap_or_default();
        for (changes, kind, key) in [(&self.realms, "realm", "realm"), (&self.users, "user", "username")] {
            for (name, change) in changes {
                let is_named = |line: &&mut Value| {
                    line.get("kind").is_some_and(|value| value == kind)
                        && line.get(key).is_some_and(|value| value == name)
                };
                if let Some(line) = lines.iter_mut().find(is_named) {
                    merge(line, change);
                } else {
                    let mut line = json!({"kind": kind, "realm": realm, key: name});
                    merge(&mut line, change);
                    lines.push(line);
                }
            }
        }
        Ok(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(text: &str) -> Setup {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn changes_are_merged_into_the_fixture() {
        let setup = setup(
            "config.a.b = 2\nconfig.a.gone = \"<absent>\"\nrealms.r.active = false\n\
             users.iago.password = \"x\"\nusers.new.full_name = \"New\"",
        );
        let config = setup.configuration("[a]\nb = 1\nc = \"@PORT@\"\ngone = 1\n").unwrap();
        let config: Value = toml::from_str(&config).unwrap();
        assert_eq!(config, json!({"a": {"b": 2, "c": "@PORT@"}}));
        let users = setup
            .import("{\"kind\":\"realm\",\"realm\":\"r\"}\n{\"kind\":\"user\",\"realm\":\"r\",\"username\":\"iago\"}\n")
            .unwrap();
        let lines: Vec<Value> = users.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                json!({"kind": "realm", "realm": "r", "active": false}),
                json!({"kind": "user", "realm": "r", "username": "iago", "password": "x"}),
                json!({"kind": "user", "realm": "r", "username": "new", "full_name": "New"}),
            ]
        );
    }

    #[test]
    fn setup_that_names_a_case_has_precedence_over_what_is_given() {
        let setups = [setup("given = 'valid .*'"), setup("cases = [\"b\"]")];
        assert_eq!(find(&setups, "a", "valid token"), Some(0));
        assert_eq!(find(&setups, "b", "valid token"), Some(1));
        assert_eq!(find(&setups, "a", "invalid token"), None);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Setup>("befor = []").is_err());
    }
}
