//! The browser that sent a request: its cookies, its CSRF secret, and who is signed in there.

use std::borrow::Cow;
use std::sync::Arc;

use auth_core::{
    ActionError, Answer, Caller, CredentialCheck, CredentialKind, InternalError, PresentedCredential,
    PresentedFactor, Principal, ProtocolName, Realm, Token, TokenError, User,
};
use http::header::SET_COOKIE;
use http::{HeaderValue, Method};

use crate::decode::cookies::{self, Cookies};
use crate::decode::csrf::{self, CsrfError, Sent};
use crate::encode::cookie;
use crate::encode::response::to_browser_with_secret;
use crate::request::Request;
use crate::state::ZulipProtocol;

/// The longest token of a session. A longer cookie holds a sealed text.
const LONGEST_TOKEN: usize = 64;

/// The field of a form that holds the CSRF token.
pub(crate) const CSRF_FIELD: &str = "csrfmiddlewaretoken";

/// A browser.
#[derive(Debug)]
pub(crate) struct Browser {
    cookies: Cookies,
    /// The CSRF secret that the browser has, or the one that it gets with a form.
    secret: Token,
    session: Session,
    /// The address of the realm, under which browsers know its pages.
    url: String,
}

/// The session whose token a browser sent.
#[derive(Debug)]
enum Session {
    /// None was sent.
    None,
    /// It is good in this realm.
    Good(Box<SignedIn>),
    /// It is good in another realm.
    Elsewhere,
    /// It has ended, or there never was one.
    Ended,
}

/// Who is signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) principal: Principal,
    /// The token of the session.
    pub(crate) token: Token,
}

impl SignedIn {
    pub(crate) fn user(&self) -> &User {
        &self.principal.profile.user
    }

    /// The owner of the session as a caller of services, with what was shown along.
    pub(crate) fn caller<'a>(&'a self, request: &'a Request<'_>, factor: &'a PresentedFactor) -> Caller<'a> {
        Caller { principal: &self.principal, peer: request.peer, protocol: ProtocolName::ZULIP, factor }
    }
}

impl Browser {
    /// Finds the browser that sent a request for a realm.
    pub(crate) async fn find(
        state: &ZulipProtocol,
        request: &Request<'_>,
        realm: &Arc<Realm>,
    ) -> Result<Self, InternalError> {
        let cookies = Cookies::of(request.http.headers(), state.is_secure());
        let known = cookies.csrf.as_ref().filter(|secret| csrf::secret_of(secret.expose()).is_ok());
        let secret = known.cloned().unwrap_or_else(|| state.new_secret());
        let mut session = Session::None;
        for token in [&cookies.session, &cookies.own_session].into_iter().flatten() {
            if token.expose().len() > LONGEST_TOKEN {
                continue;
            }
            session = find_session(state, request, realm, token).await?;
            if matches!(session, Session::Good(_)) {
                break;
            }
        }
        // The cookie of other pages is theirs to end.
        if cookies.session.is_none() && matches!(session, Session::Ended) {
            session = Session::None;
        }
        // A browser that opened a link for a new password keeps the cookie that stands for the link.
        if matches!(session, Session::Ended)
            && let Some(cookie) = session_cookie(&cookies)
            && stands_for_reset(state, cookie).await?
        {
            session = Session::None;
        }
        let url = request.site.url(&state.config, Some(realm));
        Ok(Self { cookies, secret, session, url })
    }

    /// The address of the realm, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Who is signed in.
    pub(crate) fn signed_in(&self) -> Option<&SignedIn> {
        match &self.session {
            Session::Good(signed_in) => Some(signed_in),
            _ => None,
        }
    }

    /// Whether somebody of another realm is signed in.
    pub(crate) fn is_of_another_realm(&self) -> bool {
        matches!(self.session, Session::Elsewhere)
    }

    /// The sealed text that stands for a session before somebody has signed in.
    pub(crate) fn sealed_session(&self) -> Option<&Token> {
        self.cookies.session.as_ref().filter(|token| token.expose().len() > LONGEST_TOKEN)
    }

    /// The cookie of a session, or of what stands for one in the store.
    pub(crate) fn session_cookie(&self) -> Option<&Token> {
        session_cookie(&self.cookies)
    }

    /// Judges whether a request that changes something was sent by a page of this server: one at the host that was asked, or
    /// at the address of the realm, since a proxy may name another host.
    ///
    /// # Errors
    /// A [`CsrfError`] with the reason.
    pub(crate) fn check_csrf(&self, state: &ZulipProtocol, request: &Request<'_>) -> Result<(), CsrfError> {
        let [origin, referer, header] = ["origin", "referer", "x-csrftoken"].map(|name| request.header(name));
        let is_at_realm = |page: &Option<Cow<'_, str>>| {
            let rest = page.as_deref().and_then(|page| page.strip_prefix(&self.url));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let own_host = self.url.split_once("://").map(|(_, host)| host);
        let own_host = own_host.filter(|_| is_at_realm(&origin) || origin.is_none() && is_at_realm(&referer));
        csrf::check(&Sent {
            is_secure: state.is_secure(),
            host: own_host.unwrap_or(request.site.authority()),
            origin: origin.as_deref(),
            referer: referer.as_deref(),
            cookie: self.cookies.csrf.as_ref(),
            field: request.parameters.in_body(CSRF_FIELD).filter(|_| request.http.method() == Method::POST),
            header: header.as_deref(),
        })
    }

