//! Errors as SCIM has them (RFC 7644, section 3.12).

use auth_admin::AdminError;
use auth_admin_api::Problem;
use auth_core::StoreError;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Why a request did nothing.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) status: StatusCode,
    /// The kind, where the standard has a word for it.
    kind: Option<&'static str>,
    detail: String,
}

impl Error {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }

    /// A request that is wrong in a way that the standard has a word for.
    pub(crate) fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: Some(kind), detail: detail.into() }
    }

    pub(crate) fn invalid_value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    pub(crate) fn taken(detail: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, kind: Some("uniqueness"), detail: detail.into() }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such resource")
    }

    pub(crate) fn not_permitted() -> Self {
        Self::new(StatusCode::FORBIDDEN, "the scope of the key is not enough")
    }

    /// The error as a document.
    pub(crate) fn document(&self) -> Value {
        let mut document = Map::from_iter([
            ("schemas".to_owned(), json!(["urn:ietf:params:scim:api:messages:2.0:Error"])),
            ("status".to_owned(), json!(self.status.as_str())),
            ("detail".to_owned(), json!(self.detail)),
        ]);
        if let Some(kind) = self.kind {
            document.insert("scimType".to_owned(), json!(kind));
        }
        Value::Object(document)
    }
}

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Self {
        let problem = Problem::from(&error);
        match error {
            AdminError::Taken | AdminError::GroupThere | AdminError::Store(StoreError::Conflict(_)) => {
                Self::taken(problem.title)
            }
            AdminError::OfDirectory | AdminError::GroupOfDirectory => Self::bad("mutability", problem.title),
            _ if problem.status == 422 => Self::invalid_value(problem.title),
            _ => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                Self::new(status, problem.title)
            }
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        AdminError::from(error).into()
    }
}
