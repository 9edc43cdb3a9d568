//! Bytes → values: request bodies, log-in forms, headers, query strings. Pure, and never a panic.

mod body;
mod login;
mod page;
mod presented;

pub use body::body;
pub use login::{LoginForm, Rejection, login_form};
pub use page::Page;
pub(crate) use presented::{presented, second_factor_code};
