//! The dispatcher: matches a path, judges who sent a form, hands the request to the handler of its route, and renders errors.

use async_trait::async_trait;
use auth_core::{
    Answer, BodyRule, BodyTooLarge, Language, Peer, Protocol, ProtocolName, RequestError, Route,
};
use auth_pages::asked_for;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use crate::answer::asset;
use crate::decode::cookies::Cookies;
use crate::decode::sender::Sender;
use crate::error::PageError;
use crate::request::Request;
use crate::route::{Endpoint, Methods};
use crate::state::WebProtocol;
use crate::text::{Texts, texts};
use crate::{handler, route, site};

#[async_trait]
impl Protocol for WebProtocol {
    fn name(&self) -> ProtocolName {
        ProtocolName::WEB
    }

    fn route(&self, path: &str) -> Route {
        route::find(path)
    }

    fn body_rule(&self, route: &Route, method: &Method, _: &HeaderMap) -> BodyRule {
        let (_, methods) = route::endpoint(route);
        let is_form = method == Method::POST && methods != Methods::Get;
        if is_form { BodyRule::UpTo(route::BODY_LIMIT) } else { BodyRule::Ignored }
    }

    fn refuse(&self, error: RequestError) -> Answer {
        PageError::from(error).into_answer(self, texts(Language::default()))
    }

    async fn answer(&self, route: &Route, request: http::Request<Bytes>, peer: &Peer) -> Answer {
        let language = asked_for(request.headers());
        let texts = texts(language.unwrap_or_default());
        let peer = peer.clone().with_language(language);
        let answer = dispatch(self, route, &request, &peer, texts).await;
        let mut answer = answer.unwrap_or_else(|error| error.into_answer(self, texts));
        if request.method() == Method::HEAD {
            answer.response.body_mut().clear();
        }
        answer
    }
}

async fn dispatch(
    state: &WebProtocol,
    route: &Route,
    http: &http::Request<Bytes>,
    peer: &Peer,
    texts: &'static Texts,
) -> Result<Answer, PageError> {
    let (endpoint, methods) = route::endpoint(route);
    if endpoint == Endpoint::Nothing {
        return Err(PageError::NotFound);
    }
    let is_post = match (http.method(), methods) {
        (&Method::POST, Methods::Post | Methods::Both) => true,
        (&Method::GET | &Method::HEAD, Methods::Get | Methods::Both) => false,
        _ => return Err(PageError::MethodNotAllowed { allowed: methods.allowed() }),
    };
    match endpoint {
        Endpoint::Style | Endpoint::Icon => return file(state, http),
        _ => {}
    }
    if is_post {
        judge(state, route, http, peer)?;
    }
    let realm = site::realm(state, http).await?.ok_or(PageError::NotFound)?;
    let request = Request { http, peer, realm, cookies: Cookies::of(http.headers()), texts };
    if is_post { submit(state, endpoint, &request).await } else { show(state, endpoint, &request).await }
}

/// Shows a page.
async fn show(state: &WebProtocol, endpoint: Endpoint, request: &Request<'_>) -> Result<Answer, PageError> {
    match endpoint {
        Endpoint::Front => handler::front::show(state, request).await,
        Endpoint::SignIn => handler::sign_in::show(state, request).await,
        Endpoint::Account => handler::account::show(state, request).await,
        Endpoint::Details => handler::details::show(state, request).await,
        Endpoint::Password => handler::password::show(state, request).await,
        Endpoint::Confirm => handler::confirm::show(state, request).await,
        Endpoint::TwoStep => handler::two_step::show(state, request).await,
        Endpoint::AppPasswords => handler::app_passwords::show(state, request).await,
        Endpoint::Sessions => handler::sessions::show(state, request).await,
        Endpoint::Zulip => handler::zulip::show(state, request).await,
        Endpoint::Forgot => handler::reset::show(state, request),
        Endpoint::ResetLink => handler::reset::open(state, request).await,
        Endpoint::AddressLink => handler::address::open(state, request),
        _ => Err(PageError::NotFound),
    }
}

/// Takes a form.
async fn submit(state: &WebProtocol, endpoint: Endpoint, request: &Request<'_>) -> Result<Answer, PageError> {
    match endpoint {
        Endpoint::SignIn => handler::sign_in::submit(state, request).await,
        Endpoint::Code => handler::code::submit(state, request).await,
        Endpoint::SignOut => handler::sign_out::submit(state, request).await,
        Endpoint::Details => handler::details::submit(state, request).await,
        Endpoint::Password => handler::password::submit(state, request).await,
        Endpoint::Confirm => handler::confirm::submit(state, request).await,
        Endpoint::Enrol => handler::two_step::enrol(state, request).await,
        Endpoint::ConfirmDevice => handler::two_step::confirm(state, request).await,
        Endpoint::RenewCodes => handler::two_step::renew(state, request).await,
        Endpoint::RemoveDevice => handler::two_step::remove(state, request).await,
        Endpoint::KeepDevice => handler::two_step::keep(state, request).await,
        Endpoint::MailedCodes => handler::two_step::switch(state, request).await,
        Endpoint::AppPasswords => handler::app_passwords::make(state, request).await,
        Endpoint::RevokeAppPassword => handler::app_passwords::revoke(state, request).await,
        Endpoint::EndCredential => handler::sessions::end(state, request).await,
        Endpoint::EndOthers => handler::sessions::end_others(state, request).await,
        Endpoint::Zulip => handler::zulip::show_key(state, request).await,
        Endpoint::RegenerateKey => handler::zulip::regenerate(state, request).await,
        Endpoint::Zuliprc => handler::zulip::zuliprc(state, request).await,
        Endpoint::Forgot => handler::reset::send(state, request).await,
        Endpoint::SetPassword => handler::reset::set(state, request).await,
        Endpoint::ConfirmAddress => handler::address::confirm(state, request).await,
        _ => Err(PageError::NotFound),
    }
}

/// A file beside the pages, at no other path than its own.
fn file(state: &WebProtocol, http: &http::Request<Bytes>) -> Result<Answer, PageError> {
    let found = state.look.file(http.uri().path()).ok_or(PageError::NotFound)?;
    Ok(asset(state, found))
}

/// Judges a form before it is read: how many were sent, from where, and of which type.
fn judge(
    state: &WebProtocol,
    route: &Route,
    http: &http::Request<Bytes>,
    peer: &Peer,
) -> Result<(), PageError> {
    let status = state.services.admit(ProtocolName::WEB, route.pattern, peer);
    if let Some(retry_after) = status.and_then(|status| status.retry_after) {
        return Err(PageError::Limited { retry_after });
    }
    if Sender::of(http.headers(), &site::origin(state, http)) == Sender::Elsewhere {
        return Err(PageError::Elsewhere);
    }
    if http.extensions().get::<BodyTooLarge>().is_some() {
        return Err(PageError::TooLarge);
    }
    let sent = http.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let media_type = sent.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        Ok(())
    } else {
        Err(PageError::WrongType)
    }
}
