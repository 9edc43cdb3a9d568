//! The form of a table of texts.

use auth_core::UtcDateTime;

/// The texts of all mails in a language. `{}` is a place for a value.
#[derive(Debug)]
pub(super) struct Texts {
    /// A moment in UTC, to the minute.
    pub(super) moment: fn(UtcDateTime) -> String,
    /// Its place is for a link, as in the next two.
    pub(super) password_reset: MailText,
    pub(super) address_proof: MailText,
    pub(super) address_change: MailText,
    /// Its place is for a code.
    pub(super) code: MailText,
    pub(super) password_changed: MailText,
    pub(super) password_set_anew: MailText,
    pub(super) device_added: MailText,
    pub(super) device_removed: MailText,
    pub(super) device_reset: MailText,
    /// Its place is for a moment.
    pub(super) device_removal_held: MailText,
    pub(super) mailed_codes_on: MailText,
    pub(super) mailed_codes_off: MailText,
    /// Its place is for the app password's name.
    pub(super) app_password_made: MailText,
    /// Its place is for the new address.
    pub(super) address_changed: MailText,
    /// Its place is for the client's address.
    pub(super) new_place: MailText,
    /// The end of every notice, with places for the moment and a link.
    pub(super) notice_end: &'static str,
    pub(super) reset_answer: ResetAnswerText,
}

/// The texts of the answer to somebody who asked for a new password at a realm's own page.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResetAnswerText {
    /// Its place is for the realm's name.
    pub(super) subject: &'static str,
    /// With places for the address that was typed, the realm's name and the realm's address.
    pub(super) begin: &'static str,
    /// Its place is for a link.
    pub(super) link: &'static str,
    pub(super) deactivated: &'static str,
    pub(super) no_account: &'static str,
    /// Its place is for the addresses of other realms.
    pub(super) elsewhere: &'static str,
    pub(super) end: &'static str,
}

/// The texts of a mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct MailText {
    pub(super) subject: &'static str,
    /// The whole text; of a notice the first paragraph.
    pub(super) text: &'static str,
}

impl Texts {
    /// All texts with their names.
    #[cfg(test)]
    pub(super) fn all(&self) -> [(&'static str, MailText); 23] {
        let text = |text| MailText { subject: "", text };
        let answer = self.reset_answer;
        [
            ("password_reset", self.password_reset),
            ("address_proof", self.address_proof),
            ("address_change", self.address_change),
            ("code", self.code),
            ("password_changed", self.password_changed),
            ("password_set_anew", self.password_set_anew),
            ("device_added", self.device_added),
            ("device_removed", self.device_removed),
            ("device_reset", self.device_reset),
            ("device_removal_held", self.device_removal_held),
            ("mailed_codes_on", self.mailed_codes_on),
            ("mailed_codes_off", self.mailed_codes_off),
            ("app_password_made", self.app_password_made),
            ("address_changed", self.address_changed),
            ("new_place", self.new_place),
            ("notice_end", text(self.notice_end)),
            ("reset_answer.subject", text(answer.subject)),
            ("reset_answer.begin", text(answer.begin)),
            ("reset_answer.link", text(answer.link)),
            ("reset_answer.deactivated", text(answer.deactivated)),
            ("reset_answer.no_account", text(answer.no_account)),
            ("reset_answer.elsewhere", text(answer.elsewhere)),
            ("reset_answer.end", text(answer.end)),
        ]
    }
}
