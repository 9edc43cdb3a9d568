//! `/accounts/login/start/web/`: an app has a browser ask for its user's API key.
//!
//! The app opens the page with a one-time pad. The page asks for name and password, the second factor, and a new password
//! where one is due; then it names account and server, and a button leads to the app, with the key encrypted by the pad.
//!
//! Any page on the web can open the address, and the pad is the only secret between whoever opened it and the key. So the key
//! leaves only by a form that this server gave to this session, for this pad, and within the time in which the session is
//! fresh. Every step and every error keeps the pad, so that another try works.

use std::time::Duration;

use auth_core::{
    ActionError, Answer, ApiKey, InternalError, PresentedFactor, ProtocolName, TextPurpose, Token,
};
use http::{Method, StatusCode};

use super::home::DEACTIVATED;
use super::pad::{Flow, MOBILE};
use super::sign_in::{self, Again, Outcome};
use super::{new_password, set_up};
use crate::browser::SignedIn;
use crate::encode::response::{redirect, to_login_page};
use crate::error::PageError;
use crate::one_time_pad::OneTimePad;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::ZulipProtocol;
use crate::view::{CodeStep, Continue, Link, LogIn, Message};
use crate::visit::Visit;

/// Where this page is.
const HERE: &str = "/accounts/login/start/web/";

/// The field of the sealed text that lets a key leave.
const CONTINUE: &str = "continue";

/// The parameter by which somebody who is signed in asks for the form of another account.
const ANEW: &str = "anew";

/// How long the page that leads to the app is good.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The scheme of the address that an app is called by.
const SCHEME: &str = "zulip:";

/// Shows the page, or takes its form.
pub(super) async fn answer(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let parameters = &visit.request.parameters;
    let Flow::Mobile(pad) = Flow::of(visit.request)? else {
        // A browser that asks for itself.
        return Ok(parameters.get("next").map_or_else(|| redirect("/login/"), to_login_page).into());
    };
    if !visit.realm.active {
        return Ok(redirect(DEACTIVATED).into());
    }
    if visit.request.http.method() != Method::POST {
        return show(state, visit, pad, "");
    }
    match parameters.in_body(CONTINUE) {
        Some(sealed) => go_on(state, visit, pad, &Token::new(sealed)).await,
        None => sign_in(state, visit, pad).await,
    }
}

/// The address of the page with the pad of a request, for whoever has to begin anew.
pub(super) fn again(request: &Request<'_>) -> Option<String> {
    let is_here = request.route.endpoint == Endpoint::StartWeb;
    match is_here.then(|| Flow::of(request)) {
        Some(Ok(Flow::Mobile(pad))) => Some(with_pad(pad)),
        _ => None,
    }
}

/// Shows the step that comes next for whoever is there.
fn show(state: &ZulipProtocol, visit: &Visit<'_>, pad: &str, problem: &str) -> Result<Answer, PageError> {
    let (t, wants_other) = (&visit.t.flow, visit.request.parameters.get(ANEW).is_some());
    let Some(signed_in) = visit.browser.signed_in().filter(|_| !wants_other) else {
        let is_backup = sign_in::wants_backup_code(visit);
        let again = if is_backup { Again::code(CodeStep::Backup) } else { Again::password("", problem) };
        return form(state, visit, pad, &again, t.sign_in_lead);
    };
    let user = signed_in.user();
    let Some(address) = user.email().map(|email| email.address) else {
        let link = Some(Link { path: &anew(pad), name: t.other });
        let view = Message {
            shell: visit.shell(state),
            t: visit.t,
            title: t.page,
            heading: t.title,
            lead: t.no_address,
            link,
        };
        return visit.page(state, StatusCode::OK, &view);
    };
    if user.must_change_password {
        return Ok(redirect(&new_password::before(&with_pad(pad))).into());
    }
    let caller = signed_in.caller(visit.request, NO_FACTOR);
    // An account from another protocol gets its number with the first sign-in here.
    if !state.services.is_fresh(&caller) || user.external_ids.get(ProtocolName::ZULIP).is_none() {
        return form(state, visit, pad, &Again::password(address, problem), t.asks_anew);
    }
    let view = Continue {
        shell: visit.shell(state),
        t: visit.t,
        title: t.page,
        action: HERE,
        problem,
        token: visit.form_token(state),
        pad,
        sealed: seal(state, signed_in, pad),
        name: &user.full_name,
        address,
        organisation: visit.organisation(),
        server: visit.url(),
        other: &anew(pad),
    };
    visit.form(state, &view, &[SCHEME])
}

