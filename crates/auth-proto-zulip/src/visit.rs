//! A request to a page: with its realm, its browser and its language.

use std::sync::Arc;

use askama::Template;
use auth_core::{Answer, InternalError, Realm, Token};
use auth_pages::{Owner, Shell, SignOut, asked_for};
use http::StatusCode;

use crate::browser::{Browser, CSRF_FIELD};
use crate::encode::response;
use crate::error::PageError;
use crate::request::Request;
use crate::state::ZulipProtocol;
use crate::text::{Texts, texts};

/// A request to a page.
pub(crate) struct Visit<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) realm: Arc<Realm>,
    pub(crate) browser: Browser,
    pub(crate) t: &'static Texts,
}

impl<'a> Visit<'a> {
    /// Finds the realm of a request, and who sent it; `None` where the host leads to no realm.
    pub(crate) async fn find(
        state: &ZulipProtocol,
        request: &'a Request<'a>,
    ) -> Result<Option<Self>, InternalError> {
        let Some(realm) = state.realm(&request.site).await? else { return Ok(None) };
        let browser = Browser::find(state, request, &realm).await?;
        Ok(Some(Self { request, realm, browser, t: language(request) }))
    }

    /// The address of the realm, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        self.browser.url()
    }

    /// The name of the realm as pages show it.
    pub(crate) fn organisation(&self) -> &str {
        if self.realm.name.is_empty() { &self.realm.slug } else { &self.realm.name }
    }

    /// The token for a form of a page that is [shown with it](Self::form).
    pub(crate) fn form_token(&self, state: &ZulipProtocol) -> Token {
        self.browser.form_token(state)
    }

    /// What surrounds a page without an owner.
    pub(crate) fn shell<'s>(&self, state: &'s ZulipProtocol) -> Shell<'s> {
        state.look.shell(None, false)
    }

    /// What surrounds a page that says who is signed in, if anybody is. It holds a form then.
    pub(crate) fn owned_shell<'s>(&self, state: &'s ZulipProtocol) -> Shell<'s> {
        let owner = self.browser.signed_in().map(|signed_in| Owner {
            name: signed_in.user().full_name.clone(),
            sign_out: SignOut {
                action: "/accounts/logout/",
                field: CSRF_FIELD,
                value: self.browser.form_token(state),
            },
            links: Vec::new(),
        });
        state.look.shell(owner, false)
    }

    /// A page without a form.
    pub(crate) fn page(
        &self,
        state: &ZulipProtocol,
        status: StatusCode,
        view: &impl Template,
    ) -> Result<Answer, PageError> {
        page(state, status, view, self.t, &[])
    }

    /// A page with a script.
    pub(crate) fn page_with_script(
        &self,
        state: &ZulipProtocol,
        view: &impl Template,
    ) -> Result<Answer, PageError> {
        let mut answer = self.page(state, StatusCode::OK, view)?;
        answer.response.headers_mut().extend(state.look.headers_with_script());
        Ok(answer)
    }

    /// A page with a form, which is never cached; the browser gets the secret of the form's token. The form may lead to
    /// `targets` beside this site.
    pub(crate) fn form(
        &self,
        state: &ZulipProtocol,
        view: &impl Template,
        targets: &[&str],
    ) -> Result<Answer, PageError> {
        Ok(state.never_cached(self.first_form(state, view, targets)?))
    }

    /// A page with a form, as [`Visit::form`] gives it, but that nothing was asked for before: the real server says nothing of
    /// caches there.
    pub(crate) fn first_form(
        &self,
        state: &ZulipProtocol,
        view: &impl Template,
        targets: &[&str],
    ) -> Result<Answer, PageError> {
        let mut answer = page(state, StatusCode::OK, view, self.t, targets)?;
        self.browser.give_secret(state, &mut answer);
        Ok(answer)
    }
}

/// The texts in the language that a client asks for.
pub(crate) fn language(request: &Request<'_>) -> &'static Texts {
    texts(asked_for(request.http.headers()).unwrap_or_default())
}

/// A page with the headers of pages.
pub(crate) fn page(
    state: &ZulipProtocol,
    status: StatusCode,
    view: &impl Template,
    t: &'static Texts,
    targets: &[&str],
) -> Result<Answer, PageError> {
    let html = view.render().map_err(InternalError::defect)?;
    let mut response = response::page(status, html, t.code);
    response.headers_mut().extend(state.look.headers(targets));
    Ok(response.into())
}