    /// The token for a form: the browser's secret, masked anew. The browser must be [given](Self::give_secret) the secret with
    /// the form.
    pub(crate) fn form_token(&self, state: &ZulipProtocol) -> Token {
        let secret = csrf::secret_of(self.secret.expose()).unwrap_or_else(|_| self.secret.clone());
        csrf::mask(&secret, state.new_secret().expose())
    }

    /// Gives the browser its CSRF secret with an answer that holds a form.
    pub(crate) fn give_secret(&self, state: &ZulipProtocol, answer: &mut Answer) {
        set_secret(state, answer, &self.secret);
    }

    /// Gives the browser a session with an answer, and a new CSRF secret.
    pub(crate) fn sign_in(&self, state: &ZulipProtocol, answer: &mut Answer, token: &Token) {
        set_secret(state, answer, &state.new_secret());
        Self::give_session(state, answer, token);
    }

    /// Gives the browser a session, or what stands for one, in place of the one that it has.
    pub(crate) fn give_session(state: &ZulipProtocol, answer: &mut Answer, token: &Token) {
        set_cookie(answer, cookie::session(token, state.now(), state.is_secure()));
    }

    /// Gives the browser a session for the pages that look after accounts, in place of the one that it has there.
    pub(crate) fn give_own_session(state: &ZulipProtocol, answer: &mut Answer, token: &Token) {
        set_cookie(answer, cookie::own_session(token, state.now()));
    }

    /// Takes the session from the browser.
    pub(crate) fn take_session(state: &ZulipProtocol, answer: &mut Answer) {
        set_cookie(answer, cookie::no_session(state.is_secure()));
    }

    /// Ends an answer: a cookie of an ended session is taken from the browser, and one that can hold no secret is replaced.
    pub(crate) fn settle(&self, state: &ZulipProtocol, mut answer: Answer) -> Answer {
        let is_bad = |secret: &Token| csrf::secret_of(secret.expose()).is_err();
        if self.cookies.csrf.as_ref().is_some_and(is_bad) && !sets(&answer, cookies::CSRF) {
            self.give_secret(state, &mut answer);
        }
        if matches!(self.session, Session::Ended) && !sets(&answer, cookies::SESSION) {
            Self::take_session(state, &mut answer);
        }
        answer
    }
}

fn session_cookie(cookies: &Cookies) -> Option<&Token> {
    cookies.session.as_ref().filter(|token| token.expose().len() <= LONGEST_TOKEN)
}

/// Whether a cookie stands for a link for a new password.
async fn stands_for_reset(state: &ZulipProtocol, cookie: &Token) -> Result<bool, InternalError> {
    match state.services.owner_of_reset_link(cookie).await {
        Ok(owner) => Ok(owner.is_some()),
        Err(ActionError::Internal(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Asks whose session a token is of.
pub(crate) async fn check(
    state: &ZulipProtocol,
    request: &Request<'_>,
    realm: &Arc<Realm>,
    token: &Token,
) -> Result<Box<Principal>, TokenError> {
    let check = CredentialCheck {
        protocol: ProtocolName::ZULIP,
        realm: Some(Arc::clone(realm)),
        credential: PresentedCredential::Token {
            kinds: &[CredentialKind::WEB_SESSION],
            owner: None,
            token: token.clone(),
        },
        peer: request.peer.clone(),
    };
    state.services.check(check).await.result
}

async fn find_session(
    state: &ZulipProtocol,
    request: &Request<'_>,
    realm: &Arc<Realm>,
    token: &Token,
) -> Result<Session, InternalError> {
    Ok(match check(state, request, realm, token).await {
        // A session that is good for nothing yet but the set-up of the second factor which its realm demands.
        Ok(principal) if principal.profile.lacks_second_factor() => Session::None,
        Ok(principal) => Session::Good(Box::new(SignedIn { principal: *principal, token: token.clone() })),
        Err(TokenError::Internal(error)) => return Err(error),
        Err(TokenError::OtherRealm) => Session::Elsewhere,
        Err(_) => Session::Ended,
    })
}

/// Gives a browser a CSRF secret. Caches keep such an answer by the cookies of the request.
fn set_secret(state: &ZulipProtocol, answer: &mut Answer, secret: &Token) {
    set_cookie(answer, cookie::csrf(secret, state.now(), state.is_secure()));
    to_browser_with_secret(answer.response.headers_mut());
}

fn set_cookie(answer: &mut Answer, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        answer.response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Whether an answer sets a cookie already.
fn sets(answer: &Answer, name: &str) -> bool {
    let name = [format!("__Host-{name}="), format!("{name}=")];
    let mut set = answer.response.headers().get_all(SET_COOKIE).iter();
    set.any(|cookie| name.iter().any(|name| cookie.as_bytes().starts_with(name.as_bytes())))
}
