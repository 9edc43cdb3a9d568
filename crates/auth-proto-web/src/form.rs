//! Forms that were given out by this server: each holds a sealed text that names the form, and is good for an hour and for
//! the browser whose cookie it was made for.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{InternalError, TextPurpose, Token};

use crate::decode::fields::Fields;
use crate::error::PageError;
use crate::request::Request;
use crate::state::WebProtocol;

/// How long a form is good.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The field of the sealed text.
pub(crate) const FIELD: &str = "form";

/// The forms of the pages. A sealed text of one is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormName {
    SignIn,
    Code,
    SignOut,
    Password,
    Details,
    Confirm,
    Enrol,
    ConfirmDevice,
    RenewCodes,
    RemoveDevice,
    KeepDevice,
    MailedCodes,
    MakeAppPassword,
    RevokeAppPassword,
    EndCredential,
    EndOthers,
    ShowKey,
    RegenerateKey,
    Zuliprc,
    Forgot,
    Reset,
    Address,
}

impl FormName {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Code => "code",
            Self::SignOut => "sign-out",
            Self::Password => "password",
            Self::Details => "details",
            Self::Confirm => "confirm",
            Self::Enrol => "enrol",
            Self::ConfirmDevice => "confirm-device",
            Self::RenewCodes => "renew-codes",
            Self::RemoveDevice => "remove-device",
            Self::KeepDevice => "keep-device",
            Self::MailedCodes => "mailed-codes",
            Self::MakeAppPassword => "make-app-password",
            Self::RevokeAppPassword => "revoke-app-password",
            Self::EndCredential => "end-credential",
            Self::EndOthers => "end-others",
            Self::ShowKey => "show-key",
            Self::RegenerateKey => "regenerate-key",
            Self::Zuliprc => "zuliprc",
            Self::Forgot => "forgot",
            Self::Reset => "reset",
            Self::Address => "address",
        }
    }
}

/// Seals a form for the holder of a cookie, with what the form carries.
pub(crate) fn seal(state: &WebProtocol, holder: &Token, name: FormName, carried: &[(&str, &str)]) -> Token {
    let mut data = form_urlencoded::Serializer::new(String::new());
    data.append_pair(FIELD, name.as_str()).extend_pairs(carried);
    let until = state.services.now() + LIFETIME;
    state.services.seal(TextPurpose::Form, holder.expose(), &data.finish(), until)
}

/// A form that came back.
#[derive(Debug)]
pub(crate) struct Opened {
    sealed: Token,
    data: Token,
}

impl Opened {
    /// Opens the sealed text among the fields of a form.
    ///
    /// # Errors
    /// [`PageError::OutOfDate`], which leads to `start`, when the text was made for another form or holder, or has ended.
    pub(crate) fn of(
        state: &WebProtocol,
        request: &Request<'_>,
        holder: Option<&Token>,
        name: FormName,
        start: &'static str,
    ) -> Result<Self, PageError> {
        Self::open(state, holder, name, &request.form()).ok_or(PageError::OutOfDate { start })
    }

    fn open(
        state: &WebProtocol,
        holder: Option<&Token>,
        name: FormName,
        fields: &Fields<'_>,
    ) -> Option<Self> {
        let sealed = fields.token(FIELD)?;
        let data = Token::new(state.services.open(TextPurpose::Form, holder?.expose(), &sealed)?);
        let is_named =
            Fields::new(data.expose().as_bytes()).text(FIELD).is_some_and(|found| found == name.as_str());
        is_named.then_some(Self { sealed, data })
    }

    /// What the form carries under a name.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.carried().text(name)
    }

    /// A secret that the form carries under a name.
    pub(crate) fn token(&self, name: &str) -> Option<Token> {
        self.text(name).map(|text| Token::new(text.into_owned()))
    }

    fn carried(&self) -> Fields<'_> {
        Fields::new(self.data.expose().as_bytes())
    }

    /// Uses the form up; `false` when it was sent before.
    ///
    /// # Errors
    /// An [`InternalError`] when that can't be stored.
    pub(crate) async fn spend(&self, state: &WebProtocol) -> Result<bool, InternalError> {
        state.services.spend(&self.sealed).await
    }
}
