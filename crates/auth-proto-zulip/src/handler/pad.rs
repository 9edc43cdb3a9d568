//! The pads of apps that have a browser ask: `mobile_flow_otp` and `desktop_flow_otp`.

use crate::error::ApiError;
use crate::one_time_pad::OneTimePad;
use crate::request::Request;

/// The parameter of a mobile app's pad.
pub(super) const MOBILE: &str = "mobile_flow_otp";

/// The parameter of a desktop app's pad.
pub(super) const DESKTOP: &str = "desktop_flow_otp";

pub(super) const INVALID: ApiError = ApiError::BadRequest("Invalid OTP");
const BOTH: ApiError = ApiError::BadRequest("Can't use both mobile_flow_otp and desktop_flow_otp together.");

/// For whom a browser asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow<'r> {
    /// For itself.
    Browser,
    /// For a mobile app with this pad.
    Mobile(&'r str),
    /// For a desktop app with this pad.
    Desktop(&'r str),
}

impl<'r> Flow<'r> {
    /// Reads the pads of a request. Of two of one kind the last one counts.
    ///
    /// # Errors
    /// The [`ApiError`] that is told, in a document, also to browsers.
    pub(super) fn of(request: &'r Request<'_>) -> Result<Self, ApiError> {
        let [mobile, desktop] = [MOBILE, DESKTOP].map(|name| request.parameters.get(name));
        if [mobile, desktop].into_iter().flatten().any(|pad| OneTimePad::parse(pad).is_err()) {
            return Err(INVALID);
        }
        match (mobile, desktop) {
            (None, None) => Ok(Self::Browser),
            (Some(pad), None) => Ok(Self::Mobile(pad)),
            (None, Some(pad)) => Ok(Self::Desktop(pad)),
            (Some(_), Some(_)) => Err(BOTH),
        }
    }
}
