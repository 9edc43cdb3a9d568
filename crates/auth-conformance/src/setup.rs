//! The state that a case starts from: a fixture's configuration and users with changes, and steps before the request.
//!
//! Setups are data (`data/setups/*.toml`), so that a new case needs no new code. A file is a list of `[[setup]]` tables
//! with the keys of [`Setup`]. Where what is given has several parts, as in `fixture F0; session of hamlet`, each part may
//! have a setup of its own, and [`of_parts`] joins them.

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
    /// A regular expression for one part of what a case says is given; `;` stands between parts. The texts below name its
    /// groups as `{{name}}`.
    pub part: Option<String>,
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
    /// What the case's request sends, beside what the case says.
    pub request: RequestChanges,
}

/// Changes of a case's request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RequestChanges {
    /// Headers that are added.
    pub headers: BTreeMap<String, String>,
    /// Texts of the path, the headers and the body, and what stands in their place.
    pub replace: BTreeMap<String, String>,
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
    /// Whether a browser sends the request: with the cookies that it was given before.
    pub browser: bool,
    /// Parts of the page or of the answer's head that later texts refer to as `{{name}}`: `field NAME` is the value of a field of a
    /// form, and `token PAD` opens the sealed token of Zulip's desktop program.
    pub read: BTreeMap<String, String>,
    /// The recipient of a mail with a link to a new password, whose two last parts later texts refer to as `{{uid}}` and
    /// `{{link-token}}`.
    pub mailed: Option<String>,
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

/// Joins the setups of the parts of what is given. `None` when a part has none.
#[must_use]
pub fn of_parts(setups: &[Setup], given: &str) -> Option<Setup> {
    let mut joined = Setup::default();
    for part in given.split("; ") {
        let (setup, found) =
            setups.iter().find_map(|setup| Some((setup, groups(setup.part.as_ref()?, part)?)))?;
        joined.join(setup, &Groups(found));
    }
    Some(joined)
}

/// The named groups of a regular expression for all of a text; `None` when it does not match.
fn groups(pattern: &str, text: &str) -> Option<BTreeMap<String, String>> {
    let pattern = Regex::new(&format!("^(?s:{pattern})$")).ok()?;
    let found = pattern.captures(text)?;
    let named = pattern.capture_names().flatten();
    Some(named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect())
}

/// The groups that a part's texts name as `{{name}}`.
struct Groups(BTreeMap<String, String>);

impl Groups {
    fn text(&self, text: &str) -> String {
        self.0
            .iter()
            .fold(text.to_owned(), |text, (name, group)| text.replace(&format!("{{{{{name}}}}}"), group))
    }

    fn option(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    fn map(&self, map: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        map.iter().map(|(name, text)| (name.clone(), self.text(text))).collect()
    }

    fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.json(item)).collect()),
            Value::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (self.text(name), self.json(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn step(&self, step: &Step) -> Step {
        Step {
            send: self.option(step.send.as_ref()),
            headers: self.map(&step.headers),
            form: self.option(step.form.as_ref()),
            json: step.json.as_ref().map(|json| self.json(json)),
            mailed: self.option(step.mailed.as_ref()),
            run: step.run.as_ref().map(|args| args.iter().map(|arg| self.text(arg)).collect()),
            stdin: self.text(&step.stdin),
            ..step.clone()
        }
    }
}

impl Setup {
    /// Lays the setup of a further part over this one.
    fn join(&mut self, other: &Self, groups: &Groups) {
        if !other.fixture.is_empty() {
            self.fixture.clone_from(&other.fixture);
        }
        if other.users_fixture.is_some() {
            self.users_fixture.clone_from(&other.users_fixture);
        }
        for (mine, theirs) in [
            (&mut self.config, &other.config),
            (&mut self.realms, &other.realms),
            (&mut self.users, &other.users),
            (&mut self.expect, &other.expect),
        ] {
            let mut whole = Value::Object(std::mem::take(mine));
            merge(&mut whole, &groups.json(&Value::Object(theirs.clone())));
            if let Value::Object(members) = whole {
                *mine = members;
            }
        }
        self.before.extend(other.before.iter().map(|step| groups.step(step)));
        self.request.headers.extend(groups.map(&other.request.headers));
        self.request.replace.extend(groups.map(&other.request.replace));
    }

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
    fn parts_of_what_is_given_are_joined() {
        let setups = [
            setup("part = 'fixture (F0|F1)'\nfixture = \"f\"\nconfig.a = 1\nrequest.headers.A = \"a\""),
            setup(
                "part = 'session of (?P<user>\\w+)'\nusers.\"{{user}}\".active = true\nbefore = [{ send = \"GET /{{user}}\" }]",
            ),
            setup("part = 'a is (?P<a>\\d)'\nconfig.a = \"{{a}}\"\nrequest.replace.x = \"{{a}}\""),
        ];
        let joined = of_parts(&setups, "fixture F1; session of iago; a is 2").unwrap();
        assert_eq!(joined.fixture, "f");
        assert_eq!(joined.config["a"], "2");
        assert_eq!(joined.users["iago"]["active"], true);
        assert_eq!(joined.before[0].send.as_deref(), Some("GET /iago"));
        assert_eq!((joined.request.headers["A"].as_str(), joined.request.replace["x"].as_str()), ("a", "2"));
        assert!(of_parts(&setups, "fixture F0; something else").is_none());
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<Setup>("befor = []").is_err());
    }
}
