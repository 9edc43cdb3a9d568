//! Paths that have a cleaner spelling.

use auth_core::Answer;
use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::decode::path::clean_location;
use crate::encode::answer;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZettelstoreProtocol;

/// Leads to the clean spelling of the path, with the query as sent.
pub(crate) async fn redirect(state: &ZettelstoreProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let uri = request.http.uri();
    let mut location = clean_location(uri.path(), &state.base);
    if let Some(query) = uri.query() {
        location.push('?');
        location.extend(utf8_percent_encode(query, CONTROLS));
    }
    Ok(answer::moved(state.config.answer, &location).into())
}
