//! Zulip's pages: finds who asks, judges what sent a form, hands the visit to the handler of its route, and renders errors.

use auth_core::{Answer, InternalErrorKind, fill, retry_after_seconds};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, Method, StatusCode};

use super::{assertion, flow, home, log_in, new_password, remote_user, reset, set_up, take_over};
use crate::encode::response;
use crate::error::PageError;
use crate::exact::LIMIT_WITHOUT_RETRY_AFTER;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::ZulipProtocol;
use crate::text::Texts;
use crate::view::{Link, Message};
use crate::visit::{Visit, language, page};

/// Answers a request to a page.
pub(crate) async fn answer(state: &ZulipProtocol, request: &Request<'_>) -> Answer {
    match request.route.endpoint {
        Endpoint::File => return file(state, request).unwrap_or_else(|| not_found(state, request)),
        Endpoint::WithoutSlash => return with_slash(request),
        _ => {}
    }
    let visit = match Visit::find(state, request).await {
        Ok(Some(visit)) => visit,
        Ok(None) => return refuse(state, language(request), None, PageError::NoRealm),
        Err(error) => return refuse(state, language(request), None, error.into()),
    };
    let answer = show(state, &visit).await;
    let answer = answer.unwrap_or_else(|error| refuse(state, visit.t, Some(&visit), error));
    visit.browser.settle(state, answer)
}

async fn show(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let request = visit.request;
    let (method, methods) = (request.http.method(), request.route.methods);
    if request.route.endpoint == Endpoint::Unknown {
        return Err(PageError::NotFound);
    }
    let changes = ![Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method);
    // An assertion is sent by another site, or by a program.
    let is_exempt = request.route.endpoint == Endpoint::AssertionLogIn;
    if changes && !is_exempt && visit.browser.check_csrf(state, request).is_err() {
        return Err(PageError::Forbidden);
    }
    if !methods.is_empty() && !methods.contains(&method.as_str()) {
        return Err(PageError::MethodNotAllowed);
    }
    match request.route.endpoint {
        Endpoint::Home => home::show(state, visit),
        Endpoint::LogIn => log_in::answer(state, visit).await,
        Endpoint::LogOut => log_in::log_out(state, visit).await,
        Endpoint::StartWeb => flow::answer(state, visit).await,
        Endpoint::NewPassword => new_password::answer(state, visit).await,
        Endpoint::AssertionLogIn => assertion::log_in(state, visit).await,
        Endpoint::StartRemoteUser => remote_user::start(state, visit),
        Endpoint::RemoteUser => remote_user::log_in(state, visit).await,
        Endpoint::GoOn => take_over::go_on(state, visit).await,
        Endpoint::AskForReset => reset::ask(state, visit).await,
        Endpoint::ResetAsked => reset::asked(state, visit),
        Endpoint::Reset => reset::answer(state, visit).await,
        Endpoint::ResetDone => reset::done(state, visit),
        Endpoint::DeactivatedRealm => home::deactivated_realm(state, visit),
        _ => Err(PageError::NotFound),
    }
}

/// A file beside the pages. Its path holds a hash of its content, so that it never changes.
fn file(state: &ZulipProtocol, request: &Request<'_>) -> Option<Answer> {
    let file = state.file(request.http.uri().path())?;
    let mut response = response::file(file.content_type, file.content.clone());
    response.headers_mut().extend(state.look.headers(&[]));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(CACHE_CONTROL, for_ever);
    Some(response.into())
}

fn not_found(state: &ZulipProtocol, request: &Request<'_>) -> Answer {
    refuse(state, language(request), None, PageError::NotFound)
}

fn with_slash(request: &Request<'_>) -> Answer {
    let uri = request.http.uri();
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    response::with_slash(&format!("{}/{query}", uri.path())).into()
}

/// Renders an error. A page for somebody who is signed in has the form that signs out.
fn refuse(state: &ZulipProtocol, t: &'static Texts, visit: Option<&Visit<'_>>, error: PageError) -> Answer {
    let e = &t.errors;
    let limited;
    let (status, title, heading, lead) = match &error {
        PageError::Api(error) => return error.clone().into_answer(&state.config),
        PageError::NotFound => (StatusCode::NOT_FOUND, e.page, e.not_found, e.not_found_lead),
        PageError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, e.page, e.method, e.method_lead),
        PageError::Forbidden => (StatusCode::FORBIDDEN, e.page, e.forbidden, e.forbidden_lead),
        PageError::Limited { retry_after } => {
            let seconds = retry_after_seconds(*retry_after).to_string();
            limited = fill(e.limited_lead, &[&seconds]);
            (StatusCode::TOO_MANY_REQUESTS, e.limited, e.limited_title, limited.as_str())
        }
        PageError::Configuration => {
            (StatusCode::INTERNAL_SERVER_ERROR, e.configuration, e.configuration, e.configuration_lead)
        }
        PageError::NoSecondFactor => {
            let lead =
                if state.config.account_pages.is_some() { e.factor_elsewhere } else { e.factor_nowhere };
            (StatusCode::FORBIDDEN, e.factor, e.factor, lead)
        }
        PageError::LoginOver => (StatusCode::BAD_REQUEST, e.session_page, e.session, e.session_lead),
        PageError::NoRealm => (StatusCode::NOT_FOUND, e.no_realm, e.no_realm, e.no_realm_lead),
        PageError::Internal(error) if error.kind() == InternalErrorKind::Defect => {
            (StatusCode::INTERNAL_SERVER_ERROR, e.page, e.defect, e.defect_lead)
        }
        PageError::Internal(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, e.page, e.unavailable, e.unavailable_lead)
        }
    };
    let shell = visit.map_or_else(|| state.look.shell(None, false), |visit| visit.owned_shell(state));
    let has_form = shell.owner.is_some();
    let way = match &error {
        PageError::NoSecondFactor => set_up::elsewhere(state).map(|path| (path, e.factor_link)),
        // Whoever asks for an app can try again with the same pad.
        _ => visit.and_then(|visit| flow::again(visit.request)).map(|path| (path, t.flow.retry)),
    };
    let link = way.as_ref().map(|(path, name)| Link { path, name });
    let view = Message { shell, t, title, heading, lead, link };
    // A page of two texts fails only where there is no memory; its status is told all the same.
    let mut answer =
        page(state, status, &view, t, &[]).unwrap_or_else(|_| response::page(status, heading, t.code).into());
    if let Some(visit) = visit.filter(|_| has_form) {
        visit.browser.give_secret(state, &mut answer);
    }
    let wait = match &error {
        PageError::Limited { .. } if state.config.exact.has(LIMIT_WITHOUT_RETRY_AFTER) => None,
        PageError::Limited { retry_after } => Some(*retry_after),
        PageError::Internal(error) => match error.kind() {
            InternalErrorKind::Busy { retry_after } => Some(retry_after),
            _ => None,
        },
        _ => None,
    };
    if let Some(wait) = wait {
        answer.response.headers_mut().insert(RETRY_AFTER, retry_after_seconds(wait).into());
    }
    if let PageError::Internal(error) = error {
        answer.error = Some(error);
    }
    answer
}
