//! The verdicts of a run, and the list of cases that are known not to hold yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

/// The verdict on one case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a case holds, differs or cannot be run")]
pub enum Verdict {
    /// The response is as expected.
    Holds,
    /// The response differs from what is expected in these ways.
    Differs(Vec<String>),
    /// The case could not be run, for this reason.
    NotRun(String),
}

impl From<Vec<String>> for Verdict {
    fn from(differences: Vec<String>) -> Self {
        if differences.is_empty() { Self::Holds } else { Self::Differs(differences) }
    }
}

/// The verdicts of a set, in the order they were reached.
#[derive(Debug, Default)]
pub struct Report {
    verdicts: Vec<(String, Verdict)>,
}

impl Report {
    /// Adds the verdict on the case of this id.
    pub fn add(&mut self, id: &str, verdict: impl Into<Verdict>) {
        self.verdicts.push((id.to_owned(), verdict.into()));
    }

    /// Adds the verdicts of another report.
    pub fn extend(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
    }

    /// The verdicts by the ids of their cases.
    #[must_use]
    pub fn verdicts(&self) -> &[(String, Verdict)] {
        &self.verdicts
    }

    /// The numbers of cases that hold, that differ and that could not be run.
    #[must_use]
    pub fn figures(&self) -> (usize, usize, usize) {
        self.verdicts.iter().fold((0, 0, 0), |(holds, differ, not_run), (_, verdict)| match verdict {
            Verdict::Holds => (holds + 1, differ, not_run),
            Verdict::Differs(_) => (holds, differ + 1, not_run),
            Verdict::NotRun(_) => (holds, differ, not_run + 1),
        })
    }

    /// Describes the verdicts that contradict the list, a line for each: cases that do not hold and are not listed, and
    /// listed cases that hold. Empty when there are none.
    #[must_use]
    pub fn surprises(&self, expected: &ExpectedFailures) -> String {
        let mut text = String::new();
        let mut line = |id: &str, what: &str| {
            // Writing to a string cannot fail.
            let _never = writeln!(text, "{id}: {what}");
        };
        for (id, verdict) in &self.verdicts {
            match (verdict, expected.topic(id)) {
                (Verdict::Holds, Some(_)) => line(id, "holds now: remove it from expected-failures.txt"),
                (Verdict::Differs(differences), None) => line(id, &differences.join("; ")),
                (Verdict::NotRun(reason), None) => line(id, &format!("not run: {reason}")),
                _ => {}
            }
        }
        text
    }
}

/// The cases that are known not to hold, each with a topic that says why. The list may only get shorter.
#[derive(Debug, Default)]
pub struct ExpectedFailures(BTreeMap<String, String>);

impl ExpectedFailures {
    /// Parses lines of the form `ID TOPIC`; `#` begins a comment.
    ///
    /// # Errors
    /// When a line has no topic, or an id is listed twice.
    pub fn parse(text: &str) -> Result<Self> {
        let mut list = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (id, topic) =
                line.split_once(char::is_whitespace).with_context(|| format!("no topic: {line}"))?;
            let before = list.insert(id.to_owned(), topic.trim().to_owned());
            ensure!(before.is_none(), "listed twice: {id}");
        }
        Ok(Self(list))
    }

    /// The topic of a case, if the case is listed.
    #[must_use]
    pub fn topic(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The listed ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_checked_against_the_list_in_both_directions() {
        let expected = ExpectedFailures::parse("# why\nlisted-fails  ldap\nlisted-holds ldap\n").unwrap();
        let mut report = Report::default();
        report.add("listed-fails", vec!["status".to_owned()]);
        assert_eq!(report.surprises(&expected), "");
        report.add("listed-holds", vec![]);
        report.add("fails", vec!["status".to_owned(), "body".to_owned()]);
        report.add("unreachable", Verdict::NotRun("no directory".to_owned()));
        assert_eq!(
            report.surprises(&expected),
            "listed-holds: holds now: remove it from expected-failures.txt\nfails: status; body\n\
             unreachable: not run: no directory\n"
        );
        assert_eq!(report.figures(), (1, 2, 1));
    }

    #[test]
    fn list_without_topics_or_with_doubles_is_refused() {
        assert!(ExpectedFailures::parse("id").is_err());
        assert!(ExpectedFailures::parse("id a\nid b").is_err());
    }
}
