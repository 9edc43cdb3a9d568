//! Bytes → values: request bodies, log-in forms, headers, query strings. Pure, and never a panic.

mod body;
mod fields;
mod login;
mod page;
mod presented;

pub use body::body;
pub use fields::Fields;
pub use login::{DecodeError, LoginForm, accounts_form, login_form};
pub use page::Page;
pub(crate) use presented::{
    agent, factor_method, presented, second_factor_code, second_factor_proof, user_and_token,
};
