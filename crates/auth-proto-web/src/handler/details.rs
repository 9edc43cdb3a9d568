//! `/account/details`: another display name, another address, and the language of mails.

use auth_core::{ActionError, Answer, Language, OwnChange, PresentedFactor};
use auth_pages::{Input, Kind};
use http::StatusCode;

use crate::answer::{page, redirect};
use crate::error::PageError;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::{Choice, Details};

/// Where this page is.
const HERE: &str = "/account/details";

/// The value of the field that leaves the language of mails to whatever causes them.
const AUTOMATIC: &str = "auto";

/// What is shown in the fields, and what is wrong with it.
#[derive(Debug, Default)]
struct Draft {
    full_name: String,
    address: String,
    language: Option<Language>,
    problem: &'static str,
    name_error: &'static str,
    address_error: &'static str,
    status: StatusCode,
}

impl Draft {
    /// What the account has.
    fn of(signed_in: &SignedIn) -> Self {
        let address = signed_in.user().email().map(|email| email.address.to_owned());
        let full_name = signed_in.user().full_name.clone();
        let language = signed_in.user().language;
        Self { full_name, address: address.unwrap_or_default(), language, ..Self::default() }
    }
}

/// Shows the form.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required(state, request).await?;
    form(state, request, &signed_in, &Draft::of(&signed_in))
}

/// Changes what differs from what the account has. Another address counts once its owner confirms it behind the link that
/// is mailed to it.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required(state, request).await?;
    let fields = request.form();
    signed_in.open(state, request, FormName::Details, HERE)?;
    let sent = |name| fields.text(name).unwrap_or_default().trim().to_owned();
    let (full_name, address, before) = (sent("full-name"), sent("address"), Draft::of(&signed_in));
    let language = match fields.text("language").as_deref() {
        Some(AUTOMATIC) => None,
        tag => tag.and_then(Language::from_tag).or(before.language),
    };
    let change = OwnChange {
        full_name: Some(&*full_name).filter(|name| *name != before.full_name),
        address: Some(&*address).filter(|address| *address != before.address),
        language: Some(language).filter(|language| *language != before.language),
        ..OwnChange::default()
    };
    if change.is_empty() {
        return Ok(redirect(state, "/account"));
    }
    let factor = PresentedFactor::default();
    let changed = state.services.change_own_account(&signed_in.caller(request, &factor), &change).await;
    let is_mailed = change.address.is_some();
    let draft =
        Draft { full_name: full_name.clone(), address: address.clone(), language, ..Draft::default() };
    let draft = match changed {
        Ok(_) => {
            let notice = if is_mailed { Notice::AddressMailed } else { Notice::DetailsSaved };
            return Ok(notice::lead(state, &signed_in, "/account", notice));
        }
        Err(ActionError::BadFullName) => Draft { name_error: t.details.bad_name, ..draft },
        Err(ActionError::BadAddress) => Draft { address_error: t.details.bad_address, ..draft },
        Err(ActionError::NotOffered) => Draft { problem: t.details.not_offered, ..draft },
        Err(ActionError::SecondFactorRequired(_)) => return Err(PageError::ConfirmFirst { next: HERE }),
        Err(error) => return Err(error.into()),
    };
    form(state, request, &signed_in, &Draft { status: StatusCode::UNPROCESSABLE_ENTITY, ..draft })
}

fn form(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    draft: &Draft,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let view = Details {
        shell: signed_in.shell(state, request, HERE, draft.status != StatusCode::OK),
        t,
        problem: draft.problem,
        form: signed_in.seal(state, FormName::Details, &[]),
        full_name: Input::new("full-name", t.details.full_name, Kind::Text, "name")
            .value(&draft.full_name)
            .error(draft.name_error)
            .problem(draft.problem),
        address: Input::new("address", t.details.address, Kind::Address, "email")
            .hint(t.details.address_hint)
            .optional(signed_in.user().email().is_none())
            .value(&draft.address)
            .error(draft.address_error)
            .problem(draft.problem),
        languages: languages(t.details.language_auto, draft.language),
    };
    Ok(page(state, draft.status, &view)?)
}

/// The languages of mails to choose from, each under its own name.
fn languages(automatic: &str, chosen: Option<Language>) -> Vec<Choice> {
    let choice = |value: &str, label: &str, is_chosen| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_chosen,
    };
    let named = Language::ALL.map(|language| {
        let name = match language {
            Language::English => "English",
            Language::German => "Deutsch",
        };
        choice(language.tag(), name, chosen == Some(language))
    });
    std::iter::once(choice(AUTOMATIC, automatic, chosen.is_none())).chain(named).collect()
}
