//! The pages: each is a struct with a template, which escapes whatever it shows.

mod external;
mod flow;
mod log_in;
mod message;
mod reset;

pub(crate) use external::{DesktopToken, DesktopWaiting, NoAccount};
pub(crate) use flow::{Continue, NewPassword};
pub(crate) use log_in::{CodeStep, Fields, LogIn};
pub(crate) use message::{Link, Message};
pub(crate) use reset::{AskForReset, SetPassword};
