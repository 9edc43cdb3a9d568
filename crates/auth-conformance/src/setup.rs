//! The state a case starts from: a fixture's configuration and users with changes on top, and what is done
//! before the request. Setups are data (`data/setups/*.toml`), so that a new case needs no new code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A state, and the cases that start from it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Setup {
    /// Cases by id.
    pub cases: Vec<String>,
    /// Cases by what they say is given: a regular expression for the whole of it.
    pub given: Option<String>,
    /// The configuration file among the fixtures, without `.toml`.
    pub fixture: String,
    /// The users among the fixtures, without `.jsonl`, where they aren't those of the set.
    pub people: Option<String>,
    /// The configuration of an nginx in front, among the setups: `@LISTEN@`, `@SERVER@` and `@DIR@` are filled in.
    pub proxy: Option<String>,
    /// The case whose answer is expected in place of these cases' own.
    pub answer_of: Option<String>,
    /// JSON pointers of lists in the answer whose order is not judged.
    pub unordered: Vec<String>,
    /// Configuration keys set over the fixture's; `"<absent>"` takes one away.
    pub config: Map<String, Value>,
    /// Realms of the fixture, by slug, with keys set over theirs.
    pub realms: Map<String, Value>,
    /// Users of the fixture, by user name, with keys set over theirs; unknown ones are added.
    pub users: Map<String, Value>,
    /// What is done before the request. A case with such steps has a server of its own.
    pub before: Vec<Step>,
    /// JSON that is expected in the answer beside what the case says.
    pub expect: Map<String, Value>,
}

/// What is done before a request: a wait, then changes of the directory, a command, then requests.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Step {
    /// Method and path of a request.
    pub send: Option<String>,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body, an encoded form.
    pub form: Option<String>,
    /// Its body, JSON.
    pub json: Option<Value>,
    /// The status it must be answered with.
    pub status: Option<u16>,
    /// Parts of its JSON answer to keep: names (then known as `{{name}}`) and JSON pointers; a `!` in one goes on
    /// inside JSON that is a text itself.
    pub save: BTreeMap<String, String>,
    /// How often it is sent; `{{n}}` counts from 1.
    pub times: Option<u32>,
    /// Arguments of a server command; it must succeed.
    pub run: Option<Vec<String>>,
    /// What the command reads on standard input.
    pub stdin: String,
    /// Changes of the directory's entries, as LDIF.
    pub modify: Option<String>,
    /// Ends the directory server.
    pub directory_ends: bool,
    /// Milliseconds to let pass: windows of limits end by the clock alone.
    pub wait_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    setup: Vec<Setup>,
}

/// Reads the setups of a set.
///
/// # Errors
/// When the file can't be read, or holds something unknown.
pub fn read(path: &Path) -> Result<Vec<Setup>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(toml::from_str::<File>(&text).with_context(|| path.display().to_string())?.setup)
}

/// The setup of a case: the one that names it, else the first that describes what is given.
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
    /// The configuration, as text.
    ///
    /// # Errors
    /// When the fixture is no TOML.
    pub fn configuration(&self, fixture: &str) -> Result<String> {
        if self.config.is_empty() {
            return Ok(fixture.to_owned());
        }
        let mut config: Value = toml::from_str(fixture)?;
        merge(&mut config, &Value::Object(self.config.clone()));
        Ok(toml::to_string(&config)?)
    }

    /// The users, as JSON lines.
    ///
    /// # Errors
    /// When the fixture holds a line that is no JSON.
    pub fn import(&self, fixture: &str) -> Result<String> {
        let mut lines: Vec<Value> =
            fixture.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("fixture users")?;
        let realm = lines.iter().find_map(|line| line.get("realm")).cloned().unwrap_or_default();
        for (changes, kind, key) in [(&self.realms, "realm", "realm"), (&self.users, "user", "username")] {
            for (name, change) in changes {
                let is_it = |line: &&mut Value| {
                    line.get("kind").is_some_and(|is| is == kind)
                        && line.get(key).is_some_and(|is| is == name)
                };
                if let Some(line) = lines.iter_mut().find(is_it) {
                    merge(line, change);
                } else {
                    let mut line = serde_json::json!({"kind": kind, "realm": realm, key: name});
                    merge(&mut line, change);
                    lines.push(line);
                }
            }
        }
        Ok(lines.iter().map(|line| format!("{line}\n")).collect())
    }
}

/// Sets the members of `over` in `value`, deeply; `"<absent>"` takes one away.
pub(crate) fn merge(value: &mut Value, over: &Value) {
    match (value, over) {
        (Value::Object(members), Value::Object(over)) => {
            for (key, over) in over {
                if over.as_str() == Some("<absent>") {
                    members.remove(key);
                } else {
                    merge(members.entry(key).or_insert(Value::Null), over);
                }
            }
        }
        (value, over) => *value = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(text: &str) -> Setup {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn changes_are_laid_over_the_fixture() {
        let setup = setup(
            "config.a.b = 2\nconfig.a.gone = \"<absent>\"\nrealms.r.active = false\n\
             users.iago.password = \"x\"\nusers.new.full_name = \"New\"",
        );
        let config = setup.configuration("[a]\nb = 1\nc = \"@PORT@\"\ngone = 1\n").unwrap();
        let config: Value = toml::from_str(&config).unwrap();
        assert_eq!(config, serde_json::json!({"a": {"b": 2, "c": "@PORT@"}}));
        let users = setup
            .import("{\"kind\":\"realm\",\"realm\":\"r\"}\n{\"kind\":\"user\",\"realm\":\"r\",\"username\":\"iago\"}\n")
            .unwrap();
        let lines: Vec<Value> = users.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                serde_json::json!({"kind": "realm", "realm": "r", "active": false}),
                serde_json::json!({"kind": "user", "realm": "r", "username": "iago", "password": "x"}),
                serde_json::json!({"kind": "user", "realm": "r", "username": "new", "full_name": "New"}),
            ]
        );
    }

    #[test]
    fn a_named_case_has_precedence_over_what_is_given() {
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
