//! The texts in English.

use super::table::{MailText, ResetAnswerText, Texts};

/// The texts in English.
pub(super) static ENGLISH: Texts = Texts {
    moment: |at| format!("{:04}-{:02}-{:02}, {:02}:{:02} UTC", at.year, at.month, at.day, at.hour, at.minute),
    password_reset: MailText {
        subject: "Password reset",
        text: "Somebody has asked for a new password for your account. Set it here, within an hour:\n\n{}\n\n\
               If it wasn't you, there is nothing to do.",
    },
    address_proof: MailText {
        subject: "Confirm your e-mail address",
        text: "Please confirm that this is your e-mail address. Open this page within a day:\n\n{}\n\n\
               If you have no account here, there is nothing to do.",
    },
    address_change: MailText {
        subject: "Confirm your new e-mail address",
        text: "Please confirm that this is to be the e-mail address of your account. Open this page within a day:\n\n\
               {}\n\nIf you have no account here, there is nothing to do.",
    },
    code: MailText {
        subject: "Authentication code",
        text: "Your authentication code is {}.\n\nIt is good for one login.",
    },
    password_changed: MailText {
        subject: "Your password was changed",
        text: "The password of your account was changed.",
    },
    password_set_anew: MailText {
        subject: "Your password was changed",
        text: "The password of your account was set anew with a link.",
    },
    device_added: MailText {
        subject: "Two-step sign-in was turned on",
        text: "An authenticator app was added to your account. From now on it is asked for a code.",
    },
    device_removed: MailText {
        subject: "Two-step sign-in was turned off",
        text: "The authenticator app was removed from your account.",
    },
    device_reset: MailText {
        subject: "Two-step sign-in was turned off",
        text: "An administrator has removed the authenticator app from your account.",
    },
    device_removal_held: MailText {
        subject: "Two-step sign-in is to be turned off",
        text: "The help desk was asked to remove the authenticator app from your account. It will be removed after {}.\n\n\
               If you did not ask for it, sign in with a code of the app before then: the app stays.",
    },
    mailed_codes_on: MailText {
        subject: "Codes by mail were turned on",
        text: "From now on a code is mailed to you when somebody signs in to your account.",
    },
    mailed_codes_off: MailText {
        subject: "Codes by mail were turned off",
        text: "No code is mailed to you any longer when somebody signs in to your account.",
    },
    app_password_made: MailText {
        subject: "An app password was made",
        text: "An app password of the name \"{}\" was made for your account.",
    },
    address_changed: MailText {
        subject: "Your e-mail address was changed",
        text: "The e-mail address of your account is {} from now on.",
    },
    new_place: MailText {
        subject: "Your account was used from a new place",
        text: "Somebody signed in to your account from {}, from where nobody had before.",
    },
    notice_end: "When: {}\n\nIf it was you, there is nothing to do. If it wasn't, set a new password now:\n\n{}",
    reset_answer: ResetAnswerText {
        subject: "Password reset request for {}",
        begin: "Somebody has asked for a new password for {} at {}:\n\n{}",
        link: "Set it here, within three days:\n\n{}",
        deactivated: "Your account there is deactivated. An administrator of the organization can activate it again.",
        no_account: "There is no account of this address there.",
        elsewhere: "There is no account of this address there, but there is one at:\n\n{}",
        end: "If it wasn't you, there is nothing to do.",
    },
};
