//! The error that a handler answers in place of a success, and its page.

use std::time::Duration;

use auth_core::{
    ActionError, Answer, InternalError, InternalErrorKind, RequestError, TokenError, retry_after_seconds,
};
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::answer::{page, redirect};
use crate::decode::next::Next;
use crate::state::WebProtocol;
use crate::text::{Texts, fill};
use crate::view::{Link, Message};

/// Why a request is not answered with a success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageError {
    /// There is nothing at the path.
    NotFound,
    /// The path doesn't know the method.
    MethodNotAllowed { allowed: &'static str },
    /// A form was sent from another site.
    Elsewhere,
    /// A form is not one that this browser was given, or was sent before. `start` is where to begin anew.
    OutOfDate { start: &'static str },
    /// The body was too large to be read.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body did not come whole.
    Broken,
    /// The body is no URL-encoded form.
    WrongType,
    /// There were too many calls.
    Limited { retry_after: Duration },
    /// There were too many wrong codes.
    Exhausted,
    /// The account may not do this, or it was done already.
    Refused,
    /// The network that the request comes from is banned.
    Banned,
    /// This is not offered.
    NotOffered,
    /// Somebody has to sign in first.
    SignInFirst { next: Option<Next> },
    /// The account must have a new password first.
    PasswordFirst { next: Option<Next> },
    /// The account must have a second factor first.
    FactorFirst { next: Option<Next> },
    /// The owner of the account has to confirm first who is there; then comes `next`.
    ConfirmFirst { next: &'static str },
    /// The request could not be judged.
    Internal(InternalError),
}

impl PageError {
    /// Renders the error.
    pub(crate) fn into_answer(self, state: &WebProtocol, t: &'static Texts) -> Answer {
        let (status, title, text) = match &self {
            Self::SignInFirst { next } => return redirect(state, &with_next("/sign-in", next.as_ref())),
            Self::PasswordFirst { next } => {
                return redirect(state, &with_next("/account/password", next.as_ref()));
            }
            Self::FactorFirst { next } => {
                return redirect(state, &with_next("/account/two-step", next.as_ref()));
            }
            Self::ConfirmFirst { next } => {
                return redirect(state, &with_next("/account/confirm", Some(&Next::fixed(next))));
            }
            Self::NotFound => (StatusCode::NOT_FOUND, t.errors.not_found, t.errors.not_found_lead.to_owned()),
            Self::MethodNotAllowed { .. } => {
                (StatusCode::METHOD_NOT_ALLOWED, t.errors.method, t.errors.method_lead.to_owned())
            }
            Self::Elsewhere => {
                (StatusCode::FORBIDDEN, t.errors.elsewhere, t.errors.elsewhere_lead.to_owned())
            }
            Self::OutOfDate { .. } => {
                (StatusCode::FORBIDDEN, t.errors.out_of_date, t.errors.out_of_date_lead.to_owned())
            }
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, t.errors.too_large, t.errors.too_large_lead.to_owned())
            }
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, t.errors.incomplete, t.errors.incomplete_lead.to_owned())
            }
            Self::Broken => {
                (StatusCode::BAD_REQUEST, t.errors.incomplete, t.errors.incomplete_lead.to_owned())
            }
            Self::WrongType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, t.errors.wrong_type, t.errors.wrong_type_lead.to_owned())
            }
            Self::Limited { retry_after } => {
                (StatusCode::TOO_MANY_REQUESTS, t.errors.limited, try_again(t, *retry_after))
            }
            Self::Exhausted => {
                (StatusCode::TOO_MANY_REQUESTS, t.errors.limited, t.sign_in.exhausted.to_owned())
            }
            Self::Refused => (StatusCode::FORBIDDEN, t.errors.refused, t.errors.refused_lead.to_owned()),
            Self::Banned => (StatusCode::FORBIDDEN, t.errors.banned, t.errors.banned_lead.to_owned()),
            Self::NotOffered => {
                (StatusCode::FORBIDDEN, t.errors.not_offered, t.errors.not_offered_lead.to_owned())
            }
            Self::Internal(error) if error.kind() == InternalErrorKind::Defect => {
                (StatusCode::INTERNAL_SERVER_ERROR, t.errors.defect, t.errors.defect_lead.to_owned())
            }
            Self::Internal(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, t.errors.unavailable, t.errors.unavailable_lead.to_owned())
            }
        };
        let (path, name) = match &self {
            Self::OutOfDate { start } => (*start, t.errors.again),
            _ => ("/", t.errors.to_front),
        };
        let message = Message {
            shell: state.look.shell(None, true),
            t,
            title,
            texts: vec![&text],
            link: Some(Link { path, name }),
        };
        // A page of two texts fails only where there is no memory; its status is told all the same.
        let mut answer = page(state, status, &message).unwrap_or_else(|error| {
            let mut answer = redirect(state, "/");
            *answer.response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            answer.error = Some(error);
            answer
        });
        match self {
            Self::MethodNotAllowed { allowed } => {
                answer.response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Limited { retry_after } => set_retry_after(&mut answer, retry_after),
            Self::Internal(error) => {
                if let InternalErrorKind::Busy { retry_after } = error.kind() {
                    set_retry_after(&mut answer, retry_after);
                }
                answer.error = Some(error);
            }
            _ => {}
        }
        answer
    }
}

