//! A browser without a session: it has a token of its own, to which its forms are bound.

use auth_core::{Answer, Token};
use http::StatusCode;

use crate::answer::{page, set_cookie};
use crate::encode::cookie;
use crate::error::PageError;
use crate::request::Request;
use crate::state::WebProtocol;
use crate::view::{Link, Message};

/// A browser without a session.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) token: Token,
    is_new: bool,
}

impl Visitor {
    /// The browser that sent a request; it gets a token where it has none.
    pub(crate) fn of(state: &WebProtocol, request: &Request<'_>) -> Self {
        match &request.cookies.before {
            Some(token) => Self { token: token.clone(), is_new: false },
            None => Self { token: state.services.new_token(), is_new: true },
        }
    }

    /// Gives the browser its token with an answer, if it is new.
    pub(crate) fn answer(&self, mut answer: Answer) -> Answer {
        if self.is_new {
            set_cookie(&mut answer, cookie::before(&self.token));
        }
        answer
    }
}

/// A page without an owner, which says one thing and leads on.
pub(crate) fn message(
    state: &WebProtocol,
    request: &Request<'_>,
    status: StatusCode,
    [title, text]: [&'static str; 2],
    link: Link<'static>,
) -> Result<Answer, PageError> {
    let shell = state.look.shell(None, status != StatusCode::OK);
    let view = Message { shell, t: request.texts, title, texts: vec![text], link: Some(link) };
    Ok(page(state, status, &view)?)
}
