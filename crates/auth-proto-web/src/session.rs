//! A signed-in user: the owner of the web session whose token came along.

use auth_core::{
    Caller, CredentialCheck, CredentialKind, PresentedCredential, PresentedFactor, Principal, ProtocolName,
    Token, TokenError, User,
};
use auth_pages::{NavLink, Owner, Shell, SignOut};
use http::Method;

use crate::decode::next::Next;
use crate::error::PageError;
use crate::form::{self, FormName, Opened, seal};
use crate::request::Request;
use crate::state::WebProtocol;

/// The owner of a web session.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) principal: Principal,
    /// The token of the session, to which forms are bound.
    pub(crate) token: Token,
}

/// The owner of the session that came along; `None` where none came along, or it has ended.
pub(crate) async fn find(state: &WebProtocol, request: &Request<'_>) -> Result<Option<SignedIn>, PageError> {
    let Some(token) = request.cookies.session.clone() else { return Ok(None) };
    let check = CredentialCheck {
        protocol: ProtocolName::WEB,
        realm: Some(request.realm.clone()),
        credential: PresentedCredential::Token {
            kinds: &[CredentialKind::WEB_SESSION],
            owner: None,
            token: token.clone(),
        },
        peer: request.peer.clone(),
    };
    let reply = state.services.check(check).await;
    match reply.result {
        Ok(principal) => Ok(Some(SignedIn { principal: *principal, token })),
        Err(TokenError::Internal(error)) => Err(error.into()),
        Err(TokenError::Limited) => {
            let retry_after = reply.rate_limit.and_then(|status| status.retry_after).unwrap_or_default();
            Err(PageError::Limited { retry_after })
        }
        Err(_) => Ok(None),
    }
}

/// The owner of the session that came along.
///
/// # Errors
/// [`PageError::SignInFirst`] where there is none, [`PageError::PasswordFirst`] where the account must have a new password
/// before it does anything else, and then [`PageError::FactorFirst`] where its realm demands a second factor that it lacks.
pub(crate) async fn required(state: &WebProtocol, request: &Request<'_>) -> Result<SignedIn, PageError> {
    let signed_in = required_for_factors(state, request).await?;
    if signed_in.principal.profile.lacks_second_factor() {
        Err(PageError::FactorFirst { next: here(request) })
    } else {
        Ok(signed_in)
    }
}

/// The owner of the session that came along, even where the account lacks a second factor: for the pages that set one up.
///
/// # Errors
/// [`PageError::SignInFirst`] and [`PageError::PasswordFirst`].
pub(crate) async fn required_for_factors(
    state: &WebProtocol,
    request: &Request<'_>,
) -> Result<SignedIn, PageError> {
    let signed_in = required_for_password(state, request).await?;
    if signed_in.user().must_change_password {
        Err(PageError::PasswordFirst { next: here(request) })
    } else {
        Ok(signed_in)
    }
}

/// The owner of the session that came along, even where the account must have a new password: for the page that sets it.
///
/// # Errors
/// [`PageError::SignInFirst`] where there is none.
pub(crate) async fn required_for_password(
    state: &WebProtocol,
    request: &Request<'_>,
) -> Result<SignedIn, PageError> {
    find(state, request).await?.ok_or_else(|| PageError::SignInFirst { next: here(request) })
}

/// The page that was asked for, where it can be asked for again.
fn here(request: &Request<'_>) -> Option<Next> {
    let is_page = request.http.method() != Method::POST;
    let target = request.http.uri().path_and_query().filter(|_| is_page)?;
    Next::parse(target.as_str())
}

impl SignedIn {
    pub(crate) fn user(&self) -> &User {
        &self.principal.profile.user
    }

    /// The name that the account is signed in with.
    pub(crate) fn login_name(&self) -> &str {
        let user = self.user();
        user.user_name().or_else(|| user.email().map(|email| email.address)).unwrap_or(&user.full_name)
    }

    /// The owner as a caller of services, with the second factor that came along.
    pub(crate) fn caller<'a>(&'a self, request: &'a Request<'_>, factor: &'a PresentedFactor) -> Caller<'a> {
        Caller { principal: &self.principal, peer: request.peer, protocol: ProtocolName::WEB, factor }
    }

    /// Demands that the owner has shown of late who is there.
    ///
    /// # Errors
    /// [`PageError::ConfirmFirst`], which leads on to `next`.
    pub(crate) fn fresh(
        &self,
        state: &WebProtocol,
        request: &Request<'_>,
        next: &'static str,
    ) -> Result<(), PageError> {
        if self.is_fresh(state, request) { Ok(()) } else { Err(PageError::ConfirmFirst { next }) }
    }

    /// Whether the owner has shown of late who is there.
    pub(crate) fn is_fresh(&self, state: &WebProtocol, request: &Request<'_>) -> bool {
        state.services.is_fresh(&self.caller(request, &PresentedFactor::default()))
    }

    /// Seals a form for the owner's session.
    pub(crate) fn seal(&self, state: &WebProtocol, name: FormName, carried: &[(&str, &str)]) -> Token {
        seal(state, &self.token, name, carried)
    }

    /// Opens a form that was sealed for the owner's session.
    ///
    /// # Errors
    /// [`PageError::OutOfDate`], which leads to `start`, when the form is another one's, or has ended.
    pub(crate) fn open(
        &self,
        state: &WebProtocol,
        request: &Request<'_>,
        name: FormName,
        start: &'static str,
    ) -> Result<Opened, PageError> {
        Opened::of(state, request, Some(&self.token), name, start)
    }

    /// What surrounds the page at `here`.
    pub(crate) fn shell<'a>(
        &self,
        state: &'a WebProtocol,
        request: &Request<'_>,
        here: &'static str,
        failed: bool,
    ) -> Shell<'a> {
        let t = request.texts;
        let pages = [
            ("/account", t.common.overview, true),
            ("/account/password", t.password.title, true),
            ("/account/two-step", t.two_step.title, true),
            ("/account/app-passwords", t.app_passwords.title, true),
            ("/account/sessions", t.sessions.title, true),
            ("/account/zulip", t.zulip.title, state.config.zulip_url.is_some()),
        ];
        let link = |(path, name, _)| NavLink { path, name, is_here: path == here };
        let profile = &self.principal.profile;
        let is_free = !profile.user.must_change_password && !profile.lacks_second_factor();
        let links = pages.into_iter().filter(|(_, _, is_there)| *is_there && is_free).map(link).collect();
        let sign_out = self.seal(state, FormName::SignOut, &[]);
        let sign_out = SignOut { action: "/sign-out", field: form::FIELD, value: sign_out };
        let owner = Owner { name: self.user().full_name.clone(), sign_out, links };
        state.look.shell(Some(owner), failed)
    }
}
