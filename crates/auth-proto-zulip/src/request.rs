//! A request as the routes see it.

use auth_core::{BodyTooLarge, Peer};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, Method};

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
        let authority = head.uri.authority().map(ToString::to_string);
        let site = Site::find(config, text(&head.headers, &HOST).or(authority).as_deref())?;
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
    pub(crate) fn user_agent(&self) -> Option<String> {
        text(&self.headers, &USER_AGENT)
    }

    /// The `Authorization`.
    pub(crate) fn authorization(&self) -> Option<String> {
        text(&self.headers, &AUTHORIZATION)
    }

    /// The `Accept`.
    pub(crate) fn accept(&self) -> Option<String> {
        text(&self.headers, &ACCEPT)
    }
}

/// The text of a header, read as Latin-1; of several of its name, joined by commas.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let mut text: String = values.next()?.as_bytes().iter().copied().map(char::from).collect();
    for value in values {
        text.push(',');
        text.extend(value.as_bytes().iter().copied().map(char::from));
    }
    Some(text)
}
