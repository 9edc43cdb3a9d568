//! A request as handlers see it: with its route, its client, and what every route needs to know.

use std::borrow::Cow;

use auth_core::{BodyTooLarge, Peer, forwarding_header};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};

use crate::config::Config;
use crate::decode::DecodeError;
use crate::decode::parameters::Parameters;
use crate::route::{Endpoint, Kind, Row};
use crate::site::Site;

/// A request that could be decoded.
pub(crate) struct Request<'a> {
    pub(crate) route: &'static Row,
    pub(crate) http: &'a http::Request<Bytes>,
    pub(crate) peer: &'a Peer,
    pub(crate) site: Site<'a>,
    pub(crate) parameters: Parameters<'a>,
    /// Whether the request is answered as by a development server: it is one, no proxy forwarded the request, and the host
    /// is no foreign one.
    pub(crate) is_development: bool,
}

impl<'a> Request<'a> {
    /// Decodes what every route needs. The body is read as a form where the method [has one](has_form).
    ///
    /// # Errors
    /// [`DecodeError`] when the host is not one of the server's or the parameters can't be read.
    pub(crate) fn decode(
        config: &'a Config,
        route: &'static Row,
        http: &'a http::Request<Bytes>,
        peer: &'a Peer,
    ) -> Result<Self, DecodeError> {
        let authority = || http.uri().authority().map(|authority| Cow::Borrowed(authority.as_str()));
        let site = Site::find(config, text(http.headers(), &HOST).or_else(authority))?;
        if http.extensions().get::<BodyTooLarge>().is_some() {
            return Err(DecodeError::TooLarge);
        }
        let has_form = has_form(http.method());
        let content_type = if has_form { text(http.headers(), &CONTENT_TYPE) } else { None };
        let query = http.uri().query().unwrap_or_default();
        let parameters = Parameters::read(query.as_bytes(), content_type.as_deref(), http.body())?;
        let is_development =
            config.development && site.is_own(config) && forwarding_header(http.headers()).is_none();
        let route = if is_development { route } else { route.in_production() };
        Ok(Self { route, http, peer, site, parameters, is_development })
    }

    /// Whether pages answer the request: it is for one of them, or for a path that nothing answers on a server with pages.
    pub(crate) fn is_for_page(&self, config: &Config) -> bool {
        self.route.kind == Kind::Page || self.route.endpoint == Endpoint::Unknown && config.web
    }

    /// The `User-Agent` header.
    pub(crate) fn user_agent(&self) -> Option<Cow<'a, str>> {
        text(self.http.headers(), &USER_AGENT)
    }

    /// The `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<Cow<'a, str>> {
        text(self.http.headers(), &AUTHORIZATION)
    }

    /// A header of that name.
    pub(crate) fn header(&self, name: &'static str) -> Option<Cow<'a, str>> {
        text(self.http.headers(), &HeaderName::from_static(name))
    }

    /// The `Accept` header.
    pub(crate) fn accept(&self) -> Option<Cow<'a, str>> {
        text(self.http.headers(), &ACCEPT)
    }
}

/// Whether the body of a request is a form: Zulip reads that of `PATCH` as Django reads that of `POST`.
pub(crate) fn has_form(method: &Method) -> bool {
    [Method::POST, Method::PATCH].contains(method)
}

/// The text of a header, read as Latin-1; of several headers of one name, joined by commas.
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
