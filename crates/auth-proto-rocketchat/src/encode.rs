//! Values → bytes: bodies of answers and the headers that all answers carry.

mod date;
mod error_body;
mod error_text;
mod me;
mod response;
mod settings;

pub(crate) use date::IsoDate;
pub(crate) use error_body::{
    action_error, bad_request, body_too_large, body_too_slow, forbidden, internal_error,
    internal_server_error, invalid_params, limited, login_error, not_logged_in, too_many_requests,
    unknown_path,
};
pub(crate) use error_text::{Details, ErrorCode, ErrorText, ErrorTexts, of_action_error, of_login_error};
pub(crate) use me::Me;
pub(crate) use response::{CALL_HEADERS, done, finish, json, json_body, page, rate_limit, success, text};
