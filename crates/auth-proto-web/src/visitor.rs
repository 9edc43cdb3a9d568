//! Whoever has not signed in: a browser with a token of its own, to which its forms are bound.

use auth_core::{Answer, Token};

use crate::answer::set_cookie;
use crate::encode::cookie;
use crate::request::Request;
use crate::state::WebProtocol;

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
