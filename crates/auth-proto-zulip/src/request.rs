//! A request as the routes see it.

use std::borrow::Cow;

use auth_core::{BodyTooLarge, Peer};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};

use crate::Config;
use crate::decode::Malformed;
use crate::decode::parameters::Parameters;
use crate::site::Site;

/// A request that could be read.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) parameters: Parameters,
    pub(crate) site: Site,
    pub(crate) peer: &'a Peer,
    headers: HeaderMap,
}

impl<'a> Request<'a> {
    /// Reads what every route needs. The form of a body is looked at where the method is `POST`.
    ///
    /// # Errors
    /// [`Malformed`] when the host is not ours or the parameters can't be read.
    pub(crate) fn read(
        config: &Config,
        request: http::Request<Bytes>,
        peer: &'a Peer,
    ) -> Result<Self, Malformed> {
        let (head, body) = request.into_parts();
        let authority = || head.uri.authority().map(|authority| Cow::Borrowed(authority.as_str()));
        let site = Site::find(config, text(&head.headers, &HOST).or_else(authority).as_deref())?;
        if head.extensions.get::<BodyTooLarge>().is_some() {
            return Err(Malformed::TooLarge);
        }
        let is_form = head.method == Method::POST;
        let content_type = text(&head.headers, &CONTENT_TYPE).filter(|_| is_form);
        let query = head.uri.query().unwrap_or_default();
        let parameters = Parameters::read(query.as_bytes(), content_type.as_deref(), &body)?;
        Ok(Self { method: head.method, parameters, site, peer, headers: head.headers })
    }

    /// The `User-Agent`.
    pub(crate) fn user_agent(&self) -> Option<Cow<'_, str>> {
        text(&self.headers, &USER_AGENT)
    }

    /// The `Authorization`.
    pub(crate) fn authorization(&self) -> Option<Cow<'_, str>> {
        text(&self.headers, &AUTHORIZATION)
    }

    /// The `Accept`.
    pub(crate) fn accept(&self) -> Option<Cow<'_, str>> {
        text(&self.headers, &ACCEPT)
    }
}

/// The text of a header, read as Latin-1; of several of its name, joined by commas.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter().map(latin1);
    let mut text = values.next()?;
    for value in values {
        text.to_mut().push(',');
        text.to_mut().push_str(&value);
    }
    Some(text)
}

fn latin1(value: &HeaderValue) -> Cow<'_, str> {
    let letters = || value.as_bytes().iter().copied().map(char::from);
    value.to_str().map_or_else(|_| letters().collect(), Cow::Borrowed)
}
