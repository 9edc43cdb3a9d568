//! How a database goes about a statement.

use std::fmt;

/// A statement of a store, and how its database goes about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// What the statement is for.
    pub purpose: &'static str,
    /// The statement.
    pub statement: &'static str,
    /// The database's own words, a line each.
    pub lines: Vec<String>,
}

impl fmt::Display for Plan {
    /// The purpose, and below it the plan.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.purpose)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
