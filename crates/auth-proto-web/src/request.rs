//! A request as handlers see it: with its client, its realm and its language.

use std::sync::Arc;

use auth_core::{Peer, Realm, Token};
use bytes::Bytes;

use crate::decode::cookies::Cookies;
use crate::decode::fields::{Fields, is_token};
use crate::text::Texts;

/// A request with what was read of its head.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) http: &'a http::Request<Bytes>,
    pub(crate) peer: &'a Peer,
    pub(crate) realm: Arc<Realm>,
    pub(crate) cookies: Cookies,
    pub(crate) texts: &'static Texts,
}

impl<'a> Request<'a> {
    /// The name of an organisation as pages show it.
    pub(crate) fn organisation(&self) -> &str {
        if self.realm.name.is_empty() { &self.realm.slug } else { &self.realm.name }
    }

    /// The fields of the form in the body.
    pub(crate) fn form(&self) -> Fields<'a> {
        Fields::new(self.http.body())
    }

    /// The fields of the query.
    pub(crate) fn query(&self) -> Fields<'a> {
        Fields::new(self.http.uri().query().unwrap_or_default().as_bytes())
    }

    /// The token at the end of the path, if there is one: that of a mailed link.
    pub(crate) fn mailed_token(&self) -> Option<Token> {
        const LONGEST: usize = 256;
        let end = self.http.uri().path().rsplit('/').next();
        end.filter(|token| is_token(token) && token.len() <= LONGEST).map(Token::new)
    }
}
