//! What mails say: one table of texts for each language, and what fills their places.

mod english;
mod german;
mod table;

use auth_core::{ClientKey, Language, OneTimeCode, Timestamp, Token, fill, is_invisible};

use self::english::ENGLISH;
use self::german::GERMAN;
use self::table::{MailText, ResetAnswerText, Texts};

/// What a mail tells its reader.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message<'a> {
    /// A link to set a lost password anew.
    PasswordReset(&'a Token),
    /// A link to show that the account's address is its owner's.
    AddressProof(&'a Token),
    /// A link to show that the address which the account is to get is its owner's.
    AddressChange(&'a Token),
    /// A code for the second step of a login.
    Code(&'a OneTimeCode),
    /// What was done to the account, and when.
    Notice(&'a Notice, Timestamp),
    /// The answer to somebody who asked for a new password at a realm's own page.
    ResetAnswer {
        /// The address that was typed.
        typed: &'a str,
        /// The realm's name.
        realm: &'a str,
        /// The realm's address.
        url: &'a str,
        answer: &'a ResetAnswer,
    },
}

/// What whoever asked for a new password is told.
#[derive(Debug)]
pub(crate) enum ResetAnswer {
    /// Where to set it.
    Link(String),
    /// The account is deactivated.
    Deactivated,
    /// There is no account; the addresses of the realms in which there is one.
    NoAccount {
        /// These addresses.
        elsewhere: Vec<String>,
    },
}

/// What an owner is told of.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// The password was changed by whoever was signed in.
    PasswordChanged,
    /// The password was set anew with a link.
    PasswordReset,
    /// A TOTP device was enrolled.
    DeviceAdded,
    /// The TOTP device was removed.
    DeviceRemoved,
    /// The TOTP device was removed by somebody else, who may.
    DeviceReset,
    /// A help desk asked for the removal of the TOTP device, which is held until that moment.
    DeviceRemovalHeld(Timestamp),
    /// Codes are mailed at logins from now on.
    MailedCodesOn,
    /// Codes are mailed at logins no more.
    MailedCodesOff,
    /// An app password of that name was made.
    AppPasswordMade(String),
    /// The address was replaced by that one. Told to the former address.
    AddressChanged(String),
    /// Somebody logged in from a client key from which nobody had before.
    NewPlace(ClientKey),
}

impl Notice {
    /// Whether it is about what owners change themselves of their passwords and second factors.
    pub(crate) fn is_own_change(&self) -> bool {
        match self {
            Self::PasswordChanged
            | Self::PasswordReset
            | Self::DeviceAdded
            | Self::DeviceRemoved
            | Self::MailedCodesOn
            | Self::MailedCodesOff => true,
            Self::DeviceReset
            | Self::DeviceRemovalHeld(_)
            | Self::AppPasswordMade(_)
            | Self::AddressChanged(_)
            | Self::NewPlace(_) => false,
        }
    }
}

/// The site that mails come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    /// The name before each subject, where the site has one.
    pub(crate) name: Option<String>,
    /// The address below which links are.
    pub(crate) url: String,
}

/// A mail in words: plain text, in paragraphs that empty lines part. A link is a paragraph of its own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Puts a message in the words of a language.
pub(crate) fn letter(message: &Message<'_>, language: Language, site: &Site) -> Letter {
    let t = texts(language);
    let link = |path, token: &Token| format!("{}/{path}/{}", site.url, token.expose());
    let (words, text) = match *message {
        Message::ResetAnswer { typed, realm, url, answer } => {
            return reset_answer(&t.reset_answer, [&shown(typed), &shown(realm), url], answer);
        }
        Message::PasswordReset(token) => with(&t.password_reset, &[&link("reset-password", token)]),
        Message::AddressProof(token) => with(&t.address_proof, &[&link("verify-email", token)]),
        Message::AddressChange(token) => with(&t.address_change, &[&link("verify-email", token)]),
        Message::Code(code) => {
            let (first, last) = code.expose().split_at_checked(3).unwrap_or((code.expose(), ""));
            with(&t.code, &[&format!("{first}-{last}")])
        }
        Message::Notice(notice, at) => {
            let (words, what) = told(t, notice);
            let (when, link) = ((t.moment)(at.utc()), format!("{}/reset-password", site.url));
            (words, format!("{what}\n\n{}", fill(t.notice_end, &[&when, &link])))
        }
    };
    let subject = match &site.name {
        Some(name) => format!("{}: {}", shown(name), words.subject),
        None => words.subject.to_owned(),
    };
    Letter { subject, text: text + "\n" }
}

/// The answer to somebody who asked for a new password: for an address, at a realm of a name and an address. The subject is as
/// the realm's own system has it, without the name of the site.
fn reset_answer(t: &'static ResetAnswerText, [typed, realm, url]: [&str; 3], answer: &ResetAnswer) -> Letter {
    let rest = match answer {
        ResetAnswer::Link(link) => fill(t.link, &[link]),
        ResetAnswer::Deactivated => t.deactivated.to_owned(),
        ResetAnswer::NoAccount { elsewhere } if elsewhere.is_empty() => t.no_account.to_owned(),
        ResetAnswer::NoAccount { elsewhere } => fill(t.elsewhere, &[&elsewhere.join("\n\n")]),
    };
    let begin = fill(t.begin, &[typed, realm, url]);
    Letter { subject: fill(t.subject, &[realm]), text: format!("{begin}\n\n{rest}\n\n{}\n", t.end) }
}

/// The texts of a notice, and its first paragraph.
fn told(t: &'static Texts, notice: &Notice) -> (&'static MailText, String) {
    match notice {
        Notice::PasswordChanged => with(&t.password_changed, &[]),
        Notice::PasswordReset => with(&t.password_set_anew, &[]),
        Notice::DeviceAdded => with(&t.device_added, &[]),
        Notice::DeviceRemoved => with(&t.device_removed, &[]),
        Notice::DeviceReset => with(&t.device_reset, &[]),
        Notice::DeviceRemovalHeld(until) => with(&t.device_removal_held, &[&(t.moment)(until.utc())]),
        Notice::MailedCodesOn => with(&t.mailed_codes_on, &[]),
        Notice::MailedCodesOff => with(&t.mailed_codes_off, &[]),
        Notice::AppPasswordMade(name) => with(&t.app_password_made, &[&shown(name)]),
        Notice::AddressChanged(address) => with(&t.address_changed, &[&shown(address)]),
        Notice::NewPlace(client) => with(&t.new_place, &[&client.to_string()]),
    }
}

fn with(words: &'static MailText, values: &[&str]) -> (&'static MailText, String) {
    (words, fill(words.text, values))
}

/// What somebody chose, on one line and in the order in which it is read: no part of it can pass for a part of the mail.
fn shown(value: &str) -> String {
    value.chars().map(|symbol| if is_invisible(symbol) { '\u{fffd}' } else { symbol }).collect()
}

/// The texts in a language.
fn texts(language: Language) -> &'static Texts {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

#[cfg(test)]
mod tests;