/// A path of ours that leads on to another.
pub(crate) fn with_next(path: &str, next: Option<&Next>) -> String {
    let Some(next) = next else { return path.to_owned() };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next.as_str()).finish();
    format!("{path}?{query}")
}

/// Tells how long to wait, in whole seconds rounded up.
pub(crate) fn set_retry_after(answer: &mut Answer, wait: Duration) {
    answer.response.headers_mut().insert(RETRY_AFTER, retry_after_seconds(wait).into());
}

/// Says in how many minutes to try again, rounded up.
pub(crate) fn try_again(t: &'static Texts, wait: Duration) -> String {
    match wait.as_millis().div_ceil(60_000) {
        0 | 1 => t.sign_in.limited_one.to_owned(),
        minutes => fill(t.sign_in.limited, &[&minutes.to_string()]),
    }
}

impl From<RequestError> for PageError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::BodyTooSlow => Self::TooSlow,
            RequestError::BodyBroken => Self::Broken,
            RequestError::Banned => Self::Banned,
            RequestError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<InternalError> for PageError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<ActionError> for PageError {
    /// What a page of its own does not say better.
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Internal(error) => Self::Internal(error),
            ActionError::TooManyActs(retry_after) | ActionError::TooManyAttempts(retry_after) => {
                Self::Limited { retry_after }
            }
            ActionError::NotOffered => Self::NotOffered,
            ActionError::SecondFactorExhausted(_) => Self::Exhausted,
            ActionError::SecondFactorRequired(_) | ActionError::SecondFactorInvalid(_) => {
                Self::ConfirmFirst { next: "/account" }
            }
            _ => Self::Refused,
        }
    }
}

impl From<TokenError> for PageError {
    /// Whoever has no good session is nobody.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::SignInFirst { next: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ENGLISH;

    #[test]
    fn waiting_is_told_in_whole_minutes_rounded_up() {
        for (seconds, text) in
            [(0, "in one minute."), (60, "in one minute."), (61, "in 2 minutes."), (3600, "in 60 minutes.")]
        {
            let told = try_again(&ENGLISH, Duration::from_secs(seconds));
            assert!(told.ends_with(text), "{told}");
        }
    }

    #[test]
    fn path_that_leads_on_is_escaped() {
        let next = Next::parse("/a?b=c&d=e").unwrap();
        assert_eq!(with_next("/sign-in", Some(&next)), "/sign-in?next=%2Fa%3Fb%3Dc%26d%3De");
        assert_eq!(with_next("/sign-in", None), "/sign-in");
    }
}