/// Judges a name and a password, or a code.
async fn sign_in(state: &ZulipProtocol, visit: &Visit<'_>, pad: &str) -> Result<Answer, PageError> {
    let (outcome, sending) = sign_in::judge(state, visit).await?;
    if let Outcome::SignedIn(login, _) = &outcome
        && let Some(answer) = set_up::lead(state, visit, login, &with_pad(pad)).await?
    {
        return Ok(sending.complete(answer));
    }
    // What the browser gets takes the place of the session that it has, which would be nobody's then.
    let replaces_session = match &outcome {
        Outcome::SignedIn(..) => true,
        Outcome::Again(again) => again.has_ticket(),
        Outcome::RealmInactive => false,
    };
    if let Some(before) = visit.browser.signed_in().filter(|_| replaces_session) {
        state.services.revoke(&before.principal).await?;
    }
    let answer = match outcome {
        Outcome::SignedIn(_, token) => {
            let mut answer = state.never_cached(redirect(&with_pad(pad)).into());
            visit.browser.sign_in(state, &mut answer, &token);
            answer
        }
        Outcome::Again(again) => form(state, visit, pad, &again, visit.t.flow.sign_in_lead)?,
        Outcome::RealmInactive => sign_in::realm_inactive(),
    };
    Ok(sending.complete(answer))
}

/// Leads to the app with the key, where this server gave the form to this session for this pad, and the session is fresh.
async fn go_on(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    pad: &str,
    sealed: &Token,
) -> Result<Answer, PageError> {
    let over = || show(state, visit, pad, visit.t.flow.over);
    let Some(signed_in) = visit.browser.signed_in() else { return over() };
    let user = signed_in.user();
    let opened = state.services.open(TextPurpose::Form, signed_in.token.expose(), sealed);
    let (Some(email), true) = (user.email(), opened.is_some_and(|data| data == form_data(pad))) else {
        return over();
    };
    if user.must_change_password || user.external_ids.get(ProtocolName::ZULIP).is_none() {
        return over();
    }
    let caller = signed_in.caller(visit.request, NO_FACTOR);
    match state.services.api_key(&caller).await {
        Ok(key) => {
            let user_id = user.external_number(ProtocolName::ZULIP);
            let answer = to_app(pad, &key, email.address, user_id, visit.url())?;
            Ok(state.never_cached(answer))
        }
        Err(ActionError::Internal(error)) => Err(error.into()),
        Err(ActionError::TooManyActs(retry_after)) => Err(PageError::Limited { retry_after }),
        // The session is no longer fresh.
        Err(_) => over(),
    }
}

/// The end of a mobile app's flow: leads to the app, with a key that its pad encrypts.
pub(super) fn to_app(
    pad: &str,
    key: &ApiKey,
    address: &str,
    user_id: u64,
    realm: &str,
) -> Result<Answer, PageError> {
    let encrypted = OneTimePad::parse(pad).ok().and_then(|pad| pad.encrypt(key));
    let encrypted = encrypted.ok_or_else(|| InternalError::defect("an API key has not 32 bytes"))?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("otp_encrypted_api_key", &encrypted)
        .append_pair("email", address)
        .append_pair("user_id", &user_id.to_string())
        .append_pair("realm", realm)
        .finish();
    Ok(redirect(&format!("{SCHEME}//login?{query}")).into())
}

/// The form that asks for a name and a password, or for a code.
fn form(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    pad: &str,
    again: &Again,
    lead: &str,
) -> Result<Answer, PageError> {
    let (t, realm) = (visit.t, &*visit.realm);
    let view = LogIn {
        shell: visit.shell(state),
        t,
        title: t.log_in.page,
        heading: t.flow.sign_in_title,
        organisation: visit.organisation(),
        lead,
        action: HERE,
        problem: &again.problem,
        token: Some(visit.form_token(state)),
        next: "",
        pad,
        fields: &again.fields,
        takes_names: realm.asks_a_directory(),
        to_backup: &format!("{}&two_factor_login_view-current_step=backup", with_pad(pad)),
        methods: Vec::new(),
        can_reset: false,
    };
    let mut answer = visit.form(state, &view, &[])?;
    again.keep(state, &mut answer);
    Ok(answer)
}

/// No second factor: the session has shown the one that there is.
const NO_FACTOR: &PresentedFactor = &PresentedFactor { code: None, method: None, password: None };

/// Seals the form that lets a key leave: for a session, and for a pad.
fn seal(state: &ZulipProtocol, signed_in: &SignedIn, pad: &str) -> Token {
    let until = state.services.now() + LIFETIME;
    state.services.seal(TextPurpose::Form, signed_in.token.expose(), &form_data(pad), until)
}

fn form_data(pad: &str) -> String {
    format!("continue-to-app\n{pad}")
}

/// The address of this page with a pad, which is hexadecimal digits.
pub(super) fn with_pad(pad: &str) -> String {
    format!("{HERE}?{MOBILE}={pad}")
}

/// The address of this page for another account.
fn anew(pad: &str) -> String {
    format!("{}&{ANEW}=1", with_pad(pad))
}
