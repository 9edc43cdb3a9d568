//! `/accounts/password/reset/`: a link by mail, and the form to which it leads.
//!
//! The link is good until it is used. Opening it uses nothing up, since whatever scans mails opens links: it makes a cookie
//! that stands for the link, so that the token leaves the address of the page.

use auth_core::{
    ActionError, Answer, Password, Profile, ProtocolName, Realm, ResetLinkReply, ResetLinkRequest,
    ResetLinks, Token, User, fill,
};
use auth_pages::asked_for;
use data_encoding::BASE64URL_NOPAD;
use http::{Method, StatusCode};

use crate::browser::Browser;
use crate::decode::email::is_email;
use crate::decode::header::strip;
use crate::encode::response::{rate_limit, redirect};
use crate::error::PageError;
use crate::state::ZulipProtocol;
use crate::view::{AskForReset, Link, Message, SetPassword};
use crate::visit::Visit;

/// Where a link is asked for.
const ASK: &str = "/accounts/password/reset/";

const ASKED: &str = "/accounts/password/reset/done/";

const DONE: &str = "/accounts/password/done/";

/// What stands in place of a token for whose link a cookie stands.
const OPENED: &str = "set-password";

/// The longest address that is taken, in characters.
const LONGEST_ADDRESS: usize = 254;

/// The longest new password that the form takes, in characters.
const LONGEST_PASSWORD: usize = 100;

/// Asks for an address, or has a link mailed to it.
pub(super) async fn ask(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let (request, t) = (visit.request, visit.t);
    let typed = request.parameters.in_body("email").unwrap_or_default();
    let address = strip(typed);
    let form = |problems: Vec<String>| {
        let shell = visit.shell(state);
        let token = visit.form_token(state);
        visit.first_form(state, &AskForReset { shell, t, problems, token, address: typed }, &[])
    };
    if ![Method::POST, Method::PUT].contains(request.http.method()) {
        return form(Vec::new());
    }
    let problems = problems_of_address(address, visit);
    if !problems.is_empty() {
        return form(problems);
    }
    let links = Links { state, visit };
    let mut peer = request.peer.clone();
    peer.language = asked_for(request.http.headers());
    let asked = ResetLinkRequest {
        realm: &visit.realm,
        address,
        peer: &peer,
        protocol: ProtocolName::ZULIP,
        links: &links,
    };
    let mut answer: Answer = redirect(ASKED).into();
    match state.services.mail_reset_link(&asked).await {
        Ok(ResetLinkReply { rate_limit: status, not_before }) => {
            rate_limit(answer.response.headers_mut(), status.as_ref());
            answer.not_before = Some(not_before);
        }
        // Where no links are mailed, the page is the same.
        Err(ActionError::NotOffered) => {}
        Err(error) => return Err(refused(error)),
    }
    Ok(answer)
}

/// Tells that a mail is on its way.
pub(super) fn asked(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let t = &visit.t.reset;
    message(state, visit, [t.asked_page, t.asked, t.asked_lead], None)
}

/// Tells that the password is set.
pub(super) fn done(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let t = &visit.t.reset;
    let link = Link { path: "/login/", name: t.log_in };
    message(state, visit, [t.done_page, t.done, t.done_lead], Some(link))
}

