//! Bytes → values: request bodies, login forms, headers, query strings. Nothing here panics or does I/O.

mod body;
mod error;
mod fields;
mod headers;
mod login;
mod own_change;
mod page;

pub use body::body;
pub use error::DecodeError;
pub use fields::Fields;
pub(crate) use headers::{factor_method, presented_factor, second_factor_code, user_and_token};
pub use login::{LoginForm, accounts_form, login_form};
pub use own_change::OwnChange;
pub(crate) use own_change::password_factor;
pub use page::Page;
