//! What came of the cases, and which of them are known not to hold yet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a case holds, differs or could not be tried")]
pub enum Verdict {
    /// The answer is as expected.
    Holds,
    /// It is not, and how.
    Differs(Vec<String>),
    /// The state it starts from can't be brought about, and why.
    OutOfReach(String),
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
    /// Takes a verdict down.
    pub fn add(&mut self, id: &str, verdict: impl Into<Verdict>) {
        self.verdicts.push((id.to_owned(), verdict.into()));
    }

    /// Takes those of another report down.
    pub fn extend(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
    }

    /// The verdicts.
    #[must_use]
    pub fn verdicts(&self) -> &[(String, Verdict)] {
        &self.verdicts
    }

    /// The numbers of cases that hold, differ and are out of reach.
    #[must_use]
    pub fn figures(&self) -> (usize, usize, usize) {
        self.verdicts.iter().fold((0, 0, 0), |(holds, differ, out), (_, verdict)| match verdict {
            Verdict::Holds => (holds + 1, differ, out),
            Verdict::Differs(_) => (holds, differ + 1, out),
            Verdict::OutOfReach(_) => (holds, differ, out + 1),
        })
    }

    /// What is not as the list says: cases that fail and aren't listed, listed ones that hold or don't exist.
    /// Empty when all is as expected.
    #[must_use]
    pub fn surprises(&self, expected: &ExpectedFailures) -> String {
        let mut text = String::new();
        let mut line = |id: &str, what: &str| {
            // Writing to a string can't fail.
            let _never = writeln!(text, "{id}: {what}");
        };
        for (id, verdict) in &self.verdicts {
            match (verdict, expected.topic(id)) {
                (Verdict::Holds, Some(_)) => line(id, "holds now: take it out of expected-failures.txt"),
                (Verdict::Differs(why), None) => line(id, &why.join("; ")),
                (Verdict::OutOfReach(why), None) => line(id, &format!("out of reach: {why}")),
                _ => {}
            }
        }
        text
    }
}

/// The cases that are known not to hold, each with what it waits for. The list may only get shorter.
#[derive(Debug, Default)]
pub struct ExpectedFailures(BTreeMap<String, String>);

impl ExpectedFailures {
    /// Reads lines `ID TOPIC`; `#` begins a comment.
    ///
    /// # Errors
    /// Names a line without topic, or an id that comes twice.
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

    /// What a case waits for, if it is listed.
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
    fn the_list_is_held_to_the_verdicts_in_both_directions() {
        let expected = ExpectedFailures::parse("# why\nlisted-fails  ldap\nlisted-holds ldap\n").unwrap();
        let mut report = Report::default();
        report.add("listed-fails", vec!["status".to_owned()]);
        assert_eq!(report.surprises(&expected), "");
        report.add("listed-holds", vec![]);
        report.add("fails", vec!["status".to_owned(), "body".to_owned()]);
        report.add("unreachable", Verdict::OutOfReach("no directory".to_owned()));
        assert_eq!(
            report.surprises(&expected),
            "listed-holds: holds now: take it out of expected-failures.txt\nfails: status; body\n\
             unreachable: out of reach: no directory\n"
        );
        assert_eq!(report.figures(), (1, 2, 1));
    }

    #[test]
    fn a_list_without_topics_or_with_doubles_is_refused() {
        assert!(ExpectedFailures::parse("id").is_err());
        assert!(ExpectedFailures::parse("id a\nid b").is_err());
    }
}
