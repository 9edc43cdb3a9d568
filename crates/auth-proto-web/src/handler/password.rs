//! `/account/password`: changes the password, also where that is due.

use auth_core::{ActionError, Answer, FactorMethod, OwnChange, PolicyRule, PresentedFactor};
use auth_pages::{Input, Kind};
use http::StatusCode;

use crate::answer::{page, redirect};
use crate::decode::next::Next;
use crate::error::PageError;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::{Link, Message, Password};
use crate::{factor, rules};

/// Where this page is.
const HERE: &str = "/account/password";

/// What is shown of an attempt that failed.
#[derive(Debug, Default)]
struct Draft {
    problem: &'static str,
    broken: Vec<String>,
    present_error: &'static str,
    new_error: &'static str,
    code_error: &'static str,
    /// What the service demands beyond what the form asks for at first.
    demanded: Option<FactorMethod>,
    status: StatusCode,
}

/// Shows the form.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_password(state, request).await?;
    let next = request.query().text("next").and_then(|next| Next::parse(&next));
    let is_due = signed_in.user().must_change_password;
    if !signed_in.principal.profile.has_password && !is_due {
        let t = request.texts;
        let view = Message {
            shell: signed_in.shell(state, request, HERE, false),
            t,
            title: t.password.title,
            texts: vec![t.password.kept_elsewhere],
            link: Some(Link { path: "/account", name: t.common.account }),
        };
        return Ok(page(state, StatusCode::OK, &view)?);
    }
    form(state, request, &signed_in, next.as_ref(), Draft::default())
}

/// Changes the password.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required_for_password(state, request).await?;
    let fields = request.form();
    let opened = signed_in.open(state, request, FormName::Password, HERE)?;
    let next = opened.text("next").and_then(|next| Next::parse(&next));
    let demanded = opened.text("method").filter(|name| !name.is_empty()).map(|name| factor::method(&name));
    let wrong = |draft| form(state, request, &signed_in, next.as_ref(), draft);
    let unprocessable = Draft { demanded, status: StatusCode::UNPROCESSABLE_ENTITY, ..Draft::default() };

    let present = fields.password("password");
    if present.is_none() && asks_for_present(&signed_in, demanded) {
        return wrong(Draft { present_error: t.sign_in.no_password, ..unprocessable });
    }
    let Some(new) = fields.password("new") else {
        return wrong(Draft { new_error: t.password.missing, ..unprocessable });
    };
    let code = fields.code("code");
    let method = match &code {
        Some(_) => demanded,
        None => present.is_some().then_some(FactorMethod::Password),
    };
    let presented = PresentedFactor { code, method, password: present };
    let change = OwnChange { password: Some(&new), ..OwnChange::default() };
    let caller = signed_in.caller(request, &presented);
    let Err(error) = state.services.change_own_account(&caller, &change).await else {
        return Ok(match &next {
            Some(next) => redirect(state, next.as_str()),
            None => notice::lead(state, &signed_in, "/account", Notice::PasswordChanged),
        });
    };
    let forbidden = Draft { demanded, status: StatusCode::FORBIDDEN, ..Draft::default() };
    wrong(match error {
        ActionError::SecondFactorRequired(challenge) => {
            Draft { problem: t.password.code_needed, demanded: both(demanded, challenge.method), ..forbidden }
        }
        ActionError::SecondFactorInvalid(challenge) if challenge.method == FactorMethod::Password => {
            Draft { present_error: t.password.wrong, demanded: both(demanded, challenge.method), ..forbidden }
        }
        ActionError::SecondFactorInvalid(challenge) => {
            Draft { code_error: t.code_step.wrong, demanded: both(demanded, challenge.method), ..forbidden }
        }
        ActionError::SecondFactorExhausted(_) => Draft { problem: t.sign_in.exhausted, ..forbidden },
        ActionError::WeakPassword(broken) => Draft { broken: in_words(&broken, request), ..unprocessable },
        ActionError::SamePassword => Draft { new_error: t.password.same, ..unprocessable },
        ActionError::NotOffered => Draft { problem: t.password.kept_elsewhere, ..forbidden },
        error => return Err(error.into()),
    })
}

fn in_words(broken: &[PolicyRule], request: &Request<'_>) -> Vec<String> {
    rules::in_words(broken, request.texts)
}

/// What the service demands by now: a code that was demanded once is demanded beside the password.
fn both(before: Option<FactorMethod>, now: FactorMethod) -> Option<FactorMethod> {
    before.filter(|method| *method != FactorMethod::Password).or(Some(now))
}

/// Whether the form asks for the present password: not where a new one is due, unless the service demands a proof.
fn asks_for_present(signed_in: &SignedIn, demanded: Option<FactorMethod>) -> bool {
    !signed_in.user().must_change_password || demanded.is_some()
}

fn form(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    next: Option<&Next>,
    draft: Draft,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let carried =
        [("next", next.map_or("", Next::as_str)), ("method", draft.demanded.map_or("", factor::name))];
    let new = Input::new("new", t.password.new, Kind::Password, "new-password").error(draft.new_error);
    let code = draft.demanded.filter(|method| *method != FactorMethod::Password);
    let view = Password {
        shell: signed_in.shell(state, request, HERE, draft.status != StatusCode::OK),
        t,
        is_due: signed_in.user().must_change_password,
        problem: draft.problem,
        form: signed_in.seal(state, FormName::Password, &carried),
        user_name: signed_in.login_name(),
        present: asks_for_present(signed_in, draft.demanded).then(|| {
            Input::new("password", t.password.present, Kind::Password, "current-password")
                .error(draft.present_error)
                .problem(draft.problem)
        }),
        new: new.rules(!draft.broken.is_empty()),
        broken: draft.broken,
        code: code.map(|method| factor::input(method, t).error(draft.code_error)),
    };
    Ok(page(state, draft.status, &view)?)
}
