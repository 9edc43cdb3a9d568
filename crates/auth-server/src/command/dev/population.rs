//! Who is on a demo server at its start: import lines of a file, or the demo users.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use auth_transfer::without_mark;
use serde_json::Value;

use crate::command::input::open_file;

/// The demo users, whom the examples of the three systems' manuals log in.
const DEMO: &str = include_str!("demo.jsonl");

/// The import lines with which a demo server begins.
pub(super) struct Population {
    pub(super) text: String,
    lines: Vec<Value>,
    /// The slug of the realm that all protocols serve: the first one.
    pub(super) realm: String,
    /// Whether they are the demo users.
    pub(super) is_demo: bool,
}

impl Population {
    /// Reads a file, or standard input where the path is `-`. Without a path they are the demo users.
    pub(super) fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let text = match path {
            Some(path) if path == Path::new("-") => {
                whole(std::io::stdin().lock()).context("the seed on standard input can't be read")?
            }
            Some(path) => open_file(path)
                .and_then(whole)
                .with_context(|| format!("{} can't be read", path.display()))?,
            None => DEMO.to_owned(),
        };
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let realm = of_kind(&lines, "realm").next().and_then(|line| line.get("realm")?.as_str());
        let realm = realm.context("the seed names no realm")?.to_owned();
        Ok(Self { text, lines, realm, is_demo: path.is_none() })
    }

    /// The lines of the users.
    pub(super) fn users(&self) -> impl Iterator<Item = &Value> {
        of_kind(&self.lines, "user")
    }
}

fn whole(text: impl Read) -> anyhow::Result<String> {
    Ok(std::io::read_to_string(without_mark(text)?)?)
}

/// The import lines of a kind.
fn of_kind<'a>(lines: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line.get("kind").and_then(Value::as_str) == Some(kind))
}
