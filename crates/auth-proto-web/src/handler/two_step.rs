//! `/account/two-step`: second factors.

mod enrol;
mod mailed_codes;
mod overview;

pub(crate) use enrol::{confirm, enrol};
pub(crate) use mailed_codes::switch;
pub(crate) use overview::{keep, remove, renew, show};