/// Opens a link, or shows and takes the form to which it leads.
pub(super) async fn answer(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let path = visit.request.http.uri().path();
    let mut parts = path.strip_prefix(ASK).unwrap_or_default().split('/');
    let (user, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if token == OPENED {
        let Some(cookie) = visit.browser.session_cookie() else { return bad_link(state, visit) };
        return match owner(state, cookie, user).await? {
            Some(owner) => set_password(state, visit, cookie, &owner).await,
            None => bad_link(state, visit),
        };
    }
    let token = Token::new(token);
    if owner(state, &token, user).await?.is_none() {
        return bad_link(state, visit);
    }
    let own = visit.browser.signed_in().map(|signed_in| &signed_in.token);
    let opened = state.services.open_reset_link(&token, own).await.map_err(refused)?;
    let Some(cookie) = opened else { return bad_link(state, visit) };
    let mut answer = state.never_cached(redirect(&format!("{ASK}{user}/{OPENED}/")).into());
    Browser::give_session(state, &mut answer, &cookie);
    Ok(answer)
}

/// The owner of a link, where the address names the owner too.
async fn owner(state: &ZulipProtocol, token: &Token, user: &str) -> Result<Option<Profile>, PageError> {
    let owner = match state.services.owner_of_reset_link(token).await {
        Ok(owner) => owner,
        Err(ActionError::Internal(error)) => return Err(error.into()),
        Err(_) => None,
    };
    Ok(owner.filter(|owner| name_in_link(&owner.user) == user))
}

async fn set_password(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    cookie: &Token,
    owner: &Profile,
) -> Result<Answer, PageError> {
    let (request, t) = (visit.request, visit.t);
    let form = |[new, repeated]: [String; 2]| {
        let (shell, token) = (visit.shell(state), visit.form_token(state));
        let address = owner.user.email().map(|email| email.address).unwrap_or_default();
        visit.form(state, &SetPassword { shell, t, token, address, problems: [new, repeated] }, &[])
    };
    if ![Method::POST, Method::PUT].contains(request.http.method()) {
        return form(Default::default());
    }
    let typed =
        ["new_password1", "new_password2"].map(|name| request.parameters.in_body(name).unwrap_or_default());
    let problems = typed.map(|typed| match typed.chars().count() {
        0 => t.log_in.required.to_owned(),
        length if length > LONGEST_PASSWORD => {
            fill(t.reset.too_long, &[&LONGEST_PASSWORD.to_string(), &length.to_string()])
        }
        _ => String::new(),
    });
    if problems.iter().any(|problem| !problem.is_empty()) {
        return form(problems);
    }
    let [new, repeated] = typed.map(Password::new);
    let weak = || form([t.password.weak.to_owned(), String::new()]);
    if new.expose() != repeated.expose() {
        // The first field is judged before the second one is compared with it.
        return match state.services.judge_new_password(owner, &new) {
            Ok(()) => form([String::new(), t.reset.differ.to_owned()]),
            Err(ActionError::WeakPassword(_)) => weak(),
            Err(error) => Err(refused(error)),
        };
    }
    let set = state.services.reset_password(owner.realm.id, cookie, &new, request.peer, ProtocolName::ZULIP);
    match set.await {
        Ok(_) => {
            let mut answer = state.never_cached(redirect(DONE).into());
            Browser::give_session(state, &mut answer, cookie);
            Ok(answer)
        }
        Err(ActionError::WeakPassword(_)) => weak(),
        Err(ActionError::WrongToken) => bad_link(state, visit),
        Err(error) => Err(refused(error)),
    }
}

/// Tells that a link is not good. It may be another browser's.
fn bad_link(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let t = &visit.t.reset;
    let link = Link { path: ASK, name: t.ask_anew };
    Ok(state.never_cached(message(state, visit, [t.set_page, t.set, t.bad_link], Some(link))?))
}

fn message(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    [title, heading, lead]: [&str; 3],
    link: Option<Link<'_>>,
) -> Result<Answer, PageError> {
    let view = Message { shell: visit.shell(state), t: visit.t, title, heading, lead, link };
    visit.page(state, StatusCode::OK, &view)
}

/// What is wrong with an address.
fn problems_of_address(address: &str, visit: &Visit<'_>) -> Vec<String> {
    if address.is_empty() {
        return vec![visit.t.log_in.required.to_owned()];
    }
    let (t, length) = (&visit.t.reset, address.chars().count());
    let bad = (!is_email(address)).then(|| t.bad_address.to_owned());
    let too_long = (length > LONGEST_ADDRESS)
        .then(|| fill(t.too_long, &[&LONGEST_ADDRESS.to_string(), &length.to_string()]));
    bad.into_iter().chain(too_long).collect()
}

fn refused(error: ActionError) -> PageError {
    match error {
        ActionError::TooManyAttempts(retry_after) | ActionError::TooManyActs(retry_after) => {
            PageError::Limited { retry_after }
        }
        ActionError::Internal(error) => error.into(),
        error => auth_core::InternalError::defect(error).into(),
    }
}

/// The addresses in mails: never of the host that a request names.
struct Links<'a> {
    state: &'a ZulipProtocol,
    visit: &'a Visit<'a>,
}

impl ResetLinks for Links<'_> {
    fn host(&self) -> &str {
        &self.state.config.external_host
    }

    fn realm(&self, realm: &Realm) -> String {
        self.visit.request.site.url(&self.state.config, Some(realm))
    }

    fn reset(&self, realm: &Realm, user: &User, token: &Token) -> String {
        format!("{}{ASK}{}/{}/", self.realm(realm), name_in_link(user), token.expose())
    }
}

/// How a link names its owner: the number in base64.
fn name_in_link(user: &User) -> String {
    BASE64URL_NOPAD.encode(user.external_number(ProtocolName::ZULIP).to_string().as_bytes())
}
