//! The plan of a database for a statement.

use std::fmt;

/// A statement of a store and the database's plan for it.
///
/// `Display` writes the purpose, and the plan below it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// What the statement is for, such as "find a user by name".
    pub purpose: &'static str,
    /// The statement.
    pub statement: &'static str,
    /// The plan as the database prints it, line by line.
    pub lines: Vec<String>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.purpose)?;
        self.lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}
