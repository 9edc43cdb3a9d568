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
    pub(super) fn all(&self) -> [(&'static str, MailText); 15] {
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
            ("mailed_codes_on", self.mailed_codes_on),
            ("mailed_codes_off", self.mailed_codes_off),
            ("app_password_made", self.app_password_made),
            ("address_changed", self.address_changed),
            ("new_place", self.new_place),
            ("notice_end", MailText { subject: "", text: self.notice_end }),
        ]
    }
}
