//! The pages: each is a struct with a template, which escapes whatever it shows.

mod account;
mod address;
mod app_passwords;
mod details;
mod front;
mod message;
mod password;
mod sessions;
mod sign_in;
mod two_step;
mod zulip;

pub(crate) use account::{Account, Address, App};
pub(crate) use address::AddressLink;
pub(crate) use app_passwords::{AppPasswords, Choice, Make, NewAppPassword};
pub(crate) use details::Details;
pub(crate) use front::Front;
pub(crate) use message::{Link, Message};
pub(crate) use password::{Forgot, Password, Reset};
pub(crate) use sessions::{Row, Sessions, protocol};
pub(crate) use sign_in::{Challenge, SignIn};
pub(crate) use two_step::{BackupCodes, Enrol, TwoStep};
pub(crate) use zulip::Zulip;
