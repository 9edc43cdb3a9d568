//! `/login/` and `/accounts/login/`: the log-in page. `/accounts/logout/`: the way out.

use auth_core::{Answer, Login, Token, fill};
use http::{Method, StatusCode};

use super::home::DEACTIVATED;
use super::sign_in::{self, Again, Outcome};
use super::{new_password, set_up};
use crate::browser::Browser;
use crate::decode::email::is_email;
use crate::decode::next;
use crate::encode::response::{form_options, redirect};
use crate::error::PageError;
use crate::methods;
use crate::state::ZulipProtocol;
use crate::view::{CodeStep, Fields, LogIn};
use crate::visit::Visit;

/// Where the form is.
const HERE: &str = "/accounts/login/";

/// Shows the page, or judges its form. Whoever is signed in is led on, without a look at what was sent.
pub(super) async fn answer(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let (parameters, method) = (&visit.request.parameters, visit.request.http.method());
    if method == Method::OPTIONS {
        return Ok(state.never_cached(form_options().into()));
    }
    if let Some(signed_in) = visit.browser.signed_in().filter(|_| parameters.get("preview").is_none()) {
        if signed_in.user().must_change_password {
            return Ok(redirect(&new_password::before(parameters.get("next").unwrap_or("/"))).into());
        }
        let target = next::on_site(visit.url(), parameters.get("next").unwrap_or("/"));
        return Ok(redirect(&target).into());
    }
    if !visit.realm.active {
        return Ok(redirect(DEACTIVATED).into());
    }
    if method == Method::POST || method == Method::PUT {
        submit(state, visit).await
    } else {
        show(state, visit)
    }
}

/// Shows the form, with what a link said.
fn show(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let (parameters, t) = (&visit.request.parameters, &visit.t.log_in);
    if sign_in::wants_backup_code(visit) {
        return form(state, visit, &Again::code(CodeStep::Backup));
    }
    let deactivated = parameters.get("is_deactivated").filter(|address| is_email(address));
    let problem = match deactivated {
        Some(address) => fill(t.deactivated, &[address]),
        None if parameters.get("already_registered").is_some() => t.registered.to_owned(),
        None => String::new(),
    };
    form(state, visit, &Again::password(parameters.get("email").unwrap_or_default(), problem))
}

async fn submit(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let (outcome, sending) = sign_in::judge(state, visit).await?;
    let answer = match outcome {
        Outcome::SignedIn(login, token) => signed_in(state, visit, &login, &token).await?,
        Outcome::Again(again) => form(state, visit, &again)?,
        Outcome::RealmInactive => sign_in::realm_inactive(),
    };
    Ok(sending.complete(answer))
}

/// Gives the browser its session, and leads on.
async fn signed_in(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    login: &Login,
    token: &Token,
) -> Result<Answer, PageError> {
    let next = visit.request.parameters.in_body("next").unwrap_or_default();
    let url = visit.url();
    // As recorded: the second step falls back to the address of the realm, where the first page does to its path.
    let standard = if sign_in::is_second_step(visit) { url } else { "/" };
    let target = next::after_form(url, next, standard);
    if let Some(answer) = set_up::lead(state, visit, login, &target).await? {
        return Ok(answer);
    }
    let target = if login.profile.user.must_change_password { new_password::before(next) } else { target };
    let mut answer = state.never_cached(redirect(&target).into());
    visit.browser.sign_in(state, &mut answer, token);
    Ok(answer)
}

/// The page. Without a form for passwords it holds no token, and the browser gets no secret.
fn form(state: &ZulipProtocol, visit: &Visit<'_>, again: &Again) -> Result<Answer, PageError> {
    // As recorded: the second step names the realm where the first page names its path.
    let url = visit.url();
    let standard = if matches!(again.fields, Fields::Code(_)) { url } else { "/" };
    form_to(state, visit, again, visit.request.parameters.get("next").unwrap_or(standard))
}

/// The page, which leads to `next`. Whoever has come without a password is asked for a code here too.
pub(super) fn form_to(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    again: &Again,
    next: &str,
) -> Result<Answer, PageError> {
    let (t, realm) = (visit.t, &*visit.realm);
    let has_password = state.config.password_login && realm.password_login;
    let has_form = has_password || matches!(again.fields, Fields::Code(_));
    let view = LogIn {
        shell: visit.shell(state),
        t,
        title: t.log_in.page,
        heading: t.log_in.title,
        organisation: visit.organisation(),
        lead: "",
        action: HERE,
        problem: &again.problem,
        token: has_form.then(|| visit.form_token(state)),
        next,
        pad: "",
        fields: &again.fields,
        takes_names: realm.asks_a_directory(),
        to_backup: "/accounts/login/?two_factor_login_view-current_step=backup",
        methods: methods::others(&state.config),
        can_reset: has_password && realm.asks_stored_passwords(),
    };
    let mut answer = if has_form {
        visit.form(state, &view, &[])?
    } else {
        state.never_cached(visit.page(state, StatusCode::OK, &view)?)
    };
    again.keep(state, &mut answer);
    Ok(answer)
}

/// Ends the session of a browser, if it has one.
pub(super) async fn log_out(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let mut answer: Answer = redirect(HERE).into();
    if let Some(signed_in) = visit.browser.signed_in() {
        state.services.revoke(&signed_in.principal).await?;
        Browser::take_session(state, &mut answer);
    }
    Ok(answer)
}
