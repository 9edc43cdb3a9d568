//! What the next page says of what was done: a sealed word in its address, so that nobody else puts words there.

use std::time::Duration;

use auth_core::{Answer, TextPurpose};

use crate::answer::redirect;
use crate::request::Request;
use crate::session::SignedIn;
use crate::state::WebProtocol;
use crate::text::Texts;

/// How long a notice is shown.
const LIFETIME: Duration = Duration::from_secs(60);

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    DetailsSaved,
    AddressMailed,
    PasswordChanged,
    DeviceRemoved,
    DeviceKept,
    MailedCodesOn,
    MailedCodesOff,
    AppPasswordRevoked,
    CredentialEnded,
    OthersEnded,
}

impl Notice {
    const ALL: [Self; 10] = [
        Self::DetailsSaved,
        Self::AddressMailed,
        Self::PasswordChanged,
        Self::DeviceRemoved,
        Self::DeviceKept,
        Self::MailedCodesOn,
        Self::MailedCodesOff,
        Self::AppPasswordRevoked,
        Self::CredentialEnded,
        Self::OthersEnded,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::DetailsSaved => "details-saved",
            Self::AddressMailed => "address-mailed",
            Self::PasswordChanged => "password-changed",
            Self::DeviceRemoved => "device-removed",
            Self::DeviceKept => "device-kept",
            Self::MailedCodesOn => "mailed-codes-on",
            Self::MailedCodesOff => "mailed-codes-off",
            Self::AppPasswordRevoked => "app-password-revoked",
            Self::CredentialEnded => "credential-ended",
            Self::OthersEnded => "others-ended",
        }
    }

    fn text(self, t: &'static Texts) -> &'static str {
        match self {
            Self::DetailsSaved => t.details.saved,
            Self::AddressMailed => t.details.mailed,
            Self::PasswordChanged => t.password.changed,
            Self::DeviceRemoved => t.two_step.removed,
            Self::DeviceKept => t.two_step.kept,
            Self::MailedCodesOn => t.two_step.mailed_on,
            Self::MailedCodesOff => t.two_step.mailed_off,
            Self::AppPasswordRevoked => t.app_passwords.revoked,
            Self::CredentialEnded => t.sessions.ended,
            Self::OthersEnded => t.sessions.others_ended,
        }
    }
}

/// Leads to a page of the account, which then says what was done.
pub(crate) fn lead(state: &WebProtocol, signed_in: &SignedIn, path: &'static str, notice: Notice) -> Answer {
    let until = state.services.now() + LIFETIME;
    let sealed = state.services.seal(TextPurpose::Notice, signed_in.token.expose(), notice.word(), until);
    redirect(state, &format!("{path}?notice={}", sealed.expose()))
}

/// What the query of a request says was done; empty where it says nothing.
pub(crate) fn shown(state: &WebProtocol, request: &Request<'_>, signed_in: &SignedIn) -> &'static str {
    let open = || {
        let sealed = request.query().token("notice")?;
        let word = state.services.open(TextPurpose::Notice, signed_in.token.expose(), &sealed)?;
        Notice::ALL.into_iter().find(|notice| notice.word() == word)
    };
    open().map_or("", |notice| notice.text(request.texts))
}
