//! Measures whether the time of a response tells what its words do not tell.
//!
//! An experiment sends one server the same kind of request in several classes (an unknown name, a wrong password, …),
//! one request at a time and in random order, and compares each two classes by Welch's t. Below [`THRESHOLD`] they
//! count as alike. Each comparison states the smallest difference that it would have detected. In a control, one of
//! two equal classes is delayed by as much, and that must be detected.

mod connection;
mod experiment;
mod groups;
mod shuffler;
mod statistics;

pub use experiment::{Comparison, Experiment, Outcome, run};
pub use groups::{Group, groups};
pub use statistics::{Summary, THRESHOLD};
