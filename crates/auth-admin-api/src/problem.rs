//! What an operation that did nothing is answered by.

use std::error::Error;
use std::fmt;

use auth_admin::AdminError;
use auth_core::StoreError;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why nothing was done: a problem document (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Problem {
    /// The reason, in a sentence for people.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// The reason in a word, for programs.
    pub code: String,
}

impl Problem {
    /// A problem by its parts.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: impl Into<String>) -> Self {
        Self { title: title.into(), status: status.as_u16(), code: code.to_owned() }
    }

    /// The problem as an answer.
    #[must_use]
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(serde_json::to_vec(&self).unwrap_or_default().into());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl From<&AdminError> for Problem {
    fn from(error: &AdminError) -> Self {
        let mut title = error.to_string();
        let mut cause = error.source();
        while let Some(why) = cause {
            title = format!("{title}: {why}");
            cause = why.source();
        }
        Self::new(status_of(error), error.code(), title)
    }
}

fn status_of(error: &AdminError) -> StatusCode {
    match error {
        AdminError::NoRealm | AdminError::NoUser | AdminError::NoGroup | AdminError::NoOperation => {
            StatusCode::NOT_FOUND
        }
        AdminError::NotPermitted(_) | AdminError::RoleAbove(_) | AdminError::KeyAbove => {
            StatusCode::FORBIDDEN
        }
        AdminError::SeveralRealms
        | AdminError::EntryOfAnother
        | AdminError::NoDirectory
        | AdminError::NoEntry
        | AdminError::SeveralEntries(..)
        | AdminError::EntryRefused(..)
        | AdminError::NoAddress
        | AdminError::OfDirectory
        | AdminError::Inactive
        | AdminError::Taken
        | AdminError::AppPasswordThere
        | AdminError::TooManyAppPasswords
        | AdminError::RealmThere
        | AdminError::RealmHasUsers
        | AdminError::NotMerged(_)
        | AdminError::BothHaveId(_)
        | AdminError::GroupThere
        | AdminError::GroupOfDirectory
        | AdminError::TooManyNetworks
        | AdminError::TooManyKeys
        | AdminError::KeyThere
        | AdminError::NoPassword(_)
        | AdminError::Store(StoreError::Conflict(_) | StoreError::Changed) => StatusCode::CONFLICT,
        AdminError::TooManyMails => StatusCode::TOO_MANY_REQUESTS,
        AdminError::Busy
        | AdminError::Internal(_)
        | AdminError::DirectoryUnavailable(..)
        | AdminError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        AdminError::BadArguments(_) | AdminError::BadCursor => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

impl Error for Problem {}
